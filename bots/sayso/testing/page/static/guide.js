// The guide: what to do next. What is done, the service's own records say.
import { button, element, toast, untilLetGo } from "/dom.js";

export class GuideView {
  constructor(host) {
    this.host = host;
    this.root = element("section", { class: "guide", "aria-label": "Guide" });
    this.shown = "";
  }

  async watch() {
    for (;;) {
      await this.refresh();
      await new Promise((wake) => setTimeout(wake, 1000));
    }
  }

  async refresh() {
    let state;
    try {
      state = await (await fetch("/guide")).json();
    } catch {
      this.root.inert = true;
      return;
    }
    await untilLetGo();
    this.root.inert = false;
    const shown = JSON.stringify(state);
    if (shown === this.shown) return;
    this.shown = shown;
    this.host.roles = new Map(state.people.map(({ name, role }) => [name, role]));
    this.host.showPeople();
    this.show(state);
  }

  show({ service, steps, end }) {
    const current = steps.findIndex((step) => !step.done);
    const focused = this.root.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.root.replaceChildren(...[
      element("h2", {}, "Three steps"),
      element("ol", { class: "steps" }, steps.map((step, at) => this.step(step, at === current))),
      end && element("div", { class: "end" }, element("h3", {}, end.title), element("p", {}, end.text), this.actions(end.actions)),
      element("p", { class: `service ${service.state}`, role: "status" }, service.text), this.actions(service.actions)].filter(Boolean));
    if (focused) [...this.root.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
  }

  step(step, isCurrent) {
    return element("li", { class: step.done ? "done" : isCurrent ? "current" : "later", "aria-current": isCurrent ? "step" : null },
      element("h3", {}, step.title, step.done && element("span", { class: "mark" }, " done")),
      isCurrent && element("p", {}, step.text),
      isCurrent && element("ul", { class: "tasks" }, step.tasks.map((task) => this.task(task))),
      isCurrent && step.hint && element("p", { class: "hint" }, step.hint),
      isCurrent && this.actions(step.actions));
  }

  actions(actions) {
    return actions.length > 0 && element("p", { class: "actions" },
      actions.map((one) => button(one.label, () => this.act(one.name), { class: one.style })));
  }

  task(task) {
    const be = task.person && !task.done && task.person !== this.host.person;
    return element("li", { class: task.done ? "done" : "" },
      element("span", { class: "box", role: "img", "aria-label": task.done ? "done" : "to do" }, task.done ? "✓" : ""),
      element("span", {}, task.text, be && " ",
        be && element("a", { href: `#${task.person}` }, `Be ${task.person}`)));
  }

  async act(name) {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    try {
      await fetch(`/guide/${name}`, options);
    } catch {
      toast("The demo is not running. Start it again; this page reconnects by itself.");
    }
    await this.refresh();
  }
}
