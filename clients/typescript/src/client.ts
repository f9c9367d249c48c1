/** The client: what its methods do, as calls and pauses. */

import { findAddress } from "./address.ts";
import { content, type Content } from "./content.ts";
import { Refused } from "./errors.ts";
import { FIRST_PAUSE, Exchange, isPassing, longer, now, sleep, type Call } from "./exchange.ts";
import {
  bodyOf, bodyOfBatch, isBatch, isConsumption, isObject, isOpen, isPage, isRequest, isStored, type Consumption,
  type Page, type Question, type Request,
} from "./values.ts";

const REQUESTS = "/api/v1/requests";
const BATCHES = "/api/v1/batches";

/** Seconds that one call waits: proxies cut off what is silent for longer. */
const LONGEST_POLL = 25;

/** Seconds that the reply to a call may take beyond those for which it waits. */
const GRACE = 10;

/** Where the service is, and for how many seconds a call is made and tried again. */
export interface ClientOptions {
  /** An `http` or `https` address; by default that of the environment's `SAYSO_URL`. */
  readonly url?: string | undefined;
  /** By default the environment's `SAYSO_TOKEN`. */
  readonly token?: string | undefined;
  /** Seconds that one attempt of a call may take; 30 by default. */
  readonly timeout?: number | undefined;
  /** Seconds for which a call is tried again while the service does not answer; 20 by default. */
  readonly patience?: number | undefined;
}

/** How a call is ended early. A call that was ended may have been carried out. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls of one service. While it does not answer, a call is tried again for `patience` seconds; it is carried out once.
 * Times are in seconds.
 *
 * Each method throws `Refused` if the service refuses, `Unreachable` if it does not answer, and the reason of its
 * `signal` if that ended it; the constructor throws `InvalidAddress`. No failure is ever a yes.
 */
export class Client {
  readonly #exchange: Exchange;
  readonly #timeout: number;

  constructor(options: ClientOptions = {}) {
    this.#exchange = new Exchange(findAddress(options.url, options.token), options.patience ?? 20);
    this.#timeout = options.timeout ?? 30;
  }

  /**
   * Ask people; the request, which may be decided already. The same key and question again is the same request, so a
   * program that was killed finds its question under its key. Throws `KeyReused` for another question.
   */
  async ask(question: Question, options: CallOptions & { readonly key?: string | undefined } = {}): Promise<Request> {
    const key = options.key ?? crypto.randomUUID();
    const call = this.#call("POST", REQUESTS, { key, body: bodyOf(question) });
    return await this.#exchange.repeatedly(call, isRequest, options.signal);
  }

