// What a hedge looks like from outside, how it ends from outside, and what many of them leave behind.

import { afterEach, describe, expect, test } from "bun:test";
import { type HedgeGateway, openHedgeGateway, vendors } from "./hedge-gateway.ts";
import type { HeldVendor } from "./held-vendor.ts";
import { allWell, receivedFrom, until } from "./test-pipeline.ts";

const { slow, quick } = vendors;

describe("a hedge", () => {
  let app: HedgeGateway;
  afterEach(async () => {
    await app.close();
    await app.stop();
  });

  test("a stream that had to begin before anybody answered says so in a comment", async () => {
    app = await openHedgeGateway("openai", "openai", { streaming: { commit_after_s: 1 } });
    const asking = app.ask();
    await slow.waitFor(0);
    await app.waitForHedge();
    const answer = await asking;
    expect(answer.headers.has("x-clawgate-hedged")).toBe(false);
    (await quick.waitFor(0)).speak();
    const heard = await receivedFrom(answer, "openai");
    expect(heard).toMatchObject({ text: allWell, isEnded: true });
    expect(heard.raw).toContain("\n\n: x-clawgate-provider: quick; x-clawgate-hedged: slow\n\n");
  });

  test("the latest requests show it, even without the reasons of decisions", async () => {
    app = await openHedgeGateway("openai", "openai", { metrics: { log_routing_decisions: false } });
    const asking = app.ask();
    await slow.waitFor(0);
    await app.waitForHedge();
    (await quick.waitFor(0)).speak();
    const answer = await asking;
    await answer.text();
    await app.gateway.recordOf(answer);
    const message = expect.stringMatching(/^Hedged and lost: /) as unknown;
    const recent: unknown = await (await fetch(`${app.gateway.url}/api/recent`)).json();
    expect(recent).toMatchObject({
      requests: [
        {
          provider: "quick",
          tags: ["hedged"],
          attempts: [{ provider: "slow", outcome: "cancelled", message }, { provider: "quick" }],
        },
      ],
    });
    const log = app.gateway.log.join("");
    expect(log).toContain(
      '"what":"asked in parallel because the first has not answered yet","target":"quick/fake-quick"',
    );
    expect(log).toContain('"what":"lost to quick","target":"slow/fake-slow"');
  });

  test("the deadline ends both", async () => {
    app = await openHedgeGateway("openai", "openai", { server: { request_timeout_s: 3 } });
    const asking = app.ask();
    const first = await slow.waitFor(0);
    await app.waitForHedge();
    const second = await quick.waitFor(0);
    await app.clock.advance(1_000);
    await Promise.all([first.left, second.left]);
    const answer = await asking;
    expect(answer.status).toBe(504);
    expect((await app.gateway.recordOf(answer)).attempts).toMatchObject([
      { provider: "slow", failure: "timed-out", maybeBilled: true },
      { provider: "quick", failure: "timed-out", maybeBilled: true },
    ]);
    await answer.text();
  });

  test("both answer in the same moment: one is shown, the other one is cut off", async () => {
    app = await openHedgeGateway("openai", "openai");
    const asking = app.ask({ stream: false });
    const first = await slow.waitFor(0);
    await app.waitForHedge();
    const second = await quick.waitFor(0);
    first.speak();
    second.speak();
    const answer = await asking;
    const record = await app.gateway.recordOf(answer);
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual(["cancelled", "ok"]);
    expect(await receivedFrom(answer, "openai")).toMatchObject({ status: 200, text: allWell });
  });

  test("300 requests at vendors that answer, refuse or are left at any time: nothing is left over", async () => {
    app = await openHedgeGateway("openai", "openai", { server: { request_timeout_s: 60 } });
    let state = 11;
    const chance = (limit: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * limit);
    };
    const leavers = new Set<AbortController>();
    let running = 0;
    const ask = async (): Promise<void> => {
      const leaver = new AbortController();
      leavers.add(leaver);
      running += 1;
      try {
        const model = ["slow", "quick", "a-name-longer-than-any-model-of-theirs"][chance(3)] ?? "slow";
        await (await app.ask({ stream: chance(2) === 0, model, signal: leaver.signal })).text();
      } catch (thrown) {
        if (!leaver.signal.aborted) throw thrown;
      } finally {
        leavers.delete(leaver);
        running -= 1;
      }
    };
    const { health, live } = app.gateway.app.services;
    const all = Object.entries(vendors);
    const openOf = (vendor: HeldVendor): number =>
      vendor.requests.filter((held) => !held.isFinished && !held.isAborted).length;
    const asked: Promise<void>[] = [];
    while (asked.length < 300 || running > 0) {
      for (let more = 0; more < 10 && asked.length < 300; more++) asked.push(ask());
      // The clock does not wait for the network, so the test does.
      await until("what is under way is at the vendors", () => {
        const isThere = all.every(([id, vendor]) => health.load(id).inFlight === openOf(vendor));
        return isThere && live.count() === running;
      });
      for (const [, vendor] of all)
        for (const held of vendor.requests) {
          if (held.isFinished || held.isAborted) continue;
          const dice = chance(30);
          if (dice < 4) held.speak();
          else if (dice === 4) held.refuse(500);
        }
      for (const leaver of leavers) if (chance(40) === 0) leaver.abort();
      await app.clock.advance(500);
    }
    await Promise.all(asked);
    await app.gateway.assertClean();
    const records = app.gateway.records();
    expect(records.filter(({ tags }) => tags.includes("hedged")).length).toBeGreaterThan(0);
    for (const { attempts } of records) {
      expect(attempts.filter(({ outcome }) => outcome === "ok").length).toBeLessThanOrEqual(1);
      for (const attempt of attempts)
        if (attempt.message?.startsWith("Hedged") === true) expect(attempt.maybeBilled).toBe(true);
    }
  });
});
