/** What a question can show besides plain values: a detail that is one of these is shown as what it is, not as JSON. */

/** How a value is known as content of ours, also if a program has this package twice. It is not sent. */
const CONTENT: unique symbol = Symbol.for("@sayso/client: content");

/** A detail that is shown as code, a diff, a file, a picture, a link, a table or Markdown. */
export interface Content {
  readonly type: "code" | "diff" | "file" | "image" | "link" | "markdown" | "table";
  readonly [CONTENT]: true;
}

/** A value in a table. */
export type Cell = string | number | boolean | null;

/** Text that keeps its lines and spaces. `language` is a name that Pygments knows, such as `typescript`. */
export function code(text: string, language: string | null = null): Content {
  return content({ type: "code", text, language });
}

/** A unified diff, as `git diff` and `diff -u` write it. */
export function diff(text: string): Content {
  return content({ type: "diff", text });
}

/** An https address under a label; its host is shown next to the label. */
export function link(label: string, url: string): Content {
  return content({ type: "link", label, url });
}

/** Text with emphasis, lists, code and links to https addresses. Anything else in it is text. */
export function markdown(text: string): Content {
  return content({ type: "markdown", text });
}

/** Rows of plain values under the names of their columns; at most 20 columns and 1,000 rows. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Content {
  return content({ type: "table", columns, rows });
}

/** Whether a detail is content, and not a value of somebody's that only looks like it. */
export function isContent(value: unknown): value is Content {
  return typeof value === "object" && value !== null && CONTENT in value;
}

/** Content with fields as the service knows them. */
export function content(fields: Omit<Content, typeof CONTENT> & Readonly<Record<string, unknown>>): Content {
  return Object.freeze({ ...fields, [CONTENT]: true as const });
}
