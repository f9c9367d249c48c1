// The local chats of one person at a time. Everything that people wrote is put in as text, never as markup.
const platforms = await (await fetch("/platforms")).json();
const views = new Map();
let person = decodeURIComponent(location.hash.slice(1));

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

let hiding;
function toast(words) {
  const shown = document.getElementById("toast");
  shown.textContent = words;
  shown.classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => shown.classList.remove("shown"), 6000);
}

class View {
  constructor(platform) {
    this.platform = platform;
    this.revision = -1;
    this.people = [];
    this.chat = undefined; // until it is known which there are; null is the direct messages in Slack
    this.chats = element("div", { class: "chats", role: "tablist", "aria-label": "Chats" });
    this.messages = element("ol", { class: "messages", tabindex: "0", "aria-label": "Messages" });
    this.atEnd = true; // as the person left it: what changes around the list does not count
    this.messages.addEventListener("scroll", () => {
      this.atEnd = this.messages.scrollTop + this.messages.clientHeight >= this.messages.scrollHeight - 40;
    });
    this.asks = element("div", { class: "asks" });
    this.input = element("input", { "aria-label": `Write in ${platform}`, autocomplete: "off" });
    const title = platform[0].toUpperCase() + platform.slice(1);
    this.root = element("section", { "aria-label": title },
      element("h2", {}, title), this.chats, this.messages, this.asks,
      element("form", { onsubmit: (event) => this.write(event) }, this.input, element("button", {}, "Send")));
  }

  async get(path) {
    return (await fetch(`/${this.platform}/control/${path}`)).json();
  }

