// Telegram as one person sees it: chats at the side, bubbles with keyboards below them, replies.
import { avatar, button, clock, dataUrl, element, fileCard } from "/dom.js";
import { messageList, View } from "/platform.js";
import { formatted } from "/telegram-text.js";

const NOTICES = { new_chat_members: "joined the group", left_chat_member: "left the group" };

export class TelegramView extends View {
  constructor(name, host) {
    super(name, host);
    this.replying = undefined; // what the person chose to reply to; undefined leaves it to the bot, null is nothing
    this.rail = element("nav", { class: "rail", "aria-label": "Chats" });
    this.head = element("header", { class: "head" });
    this.list = messageList();
    this.reply = element("div", { class: "reply-to", hidden: true });
    this.input = element("input", { "aria-label": "Write in telegram", autocomplete: "off" });
    this.words = element("p", { class: "popup", role: "status", "aria-live": "polite" });
    this.root.append(this.rail, element("div", { class: "conversation" }, this.head, this.list, this.reply,
      element("form", { class: "composer", onsubmit: (event) => this.write(event) }, this.input, element("button", { "aria-label": "Send" }, "➤")), this.words));
  }

  show(chats) {
    if (!chats.some((one) => one.id === this.place)) this.place = (chats.find((one) => one.title) ?? chats[0])?.id;
    const open = chats.find((one) => one.id === this.place);
    this.rail.replaceChildren(element("h2", {}, "Telegram"), ...chats.map((one) => element("button", {
      type: "button", "aria-current": one.id === this.place ? "page" : null,
      class: this.isUnread(one.id, one.messages, one.id === this.place) ? "unread" : "",
      onclick: () => { this.place = one.id; this.replying = undefined; this.refresh(); } },
      avatar(one.title ?? "sayso", !one.title), element("span", {}, one.title ?? "sayso"))));
    if (!open) return;
    this.showHead(open);
    const isNew = this.shownChat !== `${this.me.id} ${this.place}`;
    this.shownChat = `${this.me.id} ${this.place}`;
    this.messages = open.messages;
    this.asked = open.messages.findLast((message) => message.asks_reply) ?? null;
    this.showReply(); // before the messages, which then end where there is room for them
    const empty = element("li", { class: "notice" }, element("span", {}, "No messages here yet"));
    this.list.fill(open.messages.length ? open.messages.map((message) => this.message(message)) : [empty], { toEnd: isNew });
  }

  showHead(open) {
    const group = this.state.groups.find((one) => one.id === open.id);
    const people = group?.members.filter((id) => this.people.some((one) => one.id === id)).length;
    this.head.replaceChildren(element("h3", {}, open.title ?? "sayso"), element("small", {}, group ? `${people} members, and sayso` : "bot"));
  }

  get answered() { return this.replying === undefined ? this.asked : this.replying; }

  showReply() {
    const to = this.answered;
    this.reply.hidden = !to;
    this.input.placeholder = to?.placeholder ?? (to ? "Reply" : "Message");
    if (!to) return;
    this.reply.replaceChildren(element("span", { class: "quote" }, element("strong", {}, `Reply to ${to.sender}`), element("span", {}, to.text.split("\n")[0])),
      button("×", () => { this.replying = null; this.showReply(); }, { class: "close", "aria-label": "Do not reply" }));
  }

  message(message) {
    if (message.notice) {
      const words = message.text || `${message.subjects.join(", ") || message.sender} ${NOTICES[message.notice] ?? message.notice.replaceAll("_", " ")}`;
      return element("li", { class: "notice" }, element("span", {}, words));
    }
    const mine = message.sender === this.host.person;
    const isBot = message.sender === "sayso";
    return element("li", { class: `message ${mine ? "mine" : ""} ${message.keyboard.length ? "with-keyboard" : ""}` },
      !mine && avatar(message.sender, isBot),
      element("div", { class: "stack" },
        element("div", { class: "bubble" },
          !mine && element("p", { class: "sender" }, message.sender),
          this.quoted(message.reply_to),
          message.document && (message.document.is_photo
            ? element("img", { src: dataUrl(message.document.content, message.document.name), alt: "Photo" })
            : fileCard(message.document.name, message.document.content)),
          element("div", { class: "text" }, formatted(message.text, message.entities)),
          element("p", { class: "foot" }, isBot && button("↩", () => { this.replying = message; this.showReply(); this.input.focus(); }, { class: "answer", "aria-label": "Reply to this message" }),
            message.version > 1 && element("small", {}, "edited "), clock(message.date))),
        message.keyboard.map((row, line) => element("div", { class: "row" }, row.map((one, place) => this.key(message, one, `${line}-${place}`))))));
  }

  quoted(id) {
    const found = id && this.messages.find((one) => one.message_id === id);
    return found && element("div", { class: "quote" }, element("strong", {}, found.sender), element("span", {}, found.text.split("\n")[0]));
  }

  key(message, one, place) {
    return button(one.label, (event) => this.press(message, one, event.currentTarget), {
      class: `key ${one.style ?? ""} ${one.url ? "url" : ""}`, disabled: one.is_disabled, "data-key": `${message.message_id}/${place}` });
  }

  async press(message, one, pressed) {
    const about = { chat_id: message.chat_id, message_id: message.message_id, label: one.label };
    if (one.url) {
      const { url } = await this.act("follow", about);
      if (/^https?:/.test(url ?? "")) window.open(url, "_blank", "noreferrer");
      return;
    }
    pressed.classList.add("waiting");
    const said = await this.act("press", about);
    pressed.classList.remove("waiting");
    if (said.is_acknowledged === false) this.popUp("No answer yet. Telegram keeps the press for when sayso is running again.");
    else if (said.text) this.popUp(said.text);
  }

  popUp(words) {
    this.words.textContent = words;
    this.words.classList.add("shown");
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => this.words.classList.remove("shown"), 6000);
  }

  async write(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || !this.me) return;
    const to = text.startsWith("/run") ? null : this.answered;
    this.input.value = "";
    this.replying = undefined;
    const body = { chat_id: this.place, text };
    if (to) await this.act("reply", { ...body, message_id: to.message_id });
    else await this.act("say", body);
  }
}
