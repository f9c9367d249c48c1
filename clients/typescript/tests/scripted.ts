/** A server over real HTTP that answers as a test says, or breaks off, and keeps what it was sent. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** An answer: a JSON value, or bytes, unchanged. Without a status, the connection is closed instead. */
export interface Said {
  readonly status: number | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call that came. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly body: unknown;
}

export const BROKEN: Said = { status: null };

/** Whether the answer to a call is never sent. */
export const SILENT: Said = { status: -1 };

/** Serve while `act` runs: what the server answers call by call, the last answer again and again. What was heard. */
export async function scripted(said: readonly Said[], act: (url: string) => Promise<void>): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void text(request).then((sent) => {
      const answer = said[Math.min(heard.length, said.length - 1)];
      const { "idempotency-key": key, authorization: token } = request.headers;
      const body: unknown = sent === "" ? undefined : JSON.parse(sent);
      heard.push({ method: request.method ?? "", path: request.url ?? "", key: key as string | undefined, token, body });
      if (answer === undefined || answer.status === null) {
        request.socket.destroy();
      } else if (answer.status > 0) {
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body instanceof Uint8Array ? answer.body : JSON.stringify(answer.body));
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return heard;
}

/** Bytes as an answer's body. */
export function bytes(...parts: readonly (number | string)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));
}

/** An open request, as the service shows it. */
export const OPEN = {
  id: "r1",
  revision: 1,
  run_id: "run1",
  node_id: "ask",
  request_id: "ask",
  kind: "approval",
  prompt: "Deploy 4.2?",
  options: ["approve", "reject"],
  input_type: "select",
  schema: null,
  details: null,
  rich: [],
  note: null,
  to: ["slack:#releases"],
  reject_reasons: [],
  requested_by: "token:ci",
  asked_at: "2026-11-28T10:00:00+00:00",
  deadline: null,
  status: "PENDING",
  answer: null,
  resolved_at: null,
  url: null,
  decision: null,
} as const;

/** A closed request. */
export function decided(outcome: string, approved: unknown): Record<string, unknown> {
  const decision = {
    outcome,
    approved,
    value: approved === true ? "approve" : null,
    by: ["person:ana"],
    comment: null,
    votes: [],
    digest: "00",
    decided_at: "2026-11-28T10:01:00+00:00",
  };
  return { ...OPEN, status: "ANSWERED", decision };
}

/** A refusal, as the service words it (RFC 9457). */
export function problem(status: number, kind: string, more: Readonly<Record<string, unknown>> = {}): Said {
  return { status, body: { status, kind, detail: `${kind} it is`, ...more } };
}
