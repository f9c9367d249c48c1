// The inbox in the browser: sends forms, and keeps what is shown true. All that it shows comes from the server as HTML
// or is put in as text.

import { announce, askWhatWaits, countWaiting } from "/static/attention.js";

const csrf = document.body.dataset.csrf;
const cards = document.getElementById("cards");
const news = document.getElementById("news");
const connection = document.getElementById("connection");

// --- times, in the reader's own zone ---------------------------------------------------------------

function age(at) {
  const minutes = Math.floor((Date.now() - at) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} days ago`;
}

function localise(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const day = at.toDateString() === today ? "" : `${at.toLocaleDateString([], { day: "numeric", month: "short" })} `;
    time.textContent = time.hasAttribute("data-age") ? age(at) : day + clock;
    time.title = at.toString();
  }
  for (const input of root.querySelectorAll("input[data-instant]")) {
    const at = new Date(input.dataset.instant);
    if (!Number.isNaN(at.getTime())) input.defaultValue = localTime(at);
    input.removeAttribute("data-instant");
  }
}

function localTime(at) {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// A time is sent as the instant that it is where the page is read.
function sent(form, name, value) {
  const time = form.querySelector(`input[type="datetime-local"][name="${CSS.escape(name)}"]`);
  return time && value ? new Date(value).toISOString() : value;
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  localise(template.content);
  return template.content;
}

// --- calls ----------------------------------------------------------------------------------------

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

// A name for one attempt. `crypto.randomUUID` is missing where a page came over plain HTTP from another machine.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const UNSURE = "This may or may not have arrived. Reload the page to see.";

// Sends until there is an answer: under its key, what was done is not done again. Once an answer was lost, a refusal of
// what was sent again says nothing about the first time; then nobody knows.
async function send(path, body, key, waiting, method = "POST") {
  let lost = false;
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      const response = await fetch(path, {
        method,
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": key },
        body: JSON.stringify(body),
      });
      const again = lost ? [429, 502, 504] : [502, 504];
      if (!again.includes(response.status)) {
        const said = await response.json();
        return lost && !response.ok ? { ok: false, unsure: true, said: { detail: UNSURE } } : { ok: response.ok, said };
      }
    } catch {
      // No answer: nobody knows whether it arrived.
    }
    lost = true;
    waiting("sayso isn't responding. Your answer isn't confirmed yet; retrying automatically.");
    await pause(wait);
  }
}

// A page with one question shows it whole, however long it is.
const whole = document.querySelector("[data-whole]") !== null;

async function fetchCard(id) {
  const response = await fetch(`/requests/${encodeURIComponent(id)}/card${whole ? "?whole=true" : ""}`);
  return response.ok ? response.json() : null;
}

// --- what moves under the pointer -------------------------------------------------------------------

// Whoever reaches for a button saw what stood there a moment ago. Where a card or a part of the page has come, moved or
// changed since, its buttons rest for this long, and say so: a double click must not decide the question that took the
// first one's place.
const REST = 600; // milliseconds
const resting = new Map();

function places() {
  const found = new Map();
  for (const part of document.querySelectorAll(".card, [data-live]")) {
    const buttons = Array.from(part.querySelectorAll("button"), (button) => [
      button.textContent, button.form.dataset.body, button.closest("[hidden]") !== null,
    ]);
    found.set(part.id, JSON.stringify([part.offsetTop, part.offsetHeight, part.dataset.revision, buttons]));
  }
  return found;
}

function setResting(id, rests) {
  for (const button of document.getElementById(id)?.querySelectorAll("button") ?? []) {
    if (rests) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

function rest(id) {
  clearTimeout(resting.get(id));
  setResting(id, true);
  resting.set(id, setTimeout(() => {
    resting.delete(id);
    setResting(id, false);
  }, REST));
}

// Whatever changes the page by itself does it in here.
export function rearrange(change) {
  const before = places();
  change();
  countWaiting(cards);
  for (const [id, place] of places()) {
    if (place !== before.get(id)) rest(id);
    else if (resting.has(id)) setResting(id, true); // its buttons may be new
  }
}

function say(part, content) {
  rearrange(() => part.querySelector(".outcome").replaceChildren(content));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[aria-disabled]");
  if (!button) return;
  event.preventDefault();
  say(button.closest("[data-api], .card"), "This just appeared or changed. Look again, then press.");
});

// --- forms of cards --------------------------------------------------------------------------------

const busy = new Set();

function fieldsOf(form, submitter) {
  const fields = {};
  for (const [name, value] of new FormData(form, submitter)) {
    if (name !== "comment") (fields[name] ??= []).push(sent(form, name, value));
  }
  return fields;
}

function showErrors(form, errors) {
  for (const place of form.querySelectorAll("[data-error]")) {
    const why = errors[place.dataset.error] ?? "";
    place.hidden = !why;
    place.textContent = why;
    place.id ||= `error-${newKey()}`;
    for (const input of form.querySelectorAll(`[name="${CSS.escape(place.dataset.error)}"]:not(button)`)) {
      input.setAttribute("aria-invalid", String(Boolean(why)));
      input.setAttribute("aria-describedby", place.id);
    }
  }
  const first = Object.keys(errors)[0];
  if (first) form.querySelector(`[name="${CSS.escape(first)}"]`)?.focus();
}

function setDisabled(form, disabled) {
  for (const button of form.querySelectorAll("button")) button.disabled = disabled;
}

function swap(card, html) {
  const fresh = parse(html).querySelector("article");
  rearrange(() => card.replaceWith(fresh));
  return fresh;
}

function answer(form, submitter) {
  return submit(form, "answers", { fields: fieldsOf(form, submitter), comment: form.elements.comment?.value || null });
}

function act(form) {
  return submit(form, "actions", { action: form.dataset.action, text: form.elements.text?.value ?? "" });
}

async function submit(form, where, content) {
  let card = form.closest("article");
  const id = card.dataset.request;
  const body = { revision: Number(card.dataset.revision), key: newKey(), ...content };
  busy.add(id);
  setDisabled(form, true);
  say(card, "Sending …");
  const { ok, unsure, said } = await send(`/requests/${encodeURIComponent(id)}/${where}`, body, body.key, (words) => say(card, words));
  busy.delete(id);
  if (!ok) {
    setDisabled(form, Boolean(unsure));
    say(card, said.detail ?? "That didn't work. Please try again.");
    return;
  }
  if (said.card) {
    card = swap(card, said.card);
    card.focus();
    if (where === "answers") document.getElementById("decided")?.removeAttribute("hidden");
  } else {
    setDisabled(form, false);
    rearrange(() => showErrors(form, said.errors));
  }
  say(card, parse(said.words));
  queue(id); // what happened to it meanwhile
}

// Lists of a form: one more entry, or one less.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add], [data-remove]");
  if (!button) return;
  const list = button.closest("[data-entries]");
  const entries = list.querySelectorAll(".entry");
  if (button.matches("[data-add]")) {
    const fresh = entries[entries.length - 1].cloneNode(true);
    fresh.querySelector("input").value = "";
    entries[entries.length - 1].after(fresh);
    fresh.querySelector("input").focus();
  } else if (entries.length > 1) {
    button.closest(".entry").remove();
    list.querySelector("[data-add]").focus();
  } else {
    entries[0].querySelector("input").value = "";
  }
  list.querySelectorAll(".entry .hidden").forEach((label, at) => { label.textContent = `${list.dataset.entries}, entry ${at + 1}`; });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("form.answer")) {
    event.preventDefault();
    answer(form, event.submitter);
  } else if (form.matches("form.action")) {
    event.preventDefault();
    act(form);
  } else if (form.matches("form.start")) {
    event.preventDefault();
    start(form, event.submitter);
  } else if (form.dataset.api) {
    event.preventDefault();
    operate(form, event.submitter);
  }
});

async function start(form, submitter) {
  const key = newKey();
  const fields = fieldsOf(form, submitter);
  setDisabled(form, true);
  say(form, "Starting …");
  const { ok, unsure, said } = await send(form.getAttribute("action"), { key, fields }, key, (words) => say(form, words));
  setDisabled(form, Boolean(unsure));
  if (said.go) {
    location.assign(said.go);
    return;
  }
  say(form, ok ? "" : said.detail ?? "That did not work. Please try again.");
  showErrors(form, said.errors ?? {});
}

// What an operator's last action was refused with: it stays when its part of the page shows how things stand now.
let refusal = null;

async function operate(form, submitter) {
  const part = form.closest("[data-live]");
  refusal = null;
  const [body, key] = [JSON.parse(form.dataset.body ?? "{}"), newKey()];
  if (form.dataset.fields !== undefined) Object.assign(body, { key, fields: fieldsOf(form, submitter) });
  if (form.elements.result) {
    try {
      body.result = JSON.parse(form.elements.result.value);
    } catch {
      say(form, 'Invalid JSON. Text needs quotes: "sent".');
      return;
    }
  }
  setDisabled(form, true);
  const { ok, unsure, said } = await send(form.dataset.api, body, key, (words) => say(form, words), form.dataset.method);
  setDisabled(form, Boolean(unsure));
  showErrors(form, said.errors ?? {});
  if (said.go) location.assign(said.go);
  else say(form, said.errors ? "" : ok ? "Done." : said.detail);
  if (!ok && part) {
    refusal = { id: part.id, words: said.detail };
    refreshParts();
  }
}

// --- long lists of options ------------------------------------------------------------------------

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter]")) return;
  const form = event.target.closest("form");
  const wanted = event.target.value.trim().toLocaleLowerCase();
  let seen = 0;
  for (const option of form.querySelectorAll(".options .option")) {
    const fits = option.textContent.toLocaleLowerCase().includes(wanted);
    option.hidden = !fits && !option.querySelector("input").checked;
    seen += fits ? 1 : 0;
  }
  form.querySelector(".nothing").hidden = seen > 0;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-filter]")) event.preventDefault();
});

// --- what happens elsewhere -----------------------------------------------------------------------

// What was typed stays where the card that comes has a field that is called the same. What was chosen does not: an
// option may mean something else now.
function keepTyped(from, to) {
  const label = (input) => input.closest("label")?.textContent;
  for (const input of from.querySelectorAll("form.answer :is(input, textarea):not([type=radio], [type=checkbox])")) {
    const same = to.querySelector(`form.answer [name="${CSS.escape(input.name)}"]`);
    if (same?.type === input.type && label(same) === label(input)) same.value = input.value;
  }
}

// What makes a question somebody's to answer that was not before.
const CALLS = new Set(["requested", "request_escalated", "request_reassigned"]);
const called = new Set();

async function refresh(id) {
  // What is shown whole counts as read: not while nobody looks at the page.
  if (busy.has(id) || (whole && document.hidden)) return;
  const found = await fetchCard(id);
  const card = document.getElementById(`card-${id}`);
  if (called.delete(id) && found?.is_mine) announce(id, parse(found.card).querySelector("h2").textContent);
  if (card) {
    if (!found || busy.has(id)) return;
    const fresh = parse(found.card).querySelector("article");
    const changed = fresh.dataset.revision !== card.dataset.revision;
    const same = ["form.answer", ".voted"].every((part) => !fresh.querySelector(part) === !card.querySelector(part));
    if (same && fresh.querySelector("form.answer") && !changed) {
      rearrange(() => { // who voted; the form stays
        for (const part of [".status", ".standing"]) card.querySelector(part).replaceWith(fresh.querySelector(part));
      });
      return;
    }
    const hadFocus = card.contains(document.activeElement);
    rearrange(() => {
      if (changed) keepTyped(card, fresh);
      else fresh.querySelector(".outcome").replaceChildren(...card.querySelector(".outcome").childNodes);
      card.replaceWith(fresh);
    });
    if (hadFocus) fresh.focus();
    if (changed) news.textContent = `Changed: ${fresh.querySelector("h2").textContent}`;
  } else if (found && cards?.hasAttribute("data-inbox") && found.is_mine) {
    arrive(found.card);
  } else if (found && cards?.dataset.runCards === parse(found.card).querySelector("article").dataset.run) {
    rearrange(() => cards.append(parse(found.card)));
  }
}

// Questions that were asked together stand under one heading, in the order in which they were asked.
function batchOf(id) {
  const known = cards.querySelector(`.batch[data-batch="${CSS.escape(id)}"]`);
  if (known) return known;
  const fresh = document.getElementById("batch").content.firstElementChild.cloneNode(true);
  fresh.dataset.batch = id;
  cards.prepend(fresh);
  return fresh;
}

function arrive(html) {
  const fresh = parse(html).querySelector("article");
  fresh.classList.add("arrived");
  rearrange(() => {
    if (!fresh.dataset.batch) {
      cards.prepend(fresh);
      return;
    }
    const together = batchOf(fresh.dataset.batch);
    const later = [...together.querySelectorAll("article")].find((one) => Number(one.dataset.number) > Number(fresh.dataset.number));
    together.insertBefore(fresh, later ?? null);
  });
  news.textContent = `New: ${fresh.querySelector("h2").textContent}`;
}

// A part as it is now, with what was opened in it, how far it was scrolled, and where the reader was in it.
function keepPlace(part, fresh) {
  for (const opened of part.querySelectorAll("details[id][open]")) {
    const same = fresh.querySelector(`#${CSS.escape(opened.id)}`);
    if (same) same.open = true;
  }
  if (part.isEqualNode(fresh)) return;
  const scrolled = [...part.querySelectorAll(".wide[id]")].map(({ id, scrollLeft, scrollTop }) => ({ id, scrollLeft, scrollTop }));
  const reader = part.contains(document.activeElement) ? document.activeElement : null;
  const place = reader && (reader.id || reader.closest("[id]").id);
  part.replaceWith(document.adoptNode(fresh));
  for (const { id, ...place } of scrolled) Object.assign(document.getElementById(id) ?? {}, place);
  const found = place && document.getElementById(place);
  if (found) (reader.id ? found : found.querySelector("summary") ?? found).focus({ preventScroll: true });
}

