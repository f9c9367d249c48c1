/** What is asked, and the result, as the service's JSON has it. Members that a newer service adds are left in it. */

import type { components } from "./api.ts";
import { isContent } from "./content.ts";

type Schemas = components["schemas"];

/**
 * What people are asked. What is left out is as the service has it.
 *
 * An `approval`, the default, is approved or rejected; an `input` asks for a value of `input_type`. `details` are shown
 * by their names, in order; values may be what `code`, `diff`, `link`, `table` and `markdown` return, and `rich` names
 * others that are such objects already. `to` names destinations or people, `policy` one of the service's policies.
 * `expires_after` is in seconds; then an input is answered with `on_expiry`, if given, and an approval never is.
 */
export type Question = Schemas["NewRequest"];

/** A request as it stood when the service was asked. `decision` is null while it is open. */
export type Request = Schemas["Request"];

/** The result of a request. `approved` is true only for an explicit yes of people, or of a rule that an operator wrote. */
export type Decision = Schemas["Decision"];

/** One person's vote. */
export type Vote = Schemas["Vote"];

/** The use of an approval. `repeated` says that this very attempt was recorded before, and its answer was lost. */
export type Consumption = Schemas["Used"];

/** The requests of a batch, in the order of its questions. */
export type Batch = Schemas["Batch"];

/** Some of the open requests, and where the others begin. */
export type Page = Schemas["Requests"];

/** Whether people can still answer. */
export function isOpen(request: Request): boolean {
  return request.decision === null;
}

/** Whether people, or a rule that an operator wrote, explicitly said yes. False for whatever is open, expired, withdrawn or answered otherwise. */
export function isApproved(request: Request): boolean {
  return request.decision?.approved === true;
}

/** The JSON that asks a question. Throws `TypeError` for a detail that JSON cannot hold, which nobody would see. */
export function bodyOf(question: Question): string {
  return JSON.stringify(plain(question));
}

/** The JSON that asks several questions, each with its key if there are keys. Throws as `bodyOf` does. */
export function bodyOfBatch(questions: readonly Question[], keys: readonly string[] | undefined): string {
  if (keys !== undefined && keys.length !== questions.length) {
    throw new TypeError(`${questions.length} questions cannot have ${keys.length} keys`);
  }
  return JSON.stringify({ requests: questions.map((one, index) => ({ ...plain(one), key: keys?.[index] })) });
}

function plain(question: Question): object {
  const { details, rich = [] } = question;
  const named = Object.entries(details ?? {}).flatMap(([name, value]) => (isContent(value) ? [name] : []));
  const all = [...new Set([...rich, ...named])];
  return {
    ...question,
    details: details === undefined ? undefined : JSON.parse(JSON.stringify(details, shown)),
    rich: all.length > 0 ? all : undefined,
  };
}

function shown(name: string, value: unknown): unknown {
  const lost = value === undefined || typeof value === "function" || typeof value === "symbol";
  if (lost || (typeof value === "number" && !Number.isFinite(value))) {
    throw new TypeError(`the detail ${JSON.stringify(name)} is ${String(value)}, which JSON cannot hold`);
  }
  return value;
}

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === "string";
const isTruth: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => typeof value === "number";
const oneOf = (...values: readonly string[]): Check => (value) => values.includes(value as string);
const listOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const orNull = (check: Check): Check => (value) => value === null || check(value);
const objectOf = (shape: Shape): Check => (value) =>
  isObject(value) && Object.entries(shape).every(([name, check]) => check(value[name]));

const OUTCOMES: readonly Decision["outcome"][] = [
  "approved", "rejected", "answered", "expired", "withdrawn", "cancelled",
];

const isVote = objectOf({ person: isText, via: isText, at: isText });
const isDecision = objectOf({
  outcome: oneOf(...OUTCOMES), approved: isTruth, by: listOf(isText), votes: listOf(isVote), digest: isText,
});
const isAnyRequest = objectOf({
  id: isText, kind: oneOf("approval", "input"), revision: isNumber, input_type: isText, status: isText,
  asked_at: isText, decision: orNull(isDecision),
});
const isAnyBatch = objectOf({ requests: listOf(isAnyRequest) });
const isAnyPage = objectOf({ requests: listOf(isAnyRequest), next: orNull(isNumber) });
const isAnyConsumption = objectOf({ request: isText, key: isText, used_at: isText, repeated: isTruth });

/** Whether a JSON value says under which hash a file is kept. */
export function isStored(value: unknown): value is { readonly sha256: string } {
  return isObject(value) && isText(value["sha256"]);
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a JSON value is a request, by all that programs decide by. */
export function isRequest(value: unknown): value is Request {
  return isAnyRequest(value);
}

/** Whether a JSON value is a batch of requests. */
export function isBatch(value: unknown): value is Batch {
  return isAnyBatch(value);
}

/** Whether a JSON value is a page of requests. */
export function isPage(value: unknown): value is Page {
  return isAnyPage(value);
}

/** Whether a JSON value says that an approval was used. */
export function isConsumption(value: unknown): value is Consumption {
  return isAnyConsumption(value);
}
