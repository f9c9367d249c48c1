// A workspace of Slack as one person sees it: channels at the side, a conversation, threads, the app's home, modals.
import { avatar, button, clock, dataUrl, element, fileCard, isPicture, toast } from "/dom.js";
import { messageList, View } from "/platform.js";
import { mrkdwn, renderBlocks, unescaped } from "/slack-blocks.js";
import { Modal } from "/slack-modal.js";

const HOME = "home";

// A place is a channel's id, null for the messages with the app, or HOME.
export class SlackView extends View {
  constructor(name, host) {
    super(name, host);
    this.thread = null; // the message whose thread is open
    this.side = element("nav", { class: "side", "aria-label": "Channels" });
    this.head = element("header", { class: "head" });
    this.list = messageList();
    this.home = element("div", { class: "home", tabindex: "0", role: "group", "aria-label": "Home", hidden: true });
    this.composer = composer("Write in slack", (text) => this.write(text));
    this.pane = element("aside", { class: "thread", "aria-label": "Thread", hidden: true });
    this.replies = messageList();
    this.replies.setAttribute("aria-label", "Replies");
    this.pane.append(
      element("header", { class: "head" }, element("h3", {}, "Thread"), button("×", () => this.openThread(null), { class: "close", "aria-label": "Close thread" })),
      this.replies, composer("Reply in thread", (text) => this.act("write", { channel: this.place, text, thread: this.thread })));
    this.modal = new Modal(this);
    this.root.append(this.side, element("div", { class: "conversation" }, this.head, this.list, this.home, this.composer), this.pane, this.modal.root);
  }

  show({ chats, view, home }) {
    this.modal.show(view);
    this.names = new Map(this.people.map((one) => [one.id, one.name]));
    const channels = chats.filter((one) => one.id !== null);
    if (this.place !== HOME && !chats.some((one) => one.id === this.place)) this.place = channels[0]?.id ?? null;
    this.chat = chats.find((one) => one.id === this.place) ?? null;
    this.showSide(channels, chats.find((one) => one.id === null));
    this.showHead();
    this.list.hidden = this.composer.hidden = this.place === HOME;
    this.home.hidden = this.place !== HOME;
    if (this.place === HOME) this.showHome(home);
    else this.showMessages();
    this.showThread();
  }

  showSide(channels, app) {
    const item = (mark, words, id, messages) => element("button", {
      type: "button", "aria-current": this.place === id || (id === null && this.place === HOME) ? "page" : null,
      class: messages && this.isUnread(id, messages.map((one) => one.message), this.place === id) ? "unread" : "",
      onclick: () => this.open(id) }, mark, element("span", {}, words));
    this.side.replaceChildren(
      element("h2", {}, "Acme", element("small", {}, "Slack")),
      element("p", {}, "Channels"),
      ...channels.map((one) => item(element("span", { class: "hash", "aria-hidden": "true" }, "#"), one.title, one.id, one.messages)),
      element("p", {}, "Apps"),
      item(avatar("sayso", true), "sayso", null, app?.messages));
  }

  showHead() {
    if (this.place !== null && this.place !== HOME) {
      const members = this.state.channels.find((one) => one.id === this.place)?.members ?? [];
      const people = members.filter((one) => this.names.has(one)).length;
      this.head.replaceChildren(element("h3", {}, `# ${this.chat.title}`), element("small", {}, `${people} members, and sayso`));
      return;
    }
    const tab = (words, place) => button(words, () => this.open(place), { "aria-pressed": String(this.place === place) });
    this.head.replaceChildren(avatar("sayso", true), element("h3", {}, "sayso"), element("span", { class: "tabs" }, tab("Home", HOME), tab("Messages", null)));
  }

  async open(place) {
    this.place = place;
    this.thread = null;
    if (place === HOME) await this.act("home", {});
    await this.refresh();
    if (place !== HOME) this.list.scrollTop = this.list.scrollHeight;
  }

