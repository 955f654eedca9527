// The config of the gateway in client tests: one fake vendor behind a provider of each format, and one provider for each fault, so
// that the effect of a fault on a provider's health never reaches the other checks.

export const gatewayKey = "clawgate-test-key-0123456789";
export const vendorKey = "test-key";

/** Faults (mode names of the fake vendor) with their own providers: `oai-429`, `oai-429-stream`, `ant-429`, … */
export const isolatedFaults = ["400", "401", "429", "500", "503", "cut", "reset", "error-mid"] as const;
export type IsolatedFault = (typeof isolatedFaults)[number];

/** Provider names of the formats that clients are tested with, and the backend of each. */
const backends = {
  oai: "openai-compat",
  ant: "anthropic",
  rsp: "openai-responses",
  goo: "google-genai",
} as const;
export type ProviderName = keyof typeof backends;

type Provider = Readonly<Record<string, unknown>>;

export function gatewayConfig(vendorUrl: string, more: Readonly<Record<string, unknown>> = {}): object {
  const providers: Record<string, Provider> = {};
  for (const [name, backend] of Object.entries(backends)) {
    const models = ["fake-large", "fake-small", "org/fake-slash"];
    const provider: Provider = { backend, base_url: vendorUrl, api_key: vendorKey, models };
    providers[name] = provider;
    for (const fault of isolatedFaults)
      for (const kind of [fault, `${fault}-stream`])
        providers[`${name}-${kind}`] = { ...provider, fallback: false };
  }
  return {
    server: { log_level: "warn" },
    auth: { keys: [gatewayKey] },
    providers,
    aliases: { "test-openai": "oai/fake-large", "test-anthropic": "ant/fake-large" },
    fallback_chain: ["oai", "ant"],
    ...more,
  };
}
