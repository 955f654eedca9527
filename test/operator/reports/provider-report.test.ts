// GET /api/providers: what is known of each key, also that only it is on hold for a model, and when its vendor's limit ends.

import { expect, test } from "bun:test";
import { fingerprintOf } from "../../../src/backends/http/auth.ts";
import { Failure } from "../../../src/canon/failure.ts";
import type { ProviderReport } from "../../../src/operator/reports/provider-report.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway } from "../../support/gateway.ts";

const cleanups = cleanupsAfterEach();
const [first, second] = ["key-one-0123456789abc", "key-two-0123456789abc"];

test("each key has its own hold: since when, the next check, the end that the vendor named, its models", async () => {
  const providers = {
    one: { base_url: "http://127.0.0.1:9", api_keys: [first, second], model: "m-1", models: ["m-2"] },
  };
  const gateway = cleanups.stopAtEnd(await startTestGateway({ config: { providers } }));
  const { health } = gateway.app.services;
  const hourMs = 3_600_000;
  const usedUp = new Failure("quota-exhausted", "used up", { retryAfterMs: 5 * hourMs });
  health.failed("one", "m-1", usedUp, fingerprintOf(first));
  health.failed("one", "m-2", new Failure("rate-limited", "slow down"), fingerprintOf(second));
  const answer = await fetch(`${gateway.url}/api/providers`);
  const { providers: rows } = (await answer.json()) as ProviderReport;
  const [held, limited] = rows[0]?.credentials ?? [];
  expect(held).toMatchObject({ id: fingerprintOf(first), state: "exhausted", cooling_models: {} });
  const at = (iso: string | null | undefined): number => Date.parse(String(iso));
  expect(Math.abs(at(held?.held_since) - Date.now())).toBeLessThan(10_000);
  expect(at(held?.limit_ends_at) - at(held?.held_since)).toBe(5 * hourMs);
  // It is asked again before that, because a quota may have been raised.
  expect(at(held?.retry_at)).toBeLessThan(at(held?.limit_ends_at));
  expect(limited).toMatchObject({ state: "rate-limited", held_since: null, limit_ends_at: null });
  expect(Object.keys(limited?.cooling_models ?? {})).toEqual(["m-2"]);
});