  /**
   * Ask several questions together, which share a card in chats: their requests in the same order. All are asked, or
   * none; from then on each is decided, withdrawn and used by itself. One `key` stands for the whole batch. With `keys`,
   * one for each question, those that were asked before under theirs are found, and the others are asked.
   */
  async askBatch(
    questions: readonly Question[],
    options: CallOptions & { readonly key?: string | undefined; readonly keys?: readonly string[] | undefined } = {},
  ): Promise<readonly Request[]> {
    const key = options.keys === undefined ? options.key ?? crypto.randomUUID() : options.key;
    const call = this.#call("POST", BATCHES, { key, body: bodyOfBatch(questions, options.keys) });
    return (await this.#exchange.repeatedly(call, isBatch, options.signal)).requests;
  }

  /** A detail that is a file of at most 8 MB, sent to the service, which keeps it a day until a question shows it. */
  async file(bytes: Uint8Array, name: string, options: CallOptions = {}): Promise<Content> {
    return content({ type: "file", sha256: await this.#send(bytes, options.signal), name });
  }

  /** A detail that is a picture (PNG, JPEG, GIF or WebP); `alt` says what it shows. See `file`. */
  async image(bytes: Uint8Array, alt: string, options: CallOptions = {}): Promise<Content> {
    return content({ type: "image", sha256: await this.#send(bytes, options.signal), alt });
  }

  /** A request, as soon as it is closed but after at most `wait` seconds, up to 60. */
  async request(id: string, options: CallOptions & { readonly wait?: number | undefined } = {}): Promise<Request> {
    const wait = options.wait ?? 0;
    const call = this.#call("GET", placeOf(id), { query: { wait: String(wait) }, seconds: this.#timeout + wait });
    return await this.#exchange.repeatedly(call, isRequest, options.signal);
  }

  /**
   * A request as soon as it is closed, or still open after `timeout` seconds. This keeps waiting while the service is
   * down, and throws `Unreachable` only if it is still down when the time is over.
   */
  async wait(id: string, options: CallOptions & { readonly timeout?: number | undefined } = {}): Promise<Request> {
    const end = now() + (options.timeout ?? Infinity);
    let pause = FIRST_PAUSE;
    for (;;) {
      const began = now();
      const left = Math.max(0, end - began);
      const poll = Math.min(LONGEST_POLL, left);
      const call = this.#call("GET", placeOf(id), { query: { wait: String(poll) }, seconds: poll + GRACE });
      const heard = await this.#exchange.once(call, isRequest, options.signal);
      if ("error" in heard) {
        if (left === 0 || !isPassing(heard.error)) {
          throw heard.error;
        }
      } else if (left === 0 || !isOpen(heard.value)) {
        return heard.value;
      } else if (now() - began >= poll / 2) {
        pause = FIRST_PAUSE;
        continue;
      }
      // The service did not answer, or did not wait: it may be stopping.
      await sleep(Math.min(pause, Math.max(0, end - now())), options.signal);
      pause = longer(pause);
    }
  }

  /** Withdraw what the caller asked for; a repeat is harmless. Throws `Refused` (409) if it is decided. */
  async withdraw(id: string, options: CallOptions = {}): Promise<Request> {
    try {
      await this.#exchange.repeatedly(this.#call("DELETE", placeOf(id)), isObject, options.signal);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 409) {
        throw error;
      }
      const found = await this.request(id, options);
      if (found.decision?.outcome !== "withdrawn") {
        throw error;
      }
      return found;
    }
    return await this.request(id, options);
  }

  /**
   * Use an approval: it lets one thing run once, which `key` names. It may run only if this returns. Throws
   * `NotApproved`, and `AlreadyUsed` also if this program used it and was killed before it got the answer.
   */
  async consume(id: string, options: CallOptions & { readonly key: string }): Promise<Consumption> {
    const body = JSON.stringify({ key: options.key });
    const call = this.#call("POST", `${placeOf(id)}/consumption`, { key: crypto.randomUUID(), body });
    return await this.#exchange.repeatedly(call, isConsumption, options.signal);
  }

  /** The open requests that the caller may see, or with `mine` asked itself, the oldest first. */
  async requests(options: CallOptions & { readonly mine?: boolean | undefined } = {}): Promise<readonly Request[]> {
    const found: Request[] = [];
    const mine: Record<string, string> = options.mine === true ? { mine: "true" } : {};
    for (let after: number | null = 0; after !== null; ) {
      const query: Record<string, string> = { after: String(after), ...mine };
      const page: Page = await this.#exchange.repeatedly(this.#call("GET", REQUESTS, { query }), isPage, options.signal);
      found.push(...page.requests);
      after = page.next;
    }
    return found;
  }

  async #send(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<string> {
    const call = this.#call("PUT", "/api/v1/files", { body: Uint8Array.from(bytes) });
    return (await this.#exchange.repeatedly(call, isStored, signal)).sha256;
  }

  #call(method: Call["method"], path: string, more: Partial<Call> = {}): Call {
    return { method, path, seconds: this.#timeout, ...more };
  }
}

function placeOf(id: string): string {
  return `${REQUESTS}/${encodeURIComponent(id)}`;
}
