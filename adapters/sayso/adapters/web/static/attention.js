// How many questions wait for somebody, in the title and the icon of every page; and notifications, where they have asked
// for some.

const WANTED = "sayso-notifications";
const icon = document.querySelector('link[rel="icon"]');
const toggle = document.getElementById("notify");

const isInbox = Boolean(document.querySelector("#cards[data-inbox]"));
const name = document.title.replace(/^\(\d+\+?\) /, "");

function show(awaited) {
  const page = isInbox ? (awaited ? "sayso" : "Inbox · sayso") : name;
  document.title = awaited ? `(${awaited}) ${page}` : page;
  const wanted = awaited ? "/static/icon-waiting.svg" : "/static/icon.svg";
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}

// The inbox counts what it shows.
export function countWaiting(cards) {
  if (!isInbox) return;
  const waiting = cards.querySelectorAll("article.mine").length;
  show(waiting ? `${waiting}${cards.hasAttribute("data-more") ? "+" : ""}` : "");
  document.getElementById("empty").hidden = waiting > 0;
}

// Other pages ask, at most once a second, once something has happened.
let asking;
export function askWhatWaits() {
  if (isInbox || asking) return;
  asking = setTimeout(async () => {
    asking = undefined;
    const response = await fetch("/waiting").catch(() => null);
    if (response?.ok) show((await response.json()).waiting);
  }, 1000);
}

function isOn() {
  return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(WANTED) === "on";
}

function showToggle() {
  toggle.hidden = !("Notification" in window) || Notification.permission === "denied";
  toggle.textContent = isOn() ? "Turn off notifications" : "Turn on notifications";
}

// Tells somebody who looks elsewhere. All tabs use one tag for a question, so that it is shown once.
export function announce(id, title) {
  if (!isOn() || (document.visibilityState === "visible" && document.hasFocus())) return;
  const shown = new Notification("sayso: a request for you", { body: title, tag: id });
  shown.addEventListener("click", () => {
    window.focus();
    shown.close();
    const card = document.getElementById(`card-${id}`);
    if (card) card.focus();
    else location.assign(`/requests/${encodeURIComponent(id)}`);
  });
}

toggle?.addEventListener("click", async () => {
  const wanted = isOn() ? "off" : "on";
  if (wanted === "on" && Notification.permission !== "granted") await Notification.requestPermission();
  localStorage.setItem(WANTED, wanted);
  showToggle();
});
if (toggle) showToggle();
