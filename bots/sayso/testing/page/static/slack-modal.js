// A modal over the page of the workspace: its blocks, its inputs, and what was wrong with them.
import { button, element } from "/dom.js";
import { renderBlocks, unescaped } from "/slack-blocks.js";

const MANY = ["checkboxes", "multi_static_select", "multi_external_select"];

export class Modal {
  constructor(view) {
    this.view = view; // the workspace
    this.dialog = element("dialog", { "aria-modal": "true" });
    this.root = element("div", { class: "overlay", hidden: true }, this.dialog);
    this.shown = "";
    this.dialog.addEventListener("keydown", (event) => event.key === "Escape" && this.view.act("close", {}));
  }

  show(modal) {
    const shown = JSON.stringify([modal, this.view.host.person]);
    if (shown === this.shown) return; // what is being typed stays
    const [typed, focused] = [this.typed("key"), document.activeElement?.dataset.key];
    this.shown = shown;
    this.root.hidden = !modal;
    if (!modal) {
      if (this.dialog.open) this.dialog.close();
      return;
    }
    const errors = modal.inputs.map((one) => one.error);
    let number = 0;
    const buttons = modal.blocks.flatMap((block) => block.elements ?? []).filter((one) => one.type === "button");
    const context = { ...this.view.context("modal"), input: (block) => this.field(block, errors[number++]),
      act: (_kind, _block, one) => {
        const alike = buttons.filter((other) => other.text.text === one.text.text);
        const pressed = { label: unescaped(one.text.text), number: alike.indexOf(one), values: this.typed() };
        return this.view.tell(this.view.act("press_in_view", pressed));
      } };
    this.dialog.setAttribute("aria-label", modal.title);
    this.dialog.replaceChildren(element("form", { onsubmit: (event) => this.submit(event) },
      element("header", {}, element("h3", {}, modal.title), button("×", () => this.view.act("close", {}), { class: "close", "aria-label": "Close" })),
      element("div", { class: "body", tabindex: "0", role: "group", "aria-label": modal.title }, renderBlocks(modal.blocks, context)),
      element("footer", {}, button(modal.close ?? (modal.submit ? "Cancel" : "Close"), () => this.view.act("close", {}), { class: "push" }),
        modal.submit && element("button", { class: "push primary" }, modal.submit))));
    this.fill(typed); // what stands in the same inputs stays, and nobody types twice
    if (!this.dialog.open) this.dialog.show();
    const same = focused && this.dialog.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    (this.dialog.querySelector("[aria-invalid]") ?? same ?? this.dialog.querySelector("input, textarea, select, footer button"))?.focus();
  }

  field(block, error) {
    const [label, one] = [unescaped(block.label.text), block.element];
    const hint = block.hint ? unescaped(block.hint.text) : "";
    const key = `${block.block_id}/${one.action_id}`;
    const attributes = { name: label, "data-key": key, "aria-label": label, required: !block.optional, "aria-invalid": error ? "true" : null };
    return element("label", { class: "block input" },
      element("span", {}, label, block.optional && element("small", {}, " (optional)")),
      control(one, attributes), hint && element("small", {}, hint), error && element("strong", { class: "error", role: "alert" }, error));
  }

  typed(by = "name") {
    const values = {};
    for (const one of this.dialog.querySelectorAll("[name]")) {
      const value = one.multiple ? [...one.selectedOptions].map((option) => option.value) : one.value;
      values[by === "key" ? one.dataset.key : one.name] = value;
    }
    return values;
  }

  fill(values) {
    for (const one of this.dialog.querySelectorAll("[name]")) {
      const value = values[one.dataset.key];
      if (value === undefined) continue;
      if (one.multiple) for (const option of one.options) option.selected = value.includes(option.value);
      else one.value = value;
    }
  }

  async submit(event) {
    event.preventDefault();
    await this.view.tell(this.view.act("submit", { values: this.typed() }));
  }
}

function control(one, attributes) {
  if (one.options) {
    const many = MANY.includes(one.type);
    const chosen = [...(one.initial_options ?? []), ...(one.initial_option ? [one.initial_option] : [])].map((option) => option.value);
    return element("select", { ...attributes, multiple: many },
      !many && element("option", { value: "" }, one.placeholder ? unescaped(one.placeholder.text) : ""),
      one.options.map((option) => element("option", { value: unescaped(option.text.text), selected: chosen.includes(option.value) }, unescaped(option.text.text))));
  }
  const placeholder = one.placeholder ? unescaped(one.placeholder.text) : null;
  if (one.type === "plain_text_input" && one.multiline) {
    return element("textarea", { ...attributes, rows: "3", placeholder }, one.initial_value ?? "");
  }
  const type = { number_input: "number", datepicker: "date", datetimepicker: "datetime-local" }[one.type] ?? "text";
  const moment = one.initial_date_time && new Date(one.initial_date_time * 1000).toLocaleString("sv").slice(0, 16).replace(" ", "T");
  return element("input", { ...attributes, type, step: type === "number" ? "any" : null, placeholder, value: moment || one.initial_date || one.initial_value || null });
}
