// The page: who is looking, which views there are, and, on a phone, which of them is shown.
import { avatar, button, element } from "/dom.js";
import { GuideView } from "/guide.js";
import { SlackView } from "/slack.js";
import { TelegramView } from "/telegram.js";

const KINDS = { slack: SlackView, telegram: TelegramView };
const { platforms, guide } = await (await fetch("/page.json")).json();

class Host {
  constructor() {
    this.person = decodeURIComponent(location.hash.slice(1));
    this.names = [];
    this.roles = new Map();
    this.views = platforms.filter((name) => name in KINDS).map((name) => new KINDS[name](name, this));
    this.guide = guide ? new GuideView(this) : null;
  }

  start() {
    const all = [...(this.guide ? [this.guide] : []), ...this.views];
    const main = document.getElementById("platforms");
    main.classList.toggle("with-guide", guide);
    main.replaceChildren(...all.map((view) => view.root));
    document.getElementById("views").replaceChildren(...all.map((view) =>
      button(view.root.getAttribute("aria-label"), () => this.showOnly(view.root), { "aria-pressed": "false" })));
    this.showOnly(all[0].root);
    window.addEventListener("hashchange", () => this.become(decodeURIComponent(location.hash.slice(1))));
    for (const view of this.views) view.watch();
    this.guide?.watch();
  }

  showOnly(root) {
    for (const one of root.parentElement.children) one.classList.toggle("chosen", one === root);
    [...root.parentElement.children].forEach((one, at) =>
      document.getElementById("views").children[at].setAttribute("aria-pressed", String(one === root)));
  }

  meet(names) {
    const known = this.names.length;
    this.names = [...new Set([...this.names, ...names])];
    if (!this.person && this.names.length) this.person = this.names[0];
    if (this.names.length > known) this.showPeople();
  }

  become(name) {
    if (!this.names.includes(name) || name === this.person) return;
    this.person = name;
    this.showPeople();
    for (const view of this.views) {
      view.root.inert = true; // it still shows what somebody else sees
      view.refresh();
    }
  }

  showPeople() {
    const group = document.getElementById("people");
    const focused = group.contains(document.activeElement);
    group.replaceChildren(...this.names.map((name) => element("button", {
      type: "button", "aria-pressed": String(name === this.person),
      onclick: () => { location.hash = encodeURIComponent(name); } },
      avatar(name), element("span", {}, name, this.roles.has(name) && element("small", {}, this.roles.get(name))))));
    if (focused) group.querySelector('[aria-pressed="true"]')?.focus();
    const inbox = document.getElementById("inbox");
    inbox.hidden = !guide;
    inbox.href = `/inbox?as=${encodeURIComponent(this.person)}`;
  }

  changed() { this.guide?.refresh(); }
}

new Host().start();