  async act(action, body) {
    let answer;
    try {
      answer = await fetch(`/${this.platform}/control/people/${this.me().id}/${action}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    } catch {
      toast("The demo does not answer. Start it again: this page comes back by itself.");
      return {};
    }
    const said = await answer.json();
    if (!answer.ok) toast(said.error);
    return said;
  }

  me() { return this.people.find((one) => one.name === person); }

  async watch() {
    for (;;) {
      try {
        const { revision } = await this.get(`changes?after=${this.revision}`);
        if (this.root.inert || revision !== this.revision) await this.refresh();
        this.root.inert = false;
      } catch {
        this.root.inert = true; // nothing here can be pressed while nobody would hear it
        this.revision = -1;
        await new Promise((wake) => setTimeout(wake, 1000));
      }
    }
  }

  async refresh() {
    const state = await this.get("state");
    this.revision = state.revision;
    this.people = state.people;
    if (!person && this.people.length) person = this.people[0].name;
    showPeople();
    if (!this.me()) return;
    const chats = await this.chatsOf(await this.get(`people/${this.me().id}/chats`));
    if (!chats.some((one) => one.id === this.chat)) this.chat = (chats.find((one) => one.title) ?? chats[0])?.id ?? null;
    this.show(chats);
  }

  chatsOf(seen) { return seen; }

  show(chats) {
    this.chats.replaceChildren(...chats.map((one) => element("button", {
      type: "button", role: "tab", "aria-selected": String(one.id === this.chat),
      onclick: () => { this.chat = one.id; this.refresh(); } }, one.title ?? "sayso (direct)")));
    const list = this.messages;
    const messages = chats.find((one) => one.id === this.chat)?.messages ?? [];
    list.replaceChildren(...messages.map((message) => this.message(message)));
    if (this.atEnd) list.scrollTop = list.scrollHeight;
    this.asked = messages.findLast((message) => message.asks_reply) ?? null;
    this.asks.textContent = this.asked ? `Replying to: ${this.asked.text.split("\n")[0]}` : "";
    this.input.placeholder = this.asked?.placeholder ?? "Write a message";
  }

  message(message) {
    if (message.notice) return element("li", { class: "notice" }, message.text || message.notice.replaceAll("_", " "));
    const mine = message.sender === person;
    const item = element("li", { class: mine ? "mine" : "" },
      element("span", { class: "sender" }, message.sender),
      element("time", { class: "when", datetime: message.date }, new Date(message.date).toLocaleTimeString([], { timeStyle: "short" })),
      element("div", { class: "text" }, ...formatted(message)));
    for (const row of message.keyboard ?? []) {
      item.append(element("div", { class: "row" }, ...row.map((button) => element("button", {
        type: "button", class: button.style ?? "", disabled: button.is_disabled ? "" : null,
        onclick: () => this.press(message, button.label) }, button.label))));
    }
    if (message.document) item.append(element("span", { class: "file" }, `📎 ${message.document.name}`));
    return item;
  }

  async press(message, label) {
    const said = await this.act("press", { chat_id: message.chat_id, message_id: message.message_id, label });
    if (said.is_acknowledged === false) toast("The bot did not answer this press.");
    else if (said.text) toast(said.text);
  }

  async write(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || !this.me()) return;
    this.input.value = "";
    const body = { chat_id: this.chat, text };
    if (this.asked && !text.startsWith("/run")) await this.act("reply", { ...body, message_id: this.asked.message_id });
    else await this.act("say", body);
  }
}

function formatted(message) {
  const parts = [];
  const links = new Map((message.entities ?? []).filter((one) => /^https?:/.test(one.target ?? "")).map((one) => [one.words, one.target]));
  let at = 0;
  for (const entity of message.entities ?? []) {
    const link = links.get(entity.words);
    const tag = link ? "a" : { bold: "strong", italic: "em" }[entity.type];
    const found = tag ? message.text.indexOf(entity.words, at) : -1;
    if (found < 0) continue;
    const attributes = link ? { href: link, target: "_blank", rel: "noreferrer" } : {};
    parts.push(message.text.slice(at, found), element(tag, attributes, entity.words));
    at = found + entity.words.length;
  }
  parts.push(message.text.slice(at));
  return parts;
}

function showPeople() {
  const names = [...new Set([...views.values()].flatMap((view) => view.people.map((one) => one.name)))];
  document.getElementById("people").replaceChildren(...names.map((name) => element("button", {
    type: "button", role: "tab", "aria-selected": String(name === person),
    onclick: () => { person = name; location.hash = encodeURIComponent(name); for (const view of views.values()) view.refresh(); } },
    name)));
}

class SlackView extends View {
  constructor(platform) {
    super(platform);
    this.home = element("button", { type: "button", class: "home", onclick: () => this.act("home", {}) }, "Open sayso's home");
    this.modal = element("dialog", { "aria-label": "Modal" });
    this.published = element("div", { class: "published" });
    this.root.append(this.home, this.published, this.modal);
  }

  chatsOf(seen) {
    this.showModal(seen.view);
    this.published.replaceChildren(...(seen.home ? [element("pre", {}, seen.home.text),
      ...seen.home.keyboard.map((row) => this.row(row, (label) => this.act("press_at_home", { label })))] : []));
    return seen.chats.map((chat) => ({ ...chat, title: chat.title && `#${chat.title}`,
      messages: chat.messages.flatMap(({ message, thread }) => [message, ...thread]) }));
  }

  row(row, press) {
    return element("div", { class: "row" }, ...row.map((button) => element("button", {
      type: "button", class: button.style ?? "", onclick: () => press(button.label) }, button.label)));
  }

  message(message) {
    const item = super.message(message);
    if (message.is_ephemeral) {
      item.classList.add("private");
      item.querySelector(".sender").append(" (only you see this)");
    }
    if (message.thread_ts) item.classList.add("in-thread");
    for (const select of message.selects) item.append(this.picker(message, select));
    for (const file of message.files) item.append(element("span", { class: "file" }, `📎 ${file.name}`));
    return item;
  }

  picker(message, select) {
    const chosen = element("input", { list: `options-${message.ts}`, placeholder: select.placeholder, "aria-label": select.placeholder });
    const list = element("datalist", { id: `options-${message.ts}` }, ...select.options.map((label) => element("option", { value: label })));
    if (select.is_searched) {
      chosen.addEventListener("input", async () => {
        const found = await this.act("search", { channel: message.channel === this.direct ? null : message.channel, ts: message.ts, text: chosen.value });
        if (Array.isArray(found)) list.replaceChildren(...found.map((label) => element("option", { value: label })));
      });
    }
    const choose = () => this.tell(this.act("choose", { channel: this.chat, ts: message.ts, label: chosen.value }));
    return element("div", { class: "row" }, chosen, list, element("button", { type: "button", onclick: choose }, "Choose"));
  }

  async tell(done) {
    if ((await done).is_acknowledged === false) toast("sayso did not answer this. Try again.");
  }

  press(message, label) { return this.tell(this.act("press", { channel: this.chat, ts: message.ts, label })); }

  async write(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || !this.me()) return;
    this.input.value = "";
    await (text.startsWith("/") ? this.tell(this.act("command", { channel: this.chat, text })) : this.act("write", { channel: this.chat, text }));
  }

  showModal(view) {
    const shown = JSON.stringify([view, person]);
    if (shown === this.shownModal) return; // what is being typed stays
    this.shownModal = shown;
    if (!view) {
      if (this.modal.open) this.modal.close();
      return;
    }
    const form = element("form", { onsubmit: (event) => this.submit(event, view) },
      element("h3", {}, view.title), element("p", { class: "text" }, view.text),
      ...view.inputs.map((input) => this.field(input)),
      element("div", { class: "row" },
        element("button", { type: "button", onclick: () => this.act("close", {}) }, view.submit ? "Cancel" : "Close"),
        ...(view.submit ? [element("button", { class: "primary" }, view.submit)] : [])));
    this.modal.replaceChildren(form);
    if (!this.modal.open) this.modal.show();
    form.querySelector("input, textarea, select, button")?.focus();
  }

  field(input) {
    const many = ["checkboxes", "multi_static_select", "multi_external_select"].includes(input.kind);
    const attributes = { name: input.label, "aria-label": input.label, required: input.is_optional ? null : "" };
    let control;
    if (input.options.length) {
      control = element("select", { ...attributes, multiple: many ? "" : null },
        ...(many ? [] : [element("option", { value: "" }, "")]), ...input.options.map((label) => element("option", { value: label }, label)));
    } else if (input.kind === "plain_text_input") control = element("textarea", attributes);
    else control = element("input", { ...attributes, type: { number_input: "number", datepicker: "date" }[input.kind] ?? "text", step: "any" });
    return element("label", {}, input.label, control, element("small", {}, input.hint),
      element("strong", { class: "error", role: "alert" }, input.error ?? ""));
  }

  async submit(event, view) {
    event.preventDefault();
    const values = {};
    for (const control of event.target.querySelectorAll("[name]")) {
      values[control.name] = control.multiple ? [...control.selectedOptions].map((one) => one.value) : control.value;
    }
    await this.tell(this.act("submit", { values }));
  }
}

const kinds = { slack: SlackView };
for (const platform of platforms) {
  const view = new (kinds[platform] ?? View)(platform);
  views.set(platform, view);
  document.getElementById("platforms").append(view.root);
  view.watch();
}
