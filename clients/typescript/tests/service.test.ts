/**
 * The client and the service itself, at SAYSO_URL with SAYSO_TOKEN. OPERATOR_TOKEN answers as people do; the tests of
 * the repository start the service, and run this.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import {
  AlreadyUsed, Client, KeyReused, NotApproved, Refused, code, isApproved, isOpen, table, type Question, type Request,
} from "../src/index.ts";

const QUESTION: Question = { prompt: "Deploy 4.2?", to: "operator", details: { Command: code("./deploy", "bash") } };
const client = new Client();

async function answer(request: Request, value: unknown): Promise<void> {
  const response = await fetch(`${process.env["SAYSO_URL"]}/api/v1/requests/${request.id}/answers`, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env["OPERATOR_TOKEN"]}`, "Content-Type": "application/json" },
    body: JSON.stringify({ revision: request.revision, value }),
  });
  assert.equal(response.status, 200, await response.text());
}

test("a yes reaches the program that waits, and lets one thing run once", async () => {
  const request = await client.ask(QUESTION, { key: "deploy-4.2" });
  assert.deepEqual([request.rich, request.decision], [["Command"], null]);
  assert.equal((await client.ask(QUESTION, { key: "deploy-4.2" })).id, request.id);
  await assert.rejects(client.ask({ ...QUESTION, prompt: "Deploy 4.3?" }, { key: "deploy-4.2" }), KeyReused);
  await assert.rejects(client.consume(request.id, { key: "job" }), NotApproved);
  assert.ok(isOpen(await client.wait(request.id, { timeout: 0.1 })));

  const waiting = client.wait(request.id, { timeout: 30 });
  await answer(request, "approve");
  const decided = await waiting;
  assert.deepEqual([isOpen(decided), isApproved(decided)], [false, true]);
  assert.deepEqual([decided.decision?.outcome, decided.decision?.by], ["approved", ["token:operator"]]);

  const used = await client.consume(request.id, { key: "job" });
  assert.deepEqual([used.request, used.key, used.repeated], [request.id, "job", false]);
  await assert.rejects(client.consume(request.id, { key: "job" }), AlreadyUsed);
});

test("only a yes can be used, not a no", async () => {
  const request = await client.ask(QUESTION);
  await answer(request, "reject");
  const decided = await client.wait(request.id);
  assert.deepEqual([decided.decision?.outcome, isApproved(decided)], ["rejected", false]);
  await assert.rejects(client.consume(request.id, { key: "job" }), NotApproved);
});

test("a value is asked for and returned", async () => {
  const sizes = table(["region", "GB"], [["eu-west", 12.5], ["us-east", null]]);
  const question: Question = {
    kind: "input", prompt: "Where to?", input_type: "select", options: ["eu-west", "us-east"], to: "operator",
    details: { Sizes: sizes },
  };
  const request = await client.ask(question);
  await answer(request, "us-east");
  const { decision } = await client.wait(request.id);
  assert.deepEqual([decision?.outcome, decision?.approved, decision?.value], ["answered", false, "us-east"]);
});

test("a file and a picture are shown by their hashes", async () => {
  const dot = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
  const details = { Plan: await client.file(Buffer.from("1. stop\n"), "plan.txt"), Map: await client.image(dot, "A dot") };
  const request = await client.ask({ ...QUESTION, details });
  assert.deepEqual(request.rich, ["Plan", "Map"]);
  const sha256 = createHash("sha256").update("1. stop\n").digest("hex");
  const { Plan, Map } = request.details as Record<"Plan" | "Map", Record<string, unknown>>;
  assert.deepEqual([Plan["type"], Plan["name"], Plan["sha256"]], ["file", "plan.txt", sha256]);
  assert.deepEqual([Map["type"], Map["alt"]], ["image", "A dot"]);
});

test("a question that nobody answers in time never becomes a yes", async () => {
  const request = await client.ask({ ...QUESTION, expires_after: 0.3 });
  const expired = await client.wait(request.id, { timeout: 30 });
  assert.deepEqual([expired.decision?.outcome, isApproved(expired)], ["expired", false]);
});

test("what was asked is listed until it is withdrawn, which may be repeated", async () => {
  const request = await client.ask(QUESTION);
  assert.ok((await client.requests({ mine: true })).some((one) => one.id === request.id));
  assert.equal((await client.withdraw(request.id)).decision?.outcome, "withdrawn");
  assert.equal((await client.withdraw(request.id)).decision?.outcome, "withdrawn");
  assert.ok(!(await client.requests({ mine: true })).some((one) => one.id === request.id));
});

test("what cannot be asked is refused", async () => {
  await assert.rejects(client.ask({ ...QUESTION, to: "nobody at all" }), (error) => {
    assert.ok(error instanceof Refused);
    assert.deepEqual([error.status, error.kind], [422, "InvalidQuestion"]);
    return true;
  });
  await assert.rejects(new Client({ token: "wrong" }).ask(QUESTION), { status: 401 });
  await assert.rejects(client.request("unknown"), { status: 404 });
});
