/** What the client makes of a service that answers, refuses, breaks off or is another program's. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  AlreadyUsed, Client, InvalidAddress, KeyReused, NotApproved, Refused, Unreachable, code, isApproved, isOpen, link,
  markdown, table, diff, type Question,
} from "../src/index.ts";
import { BROKEN, OPEN, SILENT, bytes, decided, problem, scripted, type Said } from "./scripted.ts";

const QUESTION: Question = { prompt: "Deploy 4.2?", to: "slack:#releases" };
const USED = { request: "r1", key: "deploy", used_at: "2026-11-28T10:02:00+00:00", repeated: false };

test("a question is asked with what was said of it and nothing else", async () => {
  const [heard, ...rest] = await scripted([{ status: 201, body: OPEN }], async (url) => {
    const request = await new Client({ url: `${url}/`, token: "secret\n" }).ask(
      { ...QUESTION, note: undefined } as unknown as Question, { key: "k1" },
    );
    assert.deepEqual([request.id, isOpen(request), isApproved(request)], ["r1", true, false]);
  });
  assert.deepEqual(rest, []);
  assert.deepEqual(heard, {
    method: "POST", path: "/api/v1/requests", key: "k1", token: "Bearer secret",
    body: { prompt: "Deploy 4.2?", to: "slack:#releases" },
  });
});

test("a batch is asked in one call, under one key or a key for each question", async () => {
  const second: Question = { prompt: "Migrate?" };
  const body = { requests: [OPEN, { ...OPEN, id: "r2" }] };
  const heard = await scripted([{ status: 201, body }], async (url) => {
    const client = new Client({ url });
    const asked = await client.askBatch([QUESTION, second], { key: "k1" });
    assert.deepEqual(asked.map((one) => one.id), ["r1", "r2"]);
    await client.askBatch([QUESTION, second], { keys: ["a", "b"] });
    await client.askBatch([second]);
    await assert.rejects(client.askBatch([QUESTION, second], { keys: ["a"] }), TypeError);
  });
  assert.deepEqual(heard.map((one) => one.path), Array(3).fill("/api/v1/batches"));
  assert.deepEqual(heard[0]?.body, { requests: [QUESTION, second] });
  assert.deepEqual(heard[1]?.body, { requests: [{ ...QUESTION, key: "a" }, { ...second, key: "b" }] });
  assert.deepEqual([heard[0]?.key, heard[1]?.key, typeof heard[2]?.key], ["k1", undefined, "string"]);
});

test("content is named as such, and what only looks like it is a plain value", async () => {
  const looks = { type: "link", label: "Docs", url: "https://example.org" };
  const details = {
    Command: code("ls", "bash"), Looks: looks, See: link("a", "https://b.org"), Why: markdown("*so*"),
    Changes: diff("-a\n+b"), Sizes: table(["of", "GB"], [["db", 3]]), Own: looks,
  };
  const [heard] = await scripted([{ status: 201, body: OPEN }], async (url) => {
    await new Client({ url }).ask({ prompt: "Run it?", details, rich: ["Own", "See"] });
  });
  assert.deepEqual(heard?.body, {
    prompt: "Run it?",
    details: {
      Command: { type: "code", text: "ls", language: "bash" },
      Looks: looks,
      See: { type: "link", label: "a", url: "https://b.org" },
      Why: { type: "markdown", text: "*so*" },
      Changes: { type: "diff", text: "-a\n+b" },
      Sizes: { type: "table", columns: ["of", "GB"], rows: [["db", 3]] },
      Own: looks,
    },
    rich: ["Own", "See", "Command", "Why", "Changes", "Sizes"],
  });
});

test("a detail that would be lost on the way is refused before anything is sent", async () => {
  const heard = await scripted([{ status: 201, body: OPEN }], async (url) => {
    for (const amount of [undefined, NaN, () => 5]) {
      const question = { prompt: "Pay?", details: { order: { amount } } };
      await assert.rejects(new Client({ url }).ask(question), { name: "TypeError", message: /"amount"/ });
    }
  });
  assert.deepEqual(heard, []);
});

test("a call that was not answered is repeated under its key", async () => {
  const page = { status: 502, body: bytes("<html>") };
  const said = [BROKEN, page, { status: 200, body: bytes("<html>") }, { status: 200, body: OPEN }];
  const heard = await scripted(said, async (url) => {
    assert.equal((await new Client({ url }).ask(QUESTION)).id, "r1");
  });
  assert.equal(heard.length, 4);
  assert.equal(new Set(heard.map((one) => one.key)).size, 1);
  assert.notEqual(heard[0]?.key, undefined);
});

const NO_ANSWERS: readonly (readonly [string, Said])[] = [
  ["a broken connection", BROKEN],
  ["nothing within the time", SILENT],
  ["an empty error", { status: 500, body: bytes() }],
  ["another text", { status: 200, body: bytes("yes") }],
  ["a bare yes", { status: 200, body: true }],
  ["no UTF-8", { status: 200, body: bytes('{"also": "', 0xff, '", ', JSON.stringify(OPEN).slice(1)) }],
  ["no request", { status: 200, body: { approved: true } }],
  ["no decision", { status: 200, body: { ...OPEN, decision: { approved: true } } }],
  ["a yes as text", { status: 200, body: decided("approved", "yes") }],
  ["an unknown end", { status: 200, body: decided("waved through", true) }],
];

for (const [name, said] of NO_ANSWERS) {
  test(`whatever else comes back is never a yes: ${name}`, async () => {
    await scripted([said], async (url) => {
      const client = new Client({ url, patience: 0, timeout: 0.2 });
      await assert.rejects(client.request("r1"), Unreachable);
      await assert.rejects(client.consume("r1", { key: "deploy" }), Unreachable);
      await assert.rejects(client.requests(), Unreachable);
      if (said !== SILENT) {
        await assert.rejects(client.wait("r1", { timeout: 0 }), Unreachable);
      }
    });
  });
}

test("an address without a service is unreachable", async () => {
  let gone = "";
  await scripted([BROKEN], async (url) => {
    gone = url;
  });
  await assert.rejects(new Client({ url: gone, patience: 0 }).ask(QUESTION), {
    name: "Unreachable", message: /did not answer \(.*ECONNREFUSED/,
  });
});

const REFUSALS: readonly (readonly [Said, typeof Refused, string, number])[] = [
  [problem(409, "KeyReused"), KeyReused, "KeyReused", 1],
  [problem(409, "NotApproved", { exit_code: 4 }), NotApproved, "NotApproved", 4],
  [problem(409, "AlreadyUsed", { exit_code: 0 }), AlreadyUsed, "AlreadyUsed", 1],
  [problem(403, "MissingScope"), Refused, "MissingScope", 1],
  [{ status: 403, body: bytes("<html>") }, Refused, "NotSayso", 1],
  [{ status: 307, body: bytes(), headers: { Location: "https://other.example" } }, Refused, "Redirected", 1],
];

for (const [said, error, kind, exitCode] of REFUSALS) {
  test(`a refusal is thrown at once: ${kind}`, async () => {
    const heard = await scripted([said], async (url) => {
      await assert.rejects(new Client({ url, token: "secret" }).consume("r1", { key: "deploy" }), (thrown) => {
        assert.ok(thrown instanceof error);
        assert.deepEqual([thrown.kind, thrown.status, thrown.exitCode], [kind, said.status, exitCode]);
        return true;
      });
    });
    assert.equal(heard.length, 1);
  });
}

test("a key that cannot be sent is refused before anything is", async () => {
  const heard = await scripted([{ status: 200, body: OPEN }], async (url) => {
    for (const key of ["", "freigabe-für-4.2", "\u2713", "deploy\n", " deploy", "k".repeat(201)]) {
      await assert.rejects(new Client({ url }).ask(QUESTION, { key }), { name: "Refused", kind: "InvalidKey" });
    }
  });
  assert.equal(heard.length, 0);
});

test("a refusal for now is repeated when the service says so", async () => {
  const busy = { ...problem(429, "TooOften"), headers: { "Retry-After": "1" } };
  const began = performance.now();
  await scripted([busy, { status: 200, body: OPEN }], async (url) => {
    assert.ok(isOpen(await new Client({ url }).request("r1")));
  });
  assert.ok(performance.now() - began >= 990);
  const heard = await scripted([problem(503, "StoreFull", { exit_code: 5 })], async (url) => {
    await assert.rejects(new Client({ url, patience: 0.5 }).request("r1"), { kind: "StoreFull", exitCode: 5 });
  });
  assert.equal(heard.length, 2);
});

test("waiting continues while the service is away", async () => {
  const yes = { status: 200, body: decided("approved", true) };
  const said = [{ status: 200, body: OPEN }, BROKEN, problem(503, "StoreError"), { status: 200, body: bytes("x") }, yes];
  const heard = await scripted(said, async (url) => {
    assert.ok(isApproved(await new Client({ url }).wait("r1", { timeout: 20 })));
  });
  assert.deepEqual(new Set(heard.map((one) => one.path.split("?")[0])), new Set(["/api/v1/requests/r1"]));
  assert.equal(heard.length, 5);
});

test("when the time is over, the request is still open", async () => {
  const open = { status: 200, body: OPEN };
  const heard = await scripted([open], async (url) => {
    const request = await new Client({ url }).wait("r1", { timeout: 0.5 });
    assert.deepEqual([isOpen(request), isApproved(request)], [true, false]);
  });
  assert.ok(heard.length < 6, "a service that does not wait is not asked in a loop");
  await scripted([open, BROKEN], async (url) => {
    await assert.rejects(new Client({ url }).wait("r1", { timeout: 0.5 }), Unreachable);
  });
});

test("a refusal ends the wait", async () => {
  await scripted([problem(404, "UnknownRequest")], async (url) => {
    await assert.rejects(new Client({ url }).wait("r1", { timeout: 5 }), { kind: "UnknownRequest" });
  });
});

for (const outcome of ["rejected", "answered", "expired", "withdrawn", "cancelled"]) {
  test(`only a yes is a yes: ${outcome}`, async () => {
    await scripted([{ status: 200, body: decided(outcome, false) }], async (url) => {
      const request = await new Client({ url }).wait("r1", { timeout: 5 });
      assert.deepEqual([isOpen(request), isApproved(request)], [false, false]);
    });
  });
}

test("a request is a value that nothing changes", async () => {
  await scripted([{ status: 200, body: decided("rejected", false) }], async (url) => {
    const request = await new Client({ url }).request("r1");
    assert.throws(() => Object.assign(request, { decision: { approved: true } }), TypeError);
    assert.throws(() => Object.assign(request.decision ?? {}, { approved: true }), TypeError);
  });
});

test("a withdrawal that is repeated is harmless", async () => {
  const closed = problem(409, "AnswerRefused");
  await scripted([BROKEN, closed, { status: 200, body: decided("withdrawn", false) }], async (url) => {
    assert.equal((await new Client({ url }).withdraw("r1")).decision?.outcome, "withdrawn");
  });
  await scripted([closed, { status: 200, body: decided("approved", true) }], async (url) => {
    await assert.rejects(new Client({ url }).withdraw("r1"), { kind: "AnswerRefused" });
  });
});

test("each attempt to use an approval is an attempt of its own", async () => {
  const heard = await scripted([BROKEN, { status: 201, body: USED }], async (url) => {
    const client = new Client({ url });
    assert.deepEqual(await client.consume("r1", { key: "deploy" }), USED);
    await client.consume("r1", { key: "deploy" });
  });
  const [first, again, second] = heard.map((one) => one.key);
  assert.equal(first, again);
  assert.notEqual(first, second);
  assert.deepEqual(heard.map((one) => one.body), [{ key: "deploy" }, { key: "deploy" }, { key: "deploy" }]);
});

test("open requests come page by page", async () => {
  const pages = [
    { status: 200, body: { requests: [OPEN], next: 7 } },
    { status: 200, body: { requests: [OPEN], next: null } },
  ];
  const heard = await scripted(pages, async (url) => {
    assert.deepEqual((await new Client({ url }).requests({ mine: true })).map((one) => one.id), ["r1", "r1"]);
  });
  assert.deepEqual(heard.map((one) => one.path), [
    "/api/v1/requests?after=0&mine=true", "/api/v1/requests?after=7&mine=true",
  ]);
});

test("whoever ends a call early is told their own reason, and nothing is repeated", async () => {
  const reason = new Error("the tab was closed");
  for (const said of [SILENT, BROKEN]) {
    await scripted([said], async (url) => {
      const client = new Client({ url });
      const ending = new AbortController();
      setTimeout(() => ending.abort(reason), 100);
      await assert.rejects(client.wait("r1", { signal: ending.signal }), reason);
    });
  }
  const heard = await scripted([SILENT], async (url) => {
    await assert.rejects(new Client({ url }).ask(QUESTION, { signal: AbortSignal.abort(reason) }), reason);
  });
  assert.deepEqual(heard, []);
});

const NO_ADDRESSES: readonly (readonly [string | undefined, string | undefined, RegExp])[] = [
  [undefined, undefined, /not set/],
  [" ", undefined, /not set/],
  ["ftp://a", undefined, /begins with/],
  ["localhost:8765", undefined, /begins with/],
  ["a:b:c", undefined, /begins with/],
  ["unix:/run/sayso.sock", undefined, /Unix socket/],
  ["http://me:secret@a", undefined, /more than a host/],
  ["http://a?b", undefined, /more than a host/],
  ["http://a", "two words", /token/],
];

for (const [url, token, reason] of NO_ADDRESSES) {
  test(`an address that cannot be meant is refused: ${url}`, () => {
    assert.throws(() => new Client({ url, token }), (error) => error instanceof InvalidAddress && reason.test(error.reason));
  });
}

test("the environment says where the service is", async () => {
  const heard = await scripted([{ status: 200, body: OPEN }], async (url) => {
    Object.assign(process.env, { SAYSO_URL: `${url}/below/`, SAYSO_TOKEN: "secret" });
    try {
      await new Client().request("r1/../x");
    } finally {
      delete process.env["SAYSO_URL"];
      delete process.env["SAYSO_TOKEN"];
    }
  });
  assert.deepEqual(heard.map((one) => [one.path, one.token]), [
    ["/below/api/v1/requests/r1%2F..%2Fx?wait=0", "Bearer secret"],
  ]);
});
