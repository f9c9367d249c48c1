// Small things that every part of the page uses. What people wrote is put in as text, never as markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

// Whoever presses a button has to let go of that same one: drawn anew in between, it would be pressed by nobody. So what
// draws waits for this first. The press itself comes before the next task.
let [letGo, held] = [null, Promise.resolve()];
function hold(event) {
  if (letGo || event.button > 0 || !event.target.closest("button")) return;
  held = new Promise((done) => { letGo = () => { letGo = null; setTimeout(done); }; });
}
addEventListener("pointerdown", hold, true);
addEventListener("keydown", (event) => event.key === " " && hold(event), true);
for (const end of ["pointerup", "pointercancel", "keyup"]) addEventListener(end, () => letGo?.(), true);
addEventListener("blur", () => letGo?.()); // of the window
export const untilLetGo = () => held;

// A square or a circle with somebody's initial, in a colour of their own.
export function avatar(name, isBot = false) {
  const colour = isBot ? "bot" : String([...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6);
  const letters = isBot ? "✓" : name.split(/\s+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
  return element("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, letters);
}

export function clock(instant) {
  const time = new Date(instant).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return element("time", { datetime: instant, class: "when" }, time);
}

// A link, where the address is one that a browser should follow.
export function link(address, ...words) {
  if (!/^https?:\/\//.test(address ?? "")) return element("span", {}, ...words);
  return element("a", { href: address, target: "_blank", rel: "noreferrer" }, ...words);
}

export function dataUrl(content, name) {
  const kinds = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" };
  return `data:${kinds[name.split(".").pop().toLowerCase()] ?? "application/octet-stream"};base64,${content}`;
}

export function isPicture(name) {
  return /\.(png|jpe?g|gif|webp)$/i.test(name ?? "");
}

// The size of base64 content, as people read it.
function sizeOf(content) {
  const bytes = Math.floor((content.length * 3) / 4) - (content.match(/=*$/)[0].length);
  return bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// A file that can be saved: icon, name, size.
export function fileCard(name, content) {
  return element("a", { class: "file", href: dataUrl(content, name), download: name },
    element("span", { class: "file-icon", "aria-hidden": "true" }, (name.split(".").pop() || "file").slice(0, 4)),
    element("span", { class: "file-about" }, element("strong", {}, name), element("small", {}, sizeOf(content))));
}

// The lines of a diff, added and removed ones told apart; any other text is returned as it is.
export function codeLines(text, language = "") {
  const isDiff = language === "diff" || /^(diff |--- |@@ )/m.test(text);
  if (!isDiff) return [text];
  return text.split(/(?<=\n)/).map((line) => {
    const kind = /^@@/.test(line) ? "hunk" : /^\+(?!\+\+ )/.test(line) ? "added" : /^-(?!-- )/.test(line) ? "removed" : "";
    return kind ? element("span", { class: kind }, line) : line;
  });
}

let hiding;
export function toast(words) {
  const shown = document.getElementById("toast");
  shown.textContent = words;
  shown.classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => shown.classList.remove("shown"), 6000);
}

// An age as both chats write it.
export function ago(instant) {
  const minutes = Math.floor((Date.now() - instant) / 60000);
  if (minutes < 1) return "just now";
  const [count, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 1440 ? [Math.floor(minutes / 60), "hour"] : [Math.floor(minutes / 1440), "day"];
  return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
}
