// Keys for those who answer much: from card to card, and to its buttons. A key never decides by itself.

const OFF = "sayso-keys-off";
const sheet = document.getElementById("keys");
const use = document.getElementById("use-keys");

function move(step) {
  const cards = [...document.querySelectorAll("main article.card")];
  const here = cards.indexOf(document.activeElement?.closest("article.card"));
  const next = here < 0 ? (step > 0 ? 0 : cards.length - 1) : here + step;
  cards[next]?.focus();
}

function reach(kind) {
  const card = document.activeElement?.closest("article.card");
  const voted = card?.querySelector("details.voted");
  if (voted) voted.open = true;
  const buttons = [...card?.querySelectorAll(`form.answer :is(button, a.button).${kind}`) ?? []];
  buttons.find((one) => !one.closest("[hidden]"))?.focus();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => reach("primary"),
  r: () => reach("danger"),
  "?": () => sheet.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select") || sheet.open) return;
  if (event.key !== "?" && localStorage.getItem(OFF) === "yes") return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.getElementById("show-keys").addEventListener("click", () => sheet.showModal());
use.checked = localStorage.getItem(OFF) !== "yes";
use.addEventListener("change", () => localStorage.setItem(OFF, use.checked ? "no" : "yes"));
