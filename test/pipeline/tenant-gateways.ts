// Gateways with two tenants, alice with what a test gives her and bob with nothing but a key, and one vendor behind two providers:
// `dear` costs a thousand dollars a million tokens, `cheap` nothing.

import { afterAll, afterEach, expect } from "bun:test";
import type { SavedMemorySpending } from "../../src/app/persistence/saved-spending.ts";
import type { Clock } from "../../src/system/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { spentOf as spentOfMeter } from "../support/local-meter.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type Format, goodAnswer } from "./test-pipeline.ts";

export type Json = Record<string, unknown>;
export const endpointFormats: readonly Format[] = ["openai", "anthropic"];
export const keys = {
  alice: "alice-key-0123456789",
  bob: "bob-key-0123456789",
  admin: "admin-key-0123456789",
};

export type Opening = {
  readonly tenant?: object;
  readonly more?: object;
  readonly clock?: Clock;
  readonly environment?: Readonly<Record<string, string>>;
};

export type TenantGateways = {
  readonly vendor: Upstream;
  /** Run after each test, last first. */
  readonly cleanups: (() => unknown)[];
  configOf(opening: Opening): object;
  open(opening: Opening): Promise<TestGateway>;
};

/** To be called once by a file of tests: what it opens goes with its tests. */
export function openTenantGateways(): TenantGateways {
  const vendor = startUpstream();
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).toReversed()) await clean();
    vendor.reset();
  });
  afterAll(() => vendor.stop());

  const configOf = ({ tenant = {}, more = {} }: Opening): object => {
    const provider = { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] };
    return {
      health: { check_interval_seconds: 0 },
      auth: { admin_key: keys.admin },
      providers: {
        dear: { ...provider, pricing: { input: 1_000, output: 1_000 } },
        cheap: { ...provider, models: ["fake-small"], pricing: { input: 0, output: 0 } },
      },
      fallback_chain: ["dear", "cheap"],
      aliases: { fast: "cheap", any: "auto" },
      tenants: [
        { name: "alice", api_key: keys.alice, ...tenant },
        { name: "bob", api_key: keys.bob },
      ],
      ...more,
    };
  };
  return {
    vendor,
    cleanups,
    configOf,
    async open(opening) {
      const { clock, environment } = opening;
      const gateway = await startTestGateway({
        config: configOf(opening),
        ...(clock === undefined ? {} : { clock }),
        ...(environment === undefined ? {} : { environment }),
      });
      cleanups.push(() => gateway.stop());
      vendor.script(goodAnswer);
      return gateway;
    },
  };
}

export type AskOptions = {
  readonly door?: Format;
  readonly model?: string;
  readonly key?: string;
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
};

export function ask(gateway: TestGateway, asking: AskOptions = {}): Promise<Response> {
  const { door = "openai", model = "dear", key = keys.alice, stream = false, signal } = asking;
  return fetch(gateway.url + (door === "openai" ? "/v1/chat/completions" : "/v1/messages"), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, max_tokens: 100, stream, messages: [{ role: "user", content: "hi" }] }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export async function get(gateway: TestGateway, path: string, key = keys.admin): Promise<Json> {
  const answer = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Json;
}

/** What alice has spent today. */
export const spentOf = (gateway: TestGateway): { tokens: number; nanoUsd: number } =>
  spentOfMeter(gateway.app.services.meters.of("alice")).day;

/** Where the limits of a gateway are counted while no other home of them is chosen. */
export const memoryLimits = (gateway: TestGateway): SavedMemorySpending["limits"] =>
  (gateway.app.services.spending as SavedMemorySpending).limits;

export const adaptedOf = (answer: Response): readonly string[] =>
  (answer.headers.get("x-clawgate-adapted") ?? "").split(", ");
