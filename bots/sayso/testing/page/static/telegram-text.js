// A message's text with its entities, which may lie in each other.
import { ago, button, codeLines, element, link } from "/dom.js";

const BLOCKS = ["pre", "blockquote", "expandable_blockquote"];
const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };

export function formatted(text, entities) {
  const ordered = entities.map((one) => ({ ...one, end: one.offset + one.words.length }))
    .sort((one, other) => one.offset - other.offset || other.end - one.end);
  return stretch(text, ordered, 0, text.length);
}

function stretch(text, entities, start, end) {
  const parts = [];
  let at = start;
  for (let index = 0; index < entities.length;) {
    const one = entities[index];
    let next = index + 1;
    while (next < entities.length && entities[next].offset < one.end) next += 1;
    if (one.offset > at) parts.push(text.slice(at, one.offset));
    parts.push(made(one, text, stretch(text, entities.slice(index + 1, next), one.offset, one.end)));
    at = one.end;
    if (BLOCKS.includes(one.type) && at < end && text[at] === "\n") at += 1; // it ends the block's own line
    index = next;
  }
  if (end > at) parts.push(text.slice(at, end));
  return parts;
}

function made(entity, text, inside) {
  const words = text.slice(entity.offset, entity.end);
  if (entity.type in TAGS) return element(TAGS[entity.type], {}, inside);
  switch (entity.type) {
    case "text_link": return link(entity.target, inside);
    case "url": return link(words, inside);
    case "mention": case "text_mention": case "bot_command": case "hashtag": return element("span", { class: "mention" }, inside);
    case "pre": return element("div", { class: "code" }, entity.language && element("span", { class: "language" }, entity.language),
      element("pre", { tabindex: "0", role: "group", "aria-label": "Code" }, codeLines(words, entity.language ?? "")));
    case "blockquote": return element("blockquote", {}, inside);
    case "expandable_blockquote": return expandable(inside);
    case "date_time": return time(new URL(entity.target).searchParams, words, inside);
    case "spoiler": return element("span", { class: "spoiler" }, inside);
    default: return element("span", {}, inside);
  }
}

// As apps write it: in the reader's own time, or as an age at the time of reading.
function time(given, words, inside) {
  const instant = new Date(Number(given.get("unix")) * 1000);
  const format = given.get("format");
  const day = /d/i.test(format) && instant.toLocaleDateString([], { dateStyle: format.includes("D") ? "long" : "medium" });
  const hour = /t/i.test(format) && instant.toLocaleTimeString([], { timeStyle: format.includes("T") ? "medium" : "short" });
  const shown = format === "r" ? ago(instant) : [day, hour].filter(Boolean).join(", ");
  const styled = inside.find((one) => one instanceof Element);
  if (styled) styled.textContent = shown || words;
  return element("time", { datetime: instant.toISOString() }, styled ?? (shown || words));
}

function expandable(inside) {
  const quote = element("blockquote", { class: "expandable" }, element("div", {}, inside));
  quote.append(button("Show all", (event) => {
    event.currentTarget.textContent = quote.classList.toggle("open") ? "Show less" : "Show all";
  }, { class: "more" }));
  return quote;
}
