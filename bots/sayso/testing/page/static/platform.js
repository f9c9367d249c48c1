// What the views of all platforms have: they fetch what one person sees, again whenever something has changed.
import { element, toast, untilLetGo } from "/dom.js";

export class View {
  constructor(name, host) {
    this.name = name;
    this.host = host; // who is looking, and whom to tell of changes
    this.revision = -1;
    this.refreshes = 0;
    this.people = [];
    this.root = element("section", { class: name, "aria-label": name[0].toUpperCase() + name.slice(1) });
    this.places = new Map(); // by person, the chat that they have open
    this.seen = new Map(); // by person and chat, how much of it they have looked at
  }

  // Where this person is: each of them has an app of their own.
  get place() { return this.places.get(this.host.person); }
  set place(place) { this.places.set(this.host.person, place); }

  get me() { return this.people.find((one) => one.name === this.host.person); }

  async get(path) { return (await fetch(`/${this.name}/control/${path}`)).json(); }

  async act(action, body) {
    let answer;
    try {
      answer = await fetch(`/${this.name}/control/people/${this.me.id}/${action}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    } catch {
      toast("The demo is not running. Start it again; this page reconnects by itself.");
      return {};
    }
    const said = await answer.json();
    if (!answer.ok) toast(said.error);
    return said;
  }

  async watch() {
    for (;;) {
      try {
        const { revision } = await this.get(`changes?after=${this.revision}`);
        if (this.root.inert || revision !== this.revision) await this.refresh();
      } catch {
        this.root.inert = true; // nothing here can be pressed while nobody would hear it
        this.revision = -1;
        await new Promise((wake) => setTimeout(wake, 1000));
      }
    }
  }

  // Once a later one has begun, what an earlier one fetched is not shown any more.
  async refresh() {
    const number = ++this.refreshes;
    const state = await this.get("state");
    this.people = state.people;
    this.host.meet(this.people.map((one) => one.name));
    const chats = this.me && (await this.get(`people/${this.me.id}/chats`));
    await untilLetGo();
    if (number !== this.refreshes) return;
    this.revision = state.revision;
    this.state = state;
    if (chats) this.show(chats);
    this.root.inert = false;
    this.host.changed();
  }

  // Whether a chat holds something that this person has not looked at; what is shown now counts as looked at.
  isUnread(chat, messages, isShown) {
    const key = `${this.me.id} ${chat}`;
    const count = messages.reduce((sum, message) => sum + message.version, 0);
    if (isShown || !this.seen.has(key)) this.seen.set(key, count);
    return this.seen.get(key) < count;
  }
}

// A list of messages that stays at its end, unless the person has scrolled away from there.
export function messageList() {
  const list = element("ol", { class: "messages", tabindex: "0", "aria-label": "Messages" });
  let atEnd = true;
  list.addEventListener("scroll", () => { atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 40; });
  new ResizeObserver(() => { if (atEnd) list.scrollTop = list.scrollHeight; }).observe(list);
  list.fill = (items, { toEnd = false } = {}) => {
    const [focused, at] = [list.contains(document.activeElement) ? document.activeElement.dataset.key : null, list.scrollTop];
    list.replaceChildren(...items);
    list.scrollTop = atEnd || toEnd ? list.scrollHeight : at;
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
  return list;
}
