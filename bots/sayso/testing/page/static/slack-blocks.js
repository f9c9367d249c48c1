// Block Kit as elements of the page.
import { ago, button, codeLines, dataUrl, element, link } from "/dom.js";

export function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

// `context` has the people by id, the files, and what is done on a press: act(kind, block, element, value).
export function renderBlocks(blocks, context) {
  return blocks.map((block) => renderBlock(block, context));
}

function renderBlock(block, context) {
  switch (block.type) {
    case "rich_text": return element("div", { class: "block rich" }, block.elements.map((one) => richPart(one, context)));
    case "header": return element("p", { class: "block heading" }, plain(block.text));
    case "section": return section(block, context);
    case "context": return element("p", { class: "block context" },
      block.elements.map((one) => one.type === "image" ? picture(one, context) : element("span", {}, text(one, context))));
    case "divider": return element("hr", {});
    case "actions": return element("div", { class: "block actions" }, block.elements.map((one) => control(block, one, context)));
    case "image": return element("figure", { class: "block" }, block.title && element("figcaption", {}, plain(block.title)), picture(block, context));
    case "table": return table(block, context);
    case "markdown": return element("p", { class: "block plain" }, block.text);
    case "input": return context.input(block);
    default: return null;
  }
}

function section(block, context) {
  return element("div", { class: "block section" },
    element("div", {}, block.text && element("p", { class: "plain" }, text(block.text, context)),
      block.fields && element("div", { class: "fields" }, block.fields.map((one) => element("p", { class: "plain" }, text(one, context))))),
    block.accessory && control(block, block.accessory, context));
}

function picture(block, context) {
  const file = context.files?.find((one) => one.id === block.slack_file?.id);
  if (file) return element("img", { src: dataUrl(file.content, file.name), alt: block.alt_text ?? "" });
  return element("span", { class: "no-picture" }, block.alt_text || "Picture");
}

function table(block, context) {
  const cells = (row, tag) => element("tr", {}, row.map((cell) =>
    element(tag, {}, cell.type === "rich_text" ? cell.elements.map((one) => richPart(one, context)) : cell.text)));
  const [head, ...rows] = block.rows;
  return element("div", { class: "block table", tabindex: "0", role: "group", "aria-label": "Table" }, element("table", {},
    element("thead", {}, cells(head, "th")), element("tbody", {}, rows.map((row) => cells(row, "td")))));
}

// --- text ----------------------------------------------------------------------------------------

const plain = (given) => unescaped(given.text);

function text(given, context) {
  return given.type === "plain_text" ? [plain(given)] : mrkdwn(given.text, context);
}

