// Whether a second target is asked beside the first at all, and which one.

import { afterEach, describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { startGatedVendor } from "../support/gated-vendor.ts";
import { type HedgeGateway, openHedgeGateway, vendors } from "./hedge-gateway.ts";
import type { HeldVendor } from "./held-vendor.ts";
import { type AskOptions, type ReceivedAnswer, receivedFrom, until } from "./test-pipeline.ts";

const { slow, quick, third } = vendors;

describe("when there is no hedge", () => {
  let app: HedgeGateway;
  afterEach(async () => {
    await app.close();
    await app.stop();
  });
  /** Asks, lets the time pass, and has the first one answer. */
  const askAlone = async (more: AskOptions = {}): Promise<ReceivedAnswer> => {
    const asking = app.ask(more);
    const first = await slow.waitFor(0);
    await app.waitForHedge();
    first.speak();
    const answer = await asking;
    const record = await app.gateway.recordOf(answer);
    expect(record.tags).toEqual([]);
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual(["ok"]);
    const heard = await receivedFrom(answer, "openai");
    expect(heard.headers.has("x-clawgate-hedged")).toBe(false);
    expect(quick.requests.length + third.requests.length).toBe(0);
    return heard;
  };

  test("by default", async () => {
    app = await openHedgeGateway("openai", "openai", { routing: {} });
    await askAlone();
  });

  test("with `x-clawgate-fallback: off`", async () => {
    app = await openHedgeGateway("openai", "openai");
    await askAlone({ headers: { "x-clawgate-fallback": "off" } });
  });

  test("at a provider with `fallback: false`", async () => {
    app = await openHedgeGateway("openai", "openai");
    await askAlone({ model: "alone" });
  });

  test("without a second target", async () => {
    app = await openHedgeGateway("openai", "openai", { fallback_chain: ["slow"] });
    await askAlone();
  });

  test("without a place in the retry budget, and a held place is free again afterwards", async () => {
    app = await openHedgeGateway("openai", "openai");
    const { retryBudget } = app.gateway.app.services;
    const places = [retryBudget.tryTake(), retryBudget.tryTake(), retryBudget.tryTake()];
    expect([...places, retryBudget.tryTake()]).toEqual([true, true, true, false]);
    await askAlone();
    expect(retryBudget.running()).toBe(3);
    places.forEach(() => retryBudget.give());
  });

  test("when the others are held back", async () => {
    app = await openHedgeGateway("openai", "openai");
    const { health } = app.gateway.app.services;
    for (const id of ["quick", "third"])
      for (let times = 0; times < 2; times++)
        health.failed(id, `fake-${id}`, new Failure("unreachable", "Nobody is there."));
    await askAlone();
  });

  test("for a token count", async () => {
    app = await openHedgeGateway("anthropic", "anthropic");
    const asking = fetch(`${app.gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "slow", messages: [{ role: "user", content: "hello" }] }),
    });
    const first = await slow.waitFor(0);
    await app.waitForHedge();
    first.speak();
    await (await asking).text();
    expect(quick.requests).toHaveLength(0);
  });

  test("once a whole answer is being written, however long it takes", async () => {
    const gated = startGatedVendor();
    app = await openHedgeGateway("anthropic", "openai", {}, { slow: { base_url: gated.url } });
    const asking = app.ask({ stream: false });
    await gated.waitForHeld(1);
    // The vendor has written its first word; the gateway has read it after these round trips through the same loop.
    for (let trip = 0; trip < 5; trip++) await (await fetch(`${gated.url}/models`)).text();
    await app.waitForHedge();
    gated.release();
    expect(await receivedFrom(await asking, "anthropic")).toMatchObject({
      status: 200,
      text: "before after",
    });
    expect(quick.requests).toHaveLength(0);
    gated.stop();
  });
});

describe("which target is asked", () => {
  let app: HedgeGateway;
  afterEach(async () => {
    await app.close();
    await app.stop();
  });
  const isHedgedTo = async (vendor: HeldVendor, provider: string): Promise<void> => {
    const asking = app.ask();
    await slow.waitFor(0);
    await app.waitForHedge();
    (await vendor.waitFor(0)).speak();
    const answer = await asking;
    expect(answer.headers.get("x-clawgate-provider")).toBe(provider);
    expect(answer.headers.get("x-clawgate-hedged")).toBe("slow");
    await answer.text();
  };

  test("none that is held back", async () => {
    app = await openHedgeGateway("openai", "openai");
    const { health } = app.gateway.app.services;
    for (let times = 0; times < 2; times++)
      health.failed("quick", "fake-quick", new Failure("unreachable", "Nobody is there."));
    await isHedgedTo(third, "third");
    expect(quick.requests).toHaveLength(0);
  });

  test("none that has no turn free", async () => {
    app = await openHedgeGateway("openai", "openai", {}, { quick: { max_concurrent: 1 } });
    const turn = app.gateway.app.current().pipeline.providers.get("quick")?.queue.tryTake();
    await isHedgedTo(third, "third");
    expect(quick.requests).toHaveLength(0);
    turn?.release();
  });

  test("after a first target that failed: the next but one, and the budget counts both", async () => {
    app = await openHedgeGateway("openai", "openai");
    const asking = app.ask();
    (await slow.waitFor(0)).refuse(500);
    const second = await quick.waitFor(0);
    await app.waitForHedge();
    const last = await third.waitFor(0);
    expect(app.gateway.app.services.retryBudget.running()).toBe(2);
    second.speak();
    const answer = await asking;
    expect(answer.headers.get("x-clawgate-provider")).toBe("quick");
    expect(answer.headers.get("x-clawgate-hedged")).toBe("third");
    expect(answer.headers.get("x-clawgate-attempts")).toBe("3");
    await last.left;
    await answer.text();
  });

  test("after a context that was too long for one: none with a smaller window", async () => {
    const window = (id: string, tokens: number): object => ({ models: [{ id, context_window: tokens }] });
    app = await openHedgeGateway(
      "openai",
      "openai",
      {},
      {
        slow: window("fake-slow", 1_000),
        quick: window("fake-quick", 2_000),
        third: window("fake-third", 500),
      },
    );
    const asking = app.ask();
    (await slow.waitFor(0)).refuse(400, "context_length_exceeded");
    const second = await quick.waitFor(0);
    await app.waitForHedge();
    second.speak();
    const answer = await asking;
    expect(answer.headers.get("x-clawgate-provider")).toBe("quick");
    expect(answer.headers.has("x-clawgate-hedged")).toBe(false);
    expect(third.requests).toHaveLength(0);
    await answer.text();
  });

  test("another key of either, when both were refused", async () => {
    const keys = { api_key: "vendor-key-number-one", api_keys: ["vendor-key-number-two"] };
    app = await openHedgeGateway("openai", "openai", { fallback_chain: ["slow", "third"] }, { slow: keys });
    const asking = app.ask();
    const first = await slow.waitFor(0);
    await app.waitForHedge();
    const beside = await third.waitFor(0);
    first.refuse(429);
    const { health } = app.gateway.app.services;
    await until("the first is over", () => health.load("slow").inFlight === 0);
    beside.refuse(500);
    const again = await slow.waitFor(1);
    expect(again.key).not.toBe(first.key);
    await app.waitForHedge();
    expect(third.requests).toHaveLength(1);
    again.speak();
    const answer = await asking;
    expect(answer.headers.get("x-clawgate-provider")).toBe("slow");
    expect(answer.headers.get("x-clawgate-hedged")).toBe("third");
    await answer.text();
  });

  test("another key of the one that was asked beside", async () => {
    const keys = { api_key: "vendor-key-number-one", api_keys: ["vendor-key-number-two"] };
    app = await openHedgeGateway("openai", "openai", { fallback_chain: ["third", "slow"] }, { slow: keys });
    const asking = app.ask({ model: "third" });
    const first = await third.waitFor(0);
    await app.waitForHedge();
    const beside = await slow.waitFor(0);
    beside.refuse(429);
    first.refuse(500);
    const again = await slow.waitFor(1);
    expect(again.key).not.toBe(beside.key);
    again.speak();
    const answer = await asking;
    expect(answer.headers.get("x-clawgate-provider")).toBe("slow");
    expect(answer.headers.get("x-clawgate-attempts")).toBe("3");
    await answer.text();
  });
});