  showHome(home) {
    if (!home) {
      this.home.replaceChildren(element("p", { class: "empty" }, "sayso has not drawn its home yet."));
      return;
    }
    const counted = new Map();
    const context = { ...this.context("home"), act: (kind, _block, one) => {
      const label = unescaped(one.text.text);
      return kind === "press" && this.tell(this.act("press_at_home", { label, number: counted.get(one) ?? 0 }));
    } };
    const labels = new Map();
    for (const one of home.blocks.flatMap((block) => [...(block.elements ?? []), ...(block.accessory ? [block.accessory] : [])])) {
      if (one.type !== "button") continue;
      const label = one.text.text;
      counted.set(one, labels.get(label) ?? 0);
      labels.set(label, counted.get(one) + 1);
    }
    this.home.replaceChildren(...renderBlocks(home.blocks, context).filter(Boolean));
  }

  showMessages() {
    const isNew = this.shownPlace !== `${this.me.id} ${this.place}`;
    this.shownPlace = `${this.me.id} ${this.place}`;
    const items = this.chat.messages.map(({ message, thread }) => this.message(message, thread));
    this.list.fill(items.length ? items : [element("li", { class: "empty" }, "No messages yet.")], { toEnd: isNew });
  }

  showThread() {
    const found = this.chat?.messages.find(({ message }) => message.ts === this.thread);
    this.pane.hidden = !found;
    this.root.classList.toggle("with-thread", Boolean(found));
    if (found) this.replies.fill([this.message(found.message), ...found.thread.map((one) => this.message(one))]);
  }

  openThread(ts) {
    this.thread = ts;
    this.showThread();
  }

  context(key, message = null) {
    return {
      key, people: this.names, files: message?.files ?? [], input: () => null,
      act: (kind, _block, one, value, pressed) => {
        const about = { channel: this.place, ts: message.ts, action_id: one.action_id };
        if (kind === "search") return this.act("search", { ...about, text: value });
        pressed?.classList.add("waiting");
        return this.tell(this.act(kind, kind === "choose" ? { ...about, label: value } : about)).then(() => pressed?.classList.remove("waiting"));
      },
    };
  }

  message(message, thread) {
    const isBot = message.sender === "sayso";
    const context = this.context(message.ts, message);
    const blocks = [...message.blocks, ...message.attachments.flatMap((one) => one.blocks ?? [])];
    return element("li", { class: `message ${message.is_ephemeral ? "private" : ""}` },
      avatar(message.sender, isBot),
      element("div", { class: "content" },
        message.is_ephemeral && element("p", { class: "only-you" }, "Only visible to you"),
        element("p", { class: "by" }, element("strong", {}, message.sender), isBot && element("span", { class: "app" }, "APP"), clock(message.date),
          message.version > 1 && element("small", {}, "(edited)")),
        blocks.length ? renderBlocks(blocks, context) : element("p", { class: "block plain" }, mrkdwn(message.markup, context)),
        message.files.map((file) => isPicture(file.name)
          ? element("img", { class: "shared", src: dataUrl(file.content, file.name), alt: file.alt || file.name })
          : fileCard(file.name, file.content)),
        thread?.length > 0 && button(`${thread.length} ${thread.length === 1 ? "reply" : "replies"}`, () => this.openThread(message.ts), { class: "replies" })));
  }

  async tell(done) {
    if ((await done).is_acknowledged === false) toast("⚠ sayso didn’t respond, so nothing was counted. Press again when it is running.");
  }

  async write(text) {
    if (text.startsWith("/")) await this.tell(this.act("command", { channel: this.place, text }));
    else await this.act("write", { channel: this.place, text });
  }
}

function composer(label, send) {
  const input = element("input", { "aria-label": label, placeholder: label === "Reply in thread" ? "Reply…" : "Message, or /sayso help", autocomplete: "off" });
  return element("form", { class: "composer", onsubmit: (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    if (text) send(text);
  } }, input, element("button", { "aria-label": "Send" }, "➤"));
}
