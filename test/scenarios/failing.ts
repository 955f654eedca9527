// Vendors that fail: before the first word the client gets the right status in its own dialect's shape, after it an error in the stream.

import { describe, expect, test } from "bun:test";
import { consequences, Failure, type FailureKind } from "../../src/canon/failure.ts";
import type { DialectName } from "../../src/canon/request.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import type { Script } from "../support/upstream.ts";
import { expectErrorBody } from "./matrix.ts";
import { kindAtClient, plain, understood } from "./oracle.ts";
import {
  everyWay,
  openingOf,
  openScenarioSetup,
  providerOf,
  type Question,
  type ScenarioSetup,
  vendorModel,
} from "./setup.ts";

type Refusal = {
  readonly status: number;
  /** What the vendor means, in its own words. */
  readonly means: FailureKind;
  /** What that is for our client, and the status it gets. */
  readonly kind: FailureKind;
  readonly shown: number;
  readonly retryAfterSeconds?: number;
};

const refusals: readonly Refusal[] = [
  { status: 400, means: "invalid-request", kind: "invalid-request", shown: 400 },
  { status: 401, means: "unauthorized", kind: "credentials-rejected", shown: 502 },
  { status: 404, means: "unknown-model", kind: "model-missing", shown: 502 },
  { status: 413, means: "too-large", kind: "too-large", shown: 413 },
  { status: 429, means: "rate-limited", kind: "rate-limited", shown: 429, retryAfterSeconds: 7 },
  { status: 500, means: "internal", kind: "upstream-error", shown: 502 },
  { status: 503, means: "overloaded", kind: "overloaded", shown: 503 },
];

function answering(refusal: Refusal, vendor: DialectName): Script {
  const failure = new Failure(refusal.means, "as the vendor puts it");
  const headers: Record<string, string> = {};
  if (refusal.retryAfterSeconds !== undefined) headers["retry-after"] = String(refusal.retryAfterSeconds);
  return () => ({
    status: refusal.status,
    body: dialects[vendor].client.encodeFailure(failure, "req_vendor"),
    headers,
  });
}

async function expectStatus(
  stage: ScenarioSetup,
  question: Question,
  script: Script,
  kind: FailureKind,
): Promise<Response> {
  const answer = await stage.ask(question, script);
  const record = await stage.gateway.recordOf(answer);
  // Overload of any vendor is 529 on the Messages endpoint.
  const status = dialects[question.client].client.statuses?.[kind] ?? consequences[kind].status;
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toStartWith("application/json");
  const text = await answer.text();
  // Claude Code recovers by the vendor's own words: there the vendor's body is the answer, its id too.
  const isVendors = question.client === question.vendor && question.client === "anthropic-messages";
  const id = isVendors && text.includes("req_vendor") ? "req_vendor" : record.id;
  expectErrorBody(question.client, text, kind, id);
  expect(record).toMatchObject({
    provider: null,
    finish: null,
    failure: kind,
    status,
  });
  const [attempt, ...others] = record.attempts;
  expect(others).toEqual([]);
  expect(attempt).toMatchObject({
    provider: providerOf(question.vendor),
    model: vendorModel,
    lane: question.lane,
    outcome: "failed",
    failure: kind,
  });
  return answer;
}

export function describeFailing(stageOf: () => ScenarioSetup): void {
  describe.each(everyWay)("a failing vendor of $vendor, a client of $client, $lane", (way) => {
    describe.each([true, false])("stream: %p", (stream) => {
      const question: Question = { ...way, scenario: "text", stream };

      test.each([...refusals])("HTTP $status is $kind", async (refusal) => {
        const answer = await expectStatus(stageOf(), question, answering(refusal, way.vendor), refusal.kind);
        const isMessages = way.client === "anthropic-messages";
        expect(answer.status).toBe(isMessages && refusal.shown === 503 ? 529 : refusal.shown);
        const wait = refusal.retryAfterSeconds;
        expect(answer.headers.get("retry-after")).toBe(wait === undefined ? null : String(wait));
      });

      test("cut before the first word", async () => {
        const { before } = openingOf("text", way.vendor);
        expect(before.length).toBeGreaterThan(0);
        await expectStatus(stageOf(), question, () => ({ chunks: before }), "bad-output");
      });

      test("an HTML page instead of an answer", async () => {
        const page = {
          status: 200,
          headers: { "content-type": "text/html" },
          body: "<html>Welcome to nginx</html>",
        };
        await expectStatus(stageOf(), question, () => page, "bad-output");
      });
    });

    test("the connection dies after the first word", async () => {
      // An app of its own, because its vendor is stopped during an answer.
      const stage = await openScenarioSetup();
      try {
        const { before, firstWord } = openingOf("text", way.vendor);
        const chunks = [...before, firstWord];
        const answer = await stage.ask({ ...way, scenario: "text", stream: true }, () => ({
          chunks,
          ending: "hang",
        }));
        stage.upstream.stop();
        const text = await answer.text();
        const record = await stage.gateway.recordOf(answer);
        expect(answer.status).toBe(200);
        expect(text).toContain("Hello");
        expect(record.failure).toBe("unreachable");
        const failure = new Failure("unreachable", "");
        const kind = kindAtClient(way.client, { type: "failure", failure });
        expect(plain(understood(way.client, text)).at(-1)).toEqual({ type: "failure", kind });
        expect(record).toMatchObject({ provider: providerOf(way.vendor), status: 200, finish: null });
        expect(record.attempts).toMatchObject([{ outcome: "failed", maybeBilled: true }]);
        await stage.gateway.assertClean();
      } finally {
        await stage.close();
      }
    });
  });
}