let parts;
function refreshParts() {
  clearTimeout(parts);
  parts = setTimeout(async () => {
    if (document.activeElement?.closest("[data-live] form")) return; // an operator is in the middle of something
    const response = await fetch(location.href).catch(() => null);
    if (!response?.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    localise(page);
    rearrange(() => {
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (!fresh) continue;
        if (refusal?.id === fresh.id) {
          const words = document.createElement("p");
          words.className = "error";
          words.setAttribute("role", "status");
          words.textContent = refusal.words;
          fresh.prepend(words);
        }
        keepPlace(part, fresh);
      }
    });
  }, 200);
}

// What else of a page has something new to show (development.js).
document.addEventListener("sayso:stale", () => {
  refreshParts();
  if (stream && stream.readyState !== EventSource.OPEN) { // a browser waits for seconds before it tries again
    stream.close();
    lead();
  }
});
document.addEventListener("sayso:replace", ({ detail: { part, fresh } }) => {
  localise(fresh);
  rearrange(() => part.replaceWith(document.adoptNode(fresh)));
});

let last = Number(document.body.dataset.sequence);
const queued = new Map();

function hear(event) {
  if (event.sequence <= last) return;
  last = event.sequence;
  show(event);
}

function show(event) {
  if (CALLS.has(event.kind)) called.add(event.request_id);
  if (event.request_id) {
    queue(event.request_id);
    askWhatWaits();
  }
  if (event.run_id) {
    for (const card of document.querySelectorAll(`[data-run="${CSS.escape(event.run_id)}"]`)) queue(card.dataset.request);
  }
  if (document.querySelector("[data-live]")) refreshParts();
}

