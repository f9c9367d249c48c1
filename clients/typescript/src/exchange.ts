/** One call of the service: how it is sent, how its reply is read, and when it is tried again. */

import { setTimeout as pass } from "node:timers/promises";

import type { Address } from "./address.ts";
import { AlreadyUsed, KeyReused, NotApproved, Refused, Unreachable } from "./errors.ts";
import { isObject } from "./values.ts";

/** Seconds before a call is tried again the first time. */
export const FIRST_PAUSE = 0.2;
const LONGEST_PAUSE = 5;

/** Refusals that say: later (RFC 9110, RFC 8470, RFC 6585). */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

const BY_KIND: ReadonlyMap<string, typeof Refused> = new Map([
  ["AlreadyUsed", AlreadyUsed],
  ["KeyReused", KeyReused],
  ["NotApproved", NotApproved],
]);

/** Keys that fit into a header unchanged (RFC 9110, 5.5). */
const KEY = /^[!-~](?:[ -~]{0,198}[!-~])?$/;

/** The longest time that a timer can take (HTML, timer initialisation steps: a signed 32-bit number). */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A call to make, which may take `seconds`. `key` is its Idempotency-Key, `body` JSON or a file. */
export interface Call {
  readonly method: "DELETE" | "GET" | "POST" | "PUT";
  readonly path: string;
  readonly seconds: number;
  readonly query?: Readonly<Record<string, string>>;
  readonly key?: string | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** What a call came to: a value or an error, and for how many seconds the service asks not to be called again. */
export type Heard<T> =
  | { readonly value: T }
  | { readonly error: Refused | Unreachable; readonly asksFor: number };

/** Whether a value is what is wanted. */
export type Wanted<T> = (value: unknown) => value is T;

/** Makes calls of one service. `signal` ends a call early, with its reason; it may have been carried out. */
export class Exchange {
  readonly #address: Address;
  readonly #patience: number;

  constructor(address: Address, patience: number) {
    this.#address = address;
    this.#patience = patience;
  }

  /** What one call is answered with. */
  async once<T>(call: Call, wanted: Wanted<T>, signal: AbortSignal | undefined): Promise<Heard<T>> {
    const headers = new Headers(this.#address.headers);
    if (call.key !== undefined) {
      if (!KEY.test(call.key)) {
        const detail = "A key is up to 200 printable ASCII characters, without a space at either end.";
        return { error: new Refused("InvalidKey", detail, 422, {}), asksFor: 0 };
      }
      headers.set("Idempotency-Key", call.key);
    }
    if (call.body !== undefined) {
      headers.set("Content-Type", typeof call.body === "string" ? "application/json" : "application/octet-stream");
    }
    const query = call.query === undefined ? "" : `?${new URLSearchParams(call.query)}`;
    const url = this.#address.url + call.path + query;
    signal?.throwIfAborted();
    const limit = AbortSignal.timeout(Math.min(Math.ceil(call.seconds * 1000), LONGEST_TIMER));
    try {
      const response = await fetch(url, {
        method: call.method,
        headers,
        body: call.body ?? null,
        redirect: "manual",
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      return read(response, new Uint8Array(await response.arrayBuffer()), wanted);
    } catch (error) {
      signal?.throwIfAborted();
      return { error: new Unreachable(reasonOf(error), { cause: error }), asksFor: 0 };
    }
  }

  /**
   * What a call is answered with, tried again while the service does not answer or cannot do it now, until patience is
   * over. The call must be one that is done once however often it comes. Throws `Refused`, `Unreachable`.
   */
  async repeatedly<T>(call: Call, wanted: Wanted<T>, signal: AbortSignal | undefined): Promise<T> {
    const end = now() + this.#patience;
    for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
      const heard = await this.once(call, wanted, signal);
      if ("value" in heard) {
        return heard.value;
      }
      const rest = Math.max(pause, heard.asksFor);
      if (!isPassing(heard.error) || now() + rest > end) {
        throw heard.error;
      }
      await sleep(rest, signal);
    }
  }
}

/** Seconds on a clock that nobody sets. */
export function now(): number {
  return performance.now() / 1000;
}

/** Let seconds pass. Throws the signal's reason if that ends it. */
export async function sleep(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pass(seconds * 1000, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** The pause after a pause, not the same for all who wait for one service. */
export function longer(pause: number): number {
  return Math.min(pause * 2, LONGEST_PAUSE) * (0.8 + 0.2 * Math.random());
}

/** Whether the same call may succeed later. */
export function isPassing(error: Refused | Unreachable): boolean {
  return error instanceof Unreachable || error.status >= 500 || PASSING.has(error.status);
}

function read<T>(response: Response, body: Uint8Array, wanted: Wanted<T>): Heard<T> {
  const asked = response.headers.get("Retry-After") ?? "";
  const asksFor = /^\d+$/.test(asked) ? Number(asked) : 0; // RFC 9110, 10.2.3
  const value = json(body);
  if (!response.ok) {
    return { error: refusal(response, value), asksFor };
  }
  if (!wanted(value)) {
    return { error: new Unreachable(`HTTP ${response.status} with a body that is not sayso's`), asksFor };
  }
  return { value };
}

function refusal(response: Response, value: unknown): Refused | Unreachable {
  const { status } = response;
  if (status < 400) {
    const place = response.headers.get("Location") ?? "another";
    return new Refused("Redirected", `the address leads to ${place} (HTTP ${status}); use that one`, status, {});
  }
  const problem = isObject(value) ? value : {};
  const { kind, detail } = problem as { readonly kind?: unknown; readonly detail?: unknown };
  if (typeof kind === "string" && typeof detail === "string") {
    return new (BY_KIND.get(kind) ?? Refused)(kind, detail, status, problem);
  }
  return status >= 500
    ? new Unreachable(`HTTP ${status}`)
    : new Refused("NotSayso", `HTTP ${status}, and not from sayso`, status, problem);
}

/** The frozen value that a body holds; undefined for anything but JSON in UTF-8. */
function json(body: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return JSON.parse(text, (_, value: unknown) => Object.freeze(value));
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message || error.cause.name}` : error.message;
}
