// Why somebody chose what they chose: the choice opens the reasons above its comment, and one button sends both. A reason
// that is picked is text in the comment, which stays theirs to change.

import { rearrange } from "/static/inbox.js";

function parts(form, key) {
  return form.querySelectorAll(key === null ? "[data-reasons]" : `[data-reasons="${CSS.escape(key)}"]`);
}

function show(form, key) {
  const label = form.querySelector(".comment span");
  label.dataset.usual ??= label.textContent;
  rearrange(() => {
    for (const part of parts(form, null)) part.hidden = part.dataset.reasons !== key;
    for (const buttons of form.querySelectorAll("[data-choices]")) buttons.hidden = key !== null;
    form.classList.toggle("asks-why", key !== null);
    label.textContent = key === null ? label.dataset.usual : parts(form, key)[0].dataset.label;
  });
}

function textOf(input) {
  return input.closest("label").textContent.trim();
}

// What somebody wrote themselves beside a reason that they had picked.
function ownWords(text, reasons) {
  const written = text.trim();
  if (reasons.includes(written)) return "";
  const picked = reasons.find((one) => written.startsWith(`${one}: `));
  return picked ? written.slice(picked.length + 2).trim() : written;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-why], [data-back]");
  if (!button || button.hasAttribute("aria-disabled")) return;
  const form = button.form;
  if (button.matches("[data-why]")) {
    const key = button.dataset.why;
    show(form, key);
    (parts(form, key)[0].querySelector("input") ?? form.elements.comment).focus();
  } else {
    const { reasons } = button.closest("[data-reasons]").dataset;
    show(form, null);
    form.querySelector(`[data-why="${CSS.escape(reasons)}"]`).focus();
  }
});

// In a list of options, the one that is chosen shows its reasons below the list.
document.addEventListener("change", (event) => {
  if (!event.target.matches("form.answer .option input[type=radio][name=choice]")) return;
  if (parts(event.target.form, null).length) show(event.target.form, event.target.dataset.asks ?? null);
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-reasons] input")) return;
  const comment = event.target.closest("form").elements.comment;
  const reasons = Array.from(event.target.closest("[data-reasons]").querySelectorAll("input"), textOf);
  const own = ownWords(comment.value, reasons);
  comment.value = own ? `${textOf(event.target)}: ${own}` : textOf(event.target);
});