const MARKS = [
  [/^```\n?([^]+?)\n?```/, (words) => element("pre", {}, codeLines(unescaped(words)))],
  [/^`([^`\n]+)`/, (words) => element("code", {}, unescaped(words))],
  [/^\*([^*\n]+)\*/, (words, context) => element("strong", {}, mrkdwn(words, context))],
  [/^_([^_\n]+)_(?![\p{L}\p{N}])/u, (words, context) => element("em", {}, mrkdwn(words, context))],
  [/^~([^~\n]+)~/, (words, context) => element("s", {}, mrkdwn(words, context))],
  [/^<([^<>]+)>/, (words, context) => reference(words, context)],
];

export function mrkdwn(source, context) {
  const parts = [];
  let kept = "";
  for (let at = 0; at < source.length;) {
    const rest = source.slice(at);
    const isStart = at === 0 || !/[\p{L}\p{N}]/u.test(source[at - 1]) || rest[0] === "<";
    const found = isStart && MARKS.map(([form, made]) => [form.exec(rest), made]).find(([match]) => match);
    if (!found) { kept += source[at]; at += 1; continue; }
    const [match, made] = found;
    parts.push(unescaped(kept), made(match[1], context));
    kept = "";
    at += match[0].length;
  }
  return [...parts, unescaped(kept)].filter((part) => part !== "");
}

function reference(words, context) {
  const [target, label] = words.split("|");
  const [, timestamp, format] = /^!date\^(\d+)\^([^^]*)/.exec(target) ?? [];
  if (timestamp) return date({ timestamp: Number(timestamp), format });
  if (target.startsWith("@")) return mention(context.people.get(target.slice(1)) ?? label ?? target.slice(1));
  if (target.startsWith("!") || target.startsWith("#")) return mention(label ?? target.replace(/^!subteam\^|^[!#]/, ""));
  return link(unescaped(target), unescaped(label ?? target));
}

const mention = (name) => element("span", { class: "mention" }, `@${name}`);

function richPart(part, context) {
  const inside = () => part.elements.map((one) => richInline(one, context));
  switch (part.type) {
    case "rich_text_list": {
      const items = part.elements.map((one) => element("li", {}, richPart(one, context)));
      return element(part.style === "ordered" ? "ol" : "ul", { class: `indent-${part.indent ?? 0}` }, items);
    }
    case "rich_text_quote": return element("blockquote", { class: "plain" }, inside());
    case "rich_text_preformatted": {
      const source = part.elements.map((one) => one.text ?? one.url ?? "").join("");
      return element("pre", { tabindex: "0", role: "group", "aria-label": "Code" }, codeLines(source, part.language));
    }
    default: return element("div", { class: "plain" }, inside());
  }
}

function richInline(one, context) {
  const words = inlineWords(one, context);
  return ["code", "strike", "italic", "bold"].filter((name) => one.style?.[name])
    .reduce((made, name) => element({ code: "code", strike: "s", italic: "em", bold: "strong" }[name], {}, made), words);
}

function inlineWords(one, context) {
  switch (one.type) {
    case "text": return one.text;
    case "link": return link(one.url, one.text ?? one.url);
    case "emoji": return one.unicode ? String.fromCodePoint(...one.unicode.split("-").map((code) => parseInt(code, 16))) : `:${one.name}:`;
    case "user": return mention(context.people.get(one.user_id) ?? one.user_id);
    case "usergroup": return mention(one.usergroup_id);
    case "broadcast": return mention(one.range);
    case "channel": return mention(one.channel_id);
    case "date": return date(one);
    default: return "";
  }
}

function date({ timestamp, format }) {
  const instant = new Date(timestamp * 1000);
  const isToday = instant.toDateString() === new Date().toDateString();
  const day = instant.toLocaleDateString([], { month: "short", day: "numeric", year: "numeric" });
  const time = instant.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const words = format
    .replace("{ago}", ago(instant))
    .replace(/\{date(_short|_long)?_pretty\}/g, isToday ? "today" : day)
    .replace("{date_num}", instant.toLocaleDateString("sv"))
    .replace(/\{date(_short|_long)?\}/g, day)
    .replace(/\{time(_secs)?\}/g, time);
  return element("time", { datetime: instant.toISOString() }, words);
}

// --- what is pressed and picked --------------------------------------------------------------------

function control(block, one, context) {
  switch (one.type) {
    case "button": return pressable(block, one, context);
    case "static_select": return select(block, one, context);
    case "external_select": return search(block, one, context);
    case "image": return picture(one, context);
    default: return null;
  }
}

function pressable(block, one, context) {
  const press = (event) => {
    if (one.url) window.open(one.url, "_blank", "noreferrer");
    context.act("press", block, one, null, event.currentTarget);
  };
  return button(plain(one.text), press, { class: `push ${one.style ?? ""}`, "data-key": `${context.key}/${one.action_id}` });
}

function select(block, one, context) {
  const label = one.placeholder ? plain(one.placeholder) : "Choose";
  return element("select", { class: "pick", "aria-label": label, "data-key": `${context.key}/${one.action_id}`,
    onchange: (event) => event.target.value && context.act("choose", block, one, event.target.value) },
    element("option", { value: "" }, label),
    (one.options ?? one.option_groups?.flatMap((group) => group.options) ?? []).map((option) =>
      element("option", { value: plain(option.text) }, plain(option.text))));
}

function search(block, one, context) {
  const label = one.placeholder ? plain(one.placeholder) : "Choose";
  const id = `options-${context.key}-${one.action_id}`.replace(/[^\w-]/g, "-");
  const list = element("datalist", { id });
  const typed = element("input", { class: "pick", list: id, placeholder: label, "aria-label": label, oninput: async () => {
    const found = await context.act("search", block, one, typed.value);
    if (Array.isArray(found)) list.replaceChildren(...found.map((words) => element("option", { value: words })));
  } });
  return element("span", { class: "search" }, typed, list,
    button("Choose", () => context.act("choose", block, one, typed.value), { class: "push" }));
}
