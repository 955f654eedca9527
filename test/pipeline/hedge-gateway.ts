// A gateway that hedges after two seconds of a clock that stands still, with three vendors that wait for the test's word.
// It must never let time pass by itself.

import { expect } from "bun:test";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type HeldVendor, startHeldVendor } from "./held-vendor.ts";
import type { AskOptions, Format } from "./test-pipeline.ts";

export const vendors = { slow: startHeldVendor(), quick: startHeldVendor(), third: startHeldVendor() };

export const hedgeAfterMs = 2_000;

export type HedgeGateway = {
  readonly gateway: TestGateway;
  readonly clock: FakeClock;
  ask(more?: AskOptions): Promise<Response>;
  /** So much time that a hedge was due. */
  waitForHedge(): Promise<void>;
  /** Nothing is left over, neither in the gateway nor in its records. */
  close(): Promise<void>;
  stop(): Promise<void>;
};

export async function openHedgeGateway(
  door: Format,
  wire: Format,
  config: object = {},
  more: { slow?: object; quick?: object; third?: object } = {},
): Promise<HedgeGateway> {
  const clock = fakeClock();
  const provider = (vendor: HeldVendor, model: string, more: object = {}): object => ({
    backend: wire === "openai" ? "openai-compat" : "anthropic",
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    model,
    ...more,
  });
  const gateway = await startTestGateway({
    clock,
    config: {
      health: { check_interval_seconds: 0 },
      routing: { hedge_after_s: hedgeAfterMs / 1000 },
      providers: {
        slow: provider(vendors.slow, "fake-slow", more.slow),
        quick: provider(vendors.quick, "fake-quick", more.quick),
        third: provider(vendors.third, "fake-third", more.third),
        alone: provider(vendors.slow, "fake-slow", { fallback: false }),
      },
      fallback_chain: ["slow", "quick", "third"],
      aliases: { "a-name-longer-than-any-model-of-theirs": "slow" },
      ...config,
    },
  });
  const { services } = gateway.app;
  return {
    gateway,
    clock,
    ask: (asking = {}) =>
      fetch(gateway.url + (door === "openai" ? "/v1/chat/completions" : "/v1/messages"), {
        method: "POST",
        headers: { "content-type": "application/json", ...asking.headers },
        body: JSON.stringify({
          model: asking.model ?? "slow",
          max_tokens: 1_000,
          stream: asking.stream ?? true,
          messages: [{ role: "user", content: "hello" }],
          ...asking.body,
        }),
        ...(asking.signal === undefined ? {} : { signal: asking.signal }),
      }),
    waitForHedge: () => clock.advance(hedgeAfterMs + 100),
    async close() {
      await gateway.assertClean();
      for (const id of ["slow", "quick", "third", "alone"]) {
        expect({ id, inFlight: services.health.load(id).inFlight }).toEqual({ id, inFlight: 0 });
        services.health.reset(id);
      }
      for (const vendor of Object.values(vendors)) vendor.clear();
    },
    stop: () => gateway.stop(),
  };
}