// One look at a card at a time; what comes meanwhile is one more look.
async function queue(id) {
  if (queued.has(id)) {
    queued.set(id, true);
    return;
  }
  queued.set(id, false);
  await refresh(id).catch(() => { setTimeout(() => queue(id), 2000); }); // no answer: the service restarts
  const again = queued.get(id);
  queued.delete(id);
  if (again) queue(id);
}

// One tab of a session holds the stream for all, because browsers allow six connections to a host. It tells the others;
// when it is closed, the next takes over where it was.
const session = `sayso-${csrf.slice(0, 16)}`;
const channel = new BroadcastChannel(session);

function setConnected(is) {
  rearrange(() => {
    connection.hidden = is;
    connection.textContent = is ? "" : "Offline. What you see may be out of date. Reconnecting …";
  });
}

channel.addEventListener("message", ({ data }) => {
  if (data.event) hear(data.event);
  if ("connected" in data) setConnected(data.connected);
});

function tell(data) {
  channel.postMessage(data);
  if (data.event) hear(data.event);
  if ("connected" in data) setConnected(data.connected);
}

async function catchUp() {
  for (let from = last, seen = -1; from > seen; ) {
    seen = from;
    const response = await fetch(`/api/v1/changes?after=${from}&limit=1000`);
    if (!response.ok) return;
    const found = await response.json();
    found.changes.forEach(show); // also what is older than what another tab has told meanwhile
    from = found.last;
    last = Math.max(last, from);
  }
}

let stream = null;
function lead() {
  const own = new EventSource(`/api/v1/events?after=${last}`);
  stream = own;
  own.addEventListener("open", () => tell({ connected: true }));
  own.addEventListener("message", ({ data }) => tell({ event: JSON.parse(data) }));
  own.addEventListener("error", () => {
    tell({ connected: false });
    if (own.readyState === EventSource.CLOSED) { // refused, not broken off: signed out, or the server is new
      setTimeout(() => { if (stream === own) lead(); }, 2000);
    }
  });
}

if (navigator.locks) {
  navigator.locks.request(session, () => {
    lead();
    return new Promise(() => {}); // held for as long as the tab lives
  });
} else {
  lead(); // over plain HTTP from another machine there are no locks, so each tab listens for itself
}

localise(document);
countWaiting(cards);
setInterval(() => localise(document), 30_000); // ages
// From node to node there is no news; while a run does something by itself, its page looks.
if (whole) document.addEventListener("visibilitychange", () => {
  for (const card of document.hidden ? [] : document.querySelectorAll(".card")) queue(card.dataset.request);
});
setInterval(() => { if (!document.hidden && document.querySelector("[data-busy]")) refreshParts(); }, 2000);
catchUp().catch(() => null);
