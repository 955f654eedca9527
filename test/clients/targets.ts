// Where a client suite is pointed: at the fake vendor itself, and at the gateway with either kind of provider behind it.
// A suite must pass unchanged on all three: the direct run proves the suite, the other two prove the gateway.

import { startBinary } from "../support/binary.ts";
import { gatewayConfig, gatewayKey, vendorKey } from "../support/gateway-config.ts";
import type { IsolatedFault } from "../support/gateway-config.ts";
import { startUpstream } from "../support/upstream.ts";
import type { Upstream } from "../support/upstream.ts";

export type Behind = "openai" | "anthropic";

export type Target = {
  /** Without /v1. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  /** Whose format the provider speaks; null when there is no gateway in between. */
  readonly behind: Behind | null;
  readonly upstream: Upstream;
  /** The model to ask for when the prompt will make the vendor misbehave. */
  modelFor(fault: IsolatedFault, stream: boolean): string;
  /** The status that a client must see for the vendor's status. */
  statusFor(vendorStatus: number): number;
  stop(): Promise<void>;
};

export type TargetKind = { readonly name: string; open(): Promise<Target> };

// A fault of the vendor's is never the client's 401 or 500 (contract section 3).
const seenThroughGateway: Readonly<Record<number, number>> = { 401: 502, 403: 502, 500: 502, 529: 503 };

function startVendor(): Upstream {
  return startUpstream({ strict: true, keys: [vendorKey] });
}

async function openDirect(): Promise<Target> {
  const upstream = startVendor();
  return {
    url: upstream.url,
    key: vendorKey,
    model: "fake-large",
    behind: null,
    upstream,
    modelFor: () => "fake-large",
    statusFor: (status) => status,
    stop: async () => upstream.stop(),
  };
}

async function openGateway(behind: Behind): Promise<Target> {
  const upstream = startVendor();
  const provider = behind === "openai" ? "oai" : "ant";
  const gateway = await startBinary({ config: gatewayConfig(upstream.url) });
  return {
    url: gateway.url,
    key: gatewayKey,
    model: `${provider}/fake-large`,
    behind,
    upstream,
    modelFor: (fault, stream) => `${provider}-${fault}${stream ? "-stream" : ""}/fake-large`,
    statusFor: (status) => seenThroughGateway[status] ?? status,
    async stop() {
      await gateway.stop();
      upstream.stop();
    },
  };
}

export const targetKinds: readonly TargetKind[] = [
  { name: "direct", open: openDirect },
  { name: "gateway, OpenAI provider", open: () => openGateway("openai") },
  { name: "gateway, Anthropic provider", open: () => openGateway("anthropic") },
];

/** Building the program takes longer than a test may. */
export const openTimeoutMs = 180_000;

/** 1 x 1 pixels, 70 bytes. */
export const tinyPng =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const tinyPngBytes = Buffer.from(tinyPng, "base64").length;

export const weatherSchema = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false,
};

/** Everything that breaks careless string handling, without directives in it. */
export const strangeText =
  'Grüße, 日本語, العربية, 👩‍👩‍👧‍👦 and "quotes" \\ back\\slash\ttab\nnew line é ﷽ 𝔘 <tag> & done';

/** What was thrown. Fails when nothing was. */
export async function thrownBy(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error("Expected the client to throw.");
}
