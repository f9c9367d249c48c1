// What a page of `sayso dev` does besides: it answers as somebody else, and follows the code.

const csrf = document.body.dataset.csrf;
const stale = document.getElementById("development-stale");
const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

// Told by what the form holds: somebody may have typed before this script was there.
function isFilledIn(form) {
  const blank = form.cloneNode(true);
  blank.reset();
  const content = (one) => new URLSearchParams(new FormData(one)).toString();
  return content(form) !== content(blank);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-be]");
  if (!button) return;
  const path = `/dev/people/${encodeURIComponent(button.dataset.be)}`;
  const response = await fetch(path, { method: "POST", headers: { "X-CSRF-Token": csrf } }).catch(() => null);
  if (response?.ok) location.reload();
});

stale.querySelector("button").addEventListener("click", () => location.reload());

// New code: runs are shown as they stand now, and a form anew, unless somebody has begun to fill it in.
function follow() {
  document.dispatchEvent(new Event("sayso:stale"));
  const form = document.querySelector("form.start");
  if (!form) return;
  if (isFilledIn(form)) stale.hidden = false;
  else location.reload();
}

async function watch() {
  for (;;) {
    const shown = document.getElementById("development-code");
    try {
      const response = await fetch(`/dev/code?after=${shown.dataset.number}`, { headers: { "X-CSRF-Token": csrf } });
      if (!response.ok) throw new Error(response.statusText);
      const { html } = await response.json();
      const fresh = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
      if (fresh.dataset.number === shown.dataset.number) continue;
      document.dispatchEvent(new CustomEvent("sayso:replace", { detail: { part: shown, fresh } }));
      if (fresh.dataset.start !== shown.dataset.start) follow();
    } catch {
      await pause(500); // the service starts again, or somebody else is signed in by now
    }
  }
}

watch();
