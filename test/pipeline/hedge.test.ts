// A second target asked beside a slow one: who wins, what the loser leaves behind, and that nobody is ever billed twice in silence.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { hedgeAfterMs, type HedgeGateway, openHedgeGateway, vendors } from "./hedge-gateway.ts";
import {
  allWell,
  type AskOptions,
  type ReceivedAnswer,
  receivedFrom,
  formatPairs,
  until,
} from "./test-pipeline.ts";

const { slow, quick, third } = vendors;

describe.each(formatPairs.flatMap((lane) => [true, false].map((stream) => ({ ...lane, stream }))))(
  "$endpoint endpoint, $wire vendor, stream: $stream",
  ({ endpoint, wire, stream }) => {
    let app: HedgeGateway;
    beforeAll(async () => {
      app = await openHedgeGateway(endpoint, wire);
    });
    afterEach(() => app.close());
    afterAll(() => app.stop());
    const lane = endpoint === wire ? "relay" : "hub";
    const ask = (more: AskOptions = {}): Promise<ReceivedAnswer> =>
      app.ask({ stream, ...more }).then((answer) => receivedFrom(answer, endpoint));
    const recordOf = ({ headers }: ReceivedAnswer) =>
      app.gateway.waitForRecord((record) => record.id === headers.get("x-request-id"));
    const good = { status: 200, text: allWell, isEnded: true };

    test("the second answers first: the first is cut off, and everybody is told", async () => {
      const asking = ask();
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      (await quick.waitFor(0)).speak();
      const heard = await asking;
      expect(heard).toMatchObject(good);
      await first.left;
      expect(heard.headers.get("x-clawgate-provider")).toBe("quick");
      expect(heard.headers.get("x-clawgate-hedged")).toBe("slow");
      expect(heard.headers.get("x-clawgate-attempts")).toBe("2");
      const record = await recordOf(heard);
      expect(record).toMatchObject({ provider: "quick", status: 200, failure: null, tags: ["hedged"] });
      expect(record.attempts).toMatchObject([
        { provider: "slow", outcome: "cancelled", lane, failure: "cancelled", maybeBilled: true },
        { provider: "quick", outcome: "ok", lane, message: null, maybeBilled: false },
      ]);
      expect(record.attempts[0]?.message).toMatch(/^Hedged and lost: "quick"/);
      expect(record.attempts[0]?.durationMs).toBeGreaterThanOrEqual(hedgeAfterMs);
      expect(third.requests).toHaveLength(0);
      const { health } = app.gateway.app.services;
      expect(health.view("slow")).toMatchObject({ consecutiveFailures: 0 });
      expect(health.load("slow").peakEwmaMs).toBeGreaterThanOrEqual(hedgeAfterMs * 0.9);
    });

    test("the first answers after all: the second is cut off, and everybody is told", async () => {
      const asking = ask({ headers: { "x-clawgate-tags": "mine" } });
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      const second = await quick.waitFor(0);
      first.speak();
      const heard = await asking;
      expect(heard).toMatchObject(good);
      await second.left;
      expect(heard.headers.get("x-clawgate-provider")).toBe("slow");
      expect(heard.headers.get("x-clawgate-hedged")).toBe("quick");
      const record = await recordOf(heard);
      expect(record).toMatchObject({ provider: "slow", tags: ["mine", "hedged"] });
      expect(record.attempts).toMatchObject([
        { provider: "quick", outcome: "cancelled", maybeBilled: true },
        { provider: "slow", outcome: "ok" },
      ]);
      const { health } = app.gateway.app.services;
      expect(health.load("quick").peakEwmaMs).toBeNull();
    });

    test.each(["first", "second"])("the %s fails: the other one goes on alone", async (which) => {
      const asking = ask();
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      const second = await quick.waitFor(0);
      const [failing, going] = which === "first" ? [first, second] : [second, first];
      const winner = which === "first" ? "quick" : "slow";
      const loser = which === "first" ? "slow" : "quick";
      failing.refuse(500);
      const { health, live, retryBudget } = app.gateway.app.services;
      await until("the failure is known", () => health.load(loser).inFlight === 0);
      expect(live.list()[0]?.provider).toBe(winner);
      expect(retryBudget.running()).toBe(which === "first" ? 1 : 0);
      going.speak();
      const heard = await asking;
      expect(heard).toMatchObject(good);
      expect(heard.headers.get("x-clawgate-provider")).toBe(winner);
      expect(heard.headers.get("x-clawgate-hedged")).toBe(loser);
      expect((await recordOf(heard)).attempts).toMatchObject([
        { provider: loser, outcome: "failed", failure: "upstream-error", status: 500 },
        { provider: winner, outcome: "ok" },
      ]);
      expect(app.gateway.app.services.health.view(loser)).toMatchObject({ consecutiveFailures: 1 });
      expect(third.requests).toHaveLength(0);
    });

    test("both fail: the third is asked, once and alone", async () => {
      const asking = ask();
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      (await quick.waitFor(0)).refuse(503);
      first.refuse(500);
      const last = await third.waitFor(0);
      await app.waitForHedge();
      last.speak();
      const heard = await asking;
      expect(heard).toMatchObject(good);
      expect(heard.headers.get("x-clawgate-provider")).toBe("third");
      expect(heard.headers.get("x-clawgate-hedged")).toBe("slow, quick");
      expect(heard.headers.get("x-clawgate-attempts")).toBe("3");
      const { attempts } = await recordOf(heard);
      expect(attempts.map(({ provider, outcome }) => [provider, outcome]).toSorted()).toEqual([
        ["quick", "failed"],
        ["slow", "failed"],
        ["third", "ok"],
      ]);
      expect(attempts.at(-1)?.provider).toBe("third");
      expect([slow, quick, third].map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
    });

    test("all fail: one error, and the record has all three", async () => {
      const asking = ask();
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      first.refuse(500);
      (await quick.waitFor(0)).refuse(500);
      (await third.waitFor(0)).refuse(500);
      const heard = await asking;
      expect(heard.status).toBe(502);
      expect(heard.error?.message).toContain("All providers failed");
      expect(heard.headers.get("x-clawgate-hedged")).toBe("quick");
      expect(await recordOf(heard)).toMatchObject({
        provider: null,
        failure: "upstream-error",
        tags: ["hedged"],
      });
    });

    test("what no other target can help is what the client is told, whoever failed last", async () => {
      const asking = ask();
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      const second = await quick.waitFor(0);
      first.refuse(400);
      const { health } = app.gateway.app.services;
      await until("the first is over", () => health.load("slow").inFlight === 0);
      second.refuse(500);
      const heard = await asking;
      expect(heard.status).toBe(400);
      expect(third.requests).toHaveLength(0);
    });

    test("the client leaves: both are cut off", async () => {
      const leaver = new AbortController();
      const asking = app.ask({ stream, signal: leaver.signal }).catch(() => "left");
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      const second = await quick.waitFor(0);
      const before = app.gateway.records().length;
      leaver.abort();
      expect(await asking).toBe("left");
      await Promise.all([first.left, second.left]);
      await until("it is recorded", () => app.gateway.records().length > before);
      const record = app.gateway.records().at(-1);
      expect(record).toMatchObject({ failure: "cancelled", tags: ["hedged"] });
      expect(record?.attempts.map(({ provider, outcome }) => [provider, outcome])).toEqual([
        ["slow", "cancelled"],
        ["quick", "cancelled"],
      ]);
      expect(third.requests).toHaveLength(0);
    });

    test.each(["operator", "shutdown"])("the %s ends both", async (who) => {
      const asking = ask();
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      const second = await quick.waitFor(0);
      const { live } = app.gateway.app.services;
      live.cancelAll(new Failure(who === "operator" ? "cancelled" : "shutting-down", "It is over."));
      await Promise.all([first.left, second.left]);
      const heard = await asking;
      expect(heard.status).toBe(who === "operator" ? 499 : 503);
      expect((await recordOf(heard)).attempts).toHaveLength(2);
    });

    test("each gets its own model in a whole body", async () => {
      const padding = "x".repeat(2_000);
      const body = { messages: [{ role: "user", content: padding }] };
      const asking = ask({ model: "a-name-longer-than-any-model-of-theirs", body });
      const first = await slow.waitFor(0);
      await app.waitForHedge();
      const second = await quick.waitFor(0);
      second.speak();
      await asking;
      expect(first.body["model"]).toBe("fake-slow");
      expect(second.body["model"]).toBe("fake-quick");
      for (const each of [first, second]) {
        expect(each.body["max_tokens"] ?? each.body["max_completion_tokens"]).toBe(1_000);
        expect(JSON.stringify(each.body["messages"])).toContain(padding);
      }
    });
  },
);
