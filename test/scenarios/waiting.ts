// slow-first-word: the client hears keep-alives before any target has spoken, and until the first word the next target may be tried.
// The clock is moved by hand and the vendor's answer is held back at fetch, so nothing here depends on real time.

import { describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import type { Script } from "../support/upstream.ts";
import { factsOf } from "./matrix.ts";
import { closingOf, encoded, passable, plain, said, understood } from "./oracle.ts";
import { dialectNames, sideOf } from "./scenario.ts";
import {
  everyWay,
  openScenarioSetup,
  pairs,
  providerOf,
  type Question,
  recording,
  type ScenarioSetup,
} from "./setup.ts";

const commitMs = 2_000;
const keepAliveMs = 1_000;

type Waiting = {
  readonly stage: ScenarioSetup;
  readonly clock: FakeClock;
  /** Settles when the gateway has asked a vendor. */
  readonly asked: Promise<void>;
  /** From now on vendors answer. */
  answerNow(): void;
};

async function openWaiting(config: Readonly<Record<string, unknown>> = {}): Promise<Waiting> {
  const clock = fakeClock();
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const heldFetch = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    asked.resolve();
    await released.promise;
    return fetch(...call);
  };
  const stage = await openScenarioSetup({
    clock,
    fetch: Object.assign(heldFetch, { preconnect: fetch.preconnect }),
    config: { ...config, streaming: { commit_after_s: commitMs / 1000, keepalive_s: keepAliveMs / 1000 } },
  });
  return { stage, clock, asked: asked.promise, answerNow: () => released.resolve() };
}

const frameFor = ({ client }: Question): string => dialects[client].client.framing.quiet;

/** Asks, waits through two keep-alives, lets the vendors answer, and reads the rest. */
async function heardSlowly(waiting: Waiting, question: Question, script: Script) {
  const { stage, clock } = waiting;
  const pending = stage.ask(question, script);
  await waiting.asked;
  await clock.advance(commitMs);
  const answer = await pending;
  const reader = answer.body?.getReader();
  if (reader === undefined) throw new Error("The answer has no body.");
  const text = new TextDecoder();
  let heard = "";
  const frame = frameFor(question);
  while (heard.length < 2 * frame.length) {
    const step = reader.read();
    let isHeard = false;
    void step.then(() => (isHeard = true));
    // The body asks for more on its own time: the clock moves until the keep-alive that is due has come.
    for (let i = 0; i < 30 && !isHeard; i++) await clock.advance(keepAliveMs);
    const { done, value } = await step;
    if (done) throw new Error(`The stream ended early: ${heard}`);
    heard += text.decode(value, { stream: true });
  }
  expect(heard.replaceAll(frame, "")).toBe("");
  waiting.answerNow();
  for (let step = await reader.read(); !step.done; step = await reader.read())
    heard += text.decode(step.value, { stream: true });
  const record = await stage.gateway.recordOf(answer);
  let rest = heard;
  while (rest.startsWith(frame)) rest = rest.slice(frame.length);
  return { answer, record, heard, rest };
}

function wantedText(question: Question, record: Parameters<typeof factsOf>[0]): string {
  const { client, vendor, lane, scenario } = question;
  const text =
    lane === "relay"
      ? passable(sideOf(scenario, vendor).sse, true)
      : encoded(client, said(scenario, vendor), factsOf(record, true));
  // Keep-alives of the vendor's own may stand at the front; they cannot be told from ours.
  const frame = frameFor(question);
  let rest = text;
  while (rest.startsWith(frame)) rest = rest.slice(frame.length);
  return rest;
}

const other = (dialect: DialectName): DialectName => dialectNames.find((name) => name !== dialect) ?? dialect;

export function describeWaiting(): void {
  describe.each(everyWay)("slow-first-word: a client of $client, a vendor of $vendor, $lane", (way) => {
    const question: Question = { ...way, scenario: "slow-first-word", stream: true };

    test("keep-alives, then the answer", async () => {
      const waiting = await openWaiting();
      const { stage } = waiting;
      try {
        const { answer, record, rest } = await heardSlowly(
          waiting,
          question,
          recording("slow-first-word", way.vendor),
        );
        expect(answer.status).toBe(200);
        expect(answer.headers.get("x-clawgate-provider")).toBe(providerOf(way.vendor));
        expect(rest).toBe(wantedText(question, record));
        expect(record).toMatchObject({
          provider: providerOf(way.vendor),
          status: 200,
          finish: "stop",
          failure: null,
        });
        await stage.gateway.assertClean(stage.upstream.requests);
      } finally {
        await stage.close();
      }
    });

    test("keep-alives, then the failure in the stream", async () => {
      const waiting = await openWaiting();
      const { stage } = waiting;
      try {
        const { answer, record, heard } = await heardSlowly(waiting, question, () => ({
          status: 503,
          body: {},
        }));
        expect(answer.status).toBe(200);
        expect(plain(understood(way.client, heard))).toEqual([{ type: "failure", kind: "overloaded" }]);
        expect(record).toMatchObject({ provider: null, status: 200, finish: null, failure: "overloaded" });
        await stage.gateway.assertClean(stage.upstream.requests);
      } finally {
        await stage.close();
      }
    });
  });

  describe.each(pairs)(
    "slow-first-word: a client of $client, the second vendor speaks $vendor",
    ({ client, vendor }) => {
      test("keep-alives, then the first provider fails and the second one answers", async () => {
        const lane = client === vendor ? "relay" : "hub";
        const first = providerOf(other(vendor));
        const waiting = await openWaiting({ fallback_chain: [first, providerOf(vendor)] });
        const { stage } = waiting;
        const question: Question = {
          client,
          vendor,
          lane,
          scenario: "slow-first-word",
          stream: true,
          model: "auto",
        };
        const play = recording("slow-first-word", vendor);
        const script: Script = (request) => (request.index === 0 ? { status: 503, body: {} } : play(request));
        try {
          const { answer, record, rest } = await heardSlowly(waiting, question, script);
          // The headers name the target of the attempt that ran when they had to be sent; the record is the truth.
          expect(answer.headers.get("x-clawgate-provider")).toBe(first);
          expect(rest).toBe(wantedText(question, record));
          expect(closingOf(understood(client, rest))?.type).toBe("finish");
          expect(record).toMatchObject({
            provider: providerOf(vendor),
            status: 200,
            finish: "stop",
            failure: null,
          });
          expect(record.rule).toEndWith("->fallback");
          expect(record.attempts).toMatchObject([
            { provider: first, outcome: "failed", failure: "overloaded", status: 503 },
            { provider: providerOf(vendor), outcome: "ok", lane },
          ]);
          await stage.gateway.assertClean(stage.upstream.requests);
        } finally {
          await stage.close();
        }
      });
    },
  );
}
