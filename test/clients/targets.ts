// Where a client suite is pointed: at the fake vendor itself, and at the gateway with each kind of provider behind it.
// A suite must pass unchanged on all of them: the direct run proves the suite, the others prove the gateway.

import { startBinary } from "../support/binary.ts";
import { gatewayConfig, gatewayKey, vendorKey } from "../support/gateway-config.ts";
import type { IsolatedFault, ProviderName } from "../support/gateway-config.ts";
import { startUpstream } from "../support/upstream.ts";
import type { Recorded, Upstream } from "../support/upstream.ts";
import { googleCallOf } from "../support/upstream/turn-google.ts";

export type VendorFormat = "openai" | "anthropic" | "responses" | "google";

export type Target = {
  /** Without /v1. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  /** The same model under a name that clients know and treat in their own way. */
  readonly famousModel: string;
  /** Whose format the provider speaks; null when there is no gateway in between. */
  readonly vendorFormat: VendorFormat | null;
  readonly upstream: Upstream;
  /** The model to ask for when the prompt will make the vendor misbehave. */
  modelFor(fault: IsolatedFault, stream: boolean): string;
  /** The status that a client must see for the vendor's status. */
  statusFor(vendorStatus: number, endpoint?: "messages"): number;
  stop(): Promise<void>;
};

export type TargetKind = { readonly name: string; open(): Promise<Target> };

// A fault of the vendor's is never the client's 401 or 500.
const seenThroughGateway: Readonly<Record<number, number>> = { 401: 502, 403: 502, 500: 502, 529: 503 };

const providerOf: Readonly<Record<VendorFormat, ProviderName>> = {
  openai: "oai",
  anthropic: "ant",
  responses: "rsp",
  google: "goo",
};

const famousModel = "gpt-5.5";

function startVendor(): Upstream {
  return startUpstream({ strict: true, keys: [vendorKey] });
}

async function openDirect(): Promise<Target> {
  const upstream = startVendor();
  return {
    url: upstream.url,
    key: vendorKey,
    model: "fake-large",
    famousModel,
    vendorFormat: null,
    upstream,
    modelFor: () => "fake-large",
    statusFor: (status) => status,
    stop: async () => upstream.stop(),
  };
}

async function openGateway(vendorFormat: VendorFormat): Promise<Target> {
  const upstream = startVendor();
  const provider = providerOf[vendorFormat];
  const aliases = { [famousModel]: `${provider}/fake-large` };
  const gateway = await startBinary({ config: gatewayConfig(upstream.url, { aliases }) });
  return {
    url: gateway.url,
    key: gatewayKey,
    model: `${provider}/fake-large`,
    famousModel,
    vendorFormat,
    upstream,
    modelFor: (fault, stream) => `${provider}-${fault}${stream ? "-stream" : ""}/fake-large`,
    statusFor: (status, endpoint) =>
      endpoint === "messages" && (status === 503 || status === 529)
        ? 529
        : (seenThroughGateway[status] ?? status),
    async stop() {
      await gateway.stop();
      upstream.stop();
    },
  };
}

/** Responses knows no stop sequences. */
export const canStopAtWords = (behind: VendorFormat | null): boolean => behind !== "responses";

export const targetKinds: readonly TargetKind[] = [
  { name: "direct", open: openDirect },
  { name: "gateway, OpenAI provider", open: () => openGateway("openai") },
  { name: "gateway, Anthropic provider", open: () => openGateway("anthropic") },
  { name: "gateway, Responses provider", open: () => openGateway("responses") },
  { name: "gateway, Gemini provider", open: () => openGateway("google") },
];

/** Building the program takes longer than a test may. */
export const openTimeoutMs = 180_000;

/** The least that every vendor takes as a token limit, and what is then left of the prompt `[[long:50]]`. */
export const leastTokens = 16;
export const leastWords = Array.from({ length: leastTokens }, (_, index) => `word${index + 1}`).join(" ");

/** The model that the vendor was asked for: in the body, or in Gemini's path. */
export function modelAsked(request: Recorded): unknown {
  return request.body["model"] ?? googleCallOf(request.path)?.model;
}

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
