// One provider of the config -> a Provider of the road: its backend, signer, limits, queue and what is known of its models.

import { dialects } from "../dialects/table.ts";
import type { DialectName } from "../canon/request.ts";
import { createDemoBackend } from "../backends/demo/backend.ts";
import type { Backend } from "../backends/backend.ts";
import { keySigner, noSigner, type Signer, tokenOfText, tokenSigner } from "../backends/http/auth.ts";
import { createHttpBackend } from "../backends/http/backend.ts";
import { proxyFor, readProxyVariables } from "../backends/http/proxy.ts";
import { quirks } from "../backends/http/quirks.ts";
import { quirksAt } from "../backends/http/vendors.ts";
import type { BackendName, ProviderSettings } from "../backends/settings.ts";
import { maxOutputOf, modelCard } from "../catalog/models.ts";
import type { Config } from "../config/schema.ts";
import type { TargetFacts } from "../dialects/dialect.ts";
import type { Provider } from "../pipeline/generation.ts";
import { readTextIfExists } from "../system/files.ts";
import { userAgent } from "../system/identity.ts";
import { childEnvironment, runCommand } from "../system/process.ts";
import { createQueue } from "../tenants/queue.ts";
import type { HouseEstate } from "./estate.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const dialectOfBackend: Partial<Record<BackendName, DialectName>> = {
  "openai-compat": "openai-chat",
  anthropic: "anthropic-messages",
};

/** Backends that this build can drive. */
export const availableBackends: ReadonlySet<BackendName> = new Set(["openai-compat", "anthropic", "demo"]);

const tokensWhenNothingIsKnown = 8_192;
const tokenCommandMs = 10_000;

export function createProvider(
  id: string,
  settings: ProviderSettings,
  config: Config,
  environment: Environment,
  estate: HouseEstate,
): Provider {
  const { clock } = estate;
  const listed = new Map(settings.models.map((model) => [model.id, model]));
  const seller = { baseUrl: settings.base_url };
  const targetFacts = (model: string): TargetFacts => {
    const maxOutput =
      listed.get(model)?.max_output ?? (settings.backend === "anthropic" ? maxOutputOf(model) : null);
    return {
      model,
      maxOutput,
      defaultMaxTokens: settings.max_tokens ?? maxOutput ?? tokensWhenNothingIsKnown,
    };
  };
  const names = settings.base_url === null ? [] : quirksAt(settings.base_url);
  return {
    id,
    backend: backendOf(id, settings, targetFacts, environment, estate),
    limits: {
      firstTokenMs: settings.timeout.first_token_s * 1000,
      idleMs: settings.timeout.idle_s * 1000,
      totalMs: settings.timeout.total_s === undefined ? null : settings.timeout.total_s * 1000,
    },
    queue: createQueue({
      limit: settings.max_concurrent ?? null,
      depth: config.queue.depth,
      waitMs: config.queue.wait_s * 1000,
      monotonicMs: clock.monotonicMs,
      setTimer: clock.setTimer,
    }),
    relayBlockers: names.flatMap((name) => quirks[name].touches),
    contextWindow: (model) =>
      listed.get(model)?.context_window ??
      modelCard(estate.prices.table(), seller, model)?.contextWindow ??
      null,
  };
}

function backendOf(
  id: string,
  settings: ProviderSettings,
  targetFacts: (model: string) => TargetFacts,
  environment: Environment,
  estate: HouseEstate,
): Backend {
  const name = dialectOfBackend[settings.backend];
  if (name === undefined || settings.base_url === null) {
    return { ...createDemoBackend({ clock: estate.clock }), provider: id };
  }
  return createHttpBackend({
    provider: id,
    dialect: dialects[name],
    baseUrl: settings.base_url,
    // Without a version Anthropic refuses; a client's own version goes before this one.
    defaultHeaders: name === "anthropic-messages" ? { "anthropic-version": "2023-06-01" } : {},
    headers: settings.headers,
    signer: signerOf(settings, name, environment, estate.clock.nowMs),
    quirks: quirksAt(settings.base_url),
    proxy: proxyFor(new URL(settings.base_url), settings.proxy ?? null, readProxyVariables(environment)),
    connectMs: settings.timeout.connect_s * 1000,
    userAgent,
    targetFacts,
    fetch: estate.fetch,
    reach: estate.reach,
    nowMs: estate.clock.nowMs,
    setTimer: estate.clock.setTimer,
    redact: estate.redact,
  });
}

function signerOf(
  settings: ProviderSettings,
  dialect: DialectName,
  environment: Environment,
  nowMs: () => number,
): Signer {
  const { auth } = settings;
  if (auth === "api_key") {
    if (settings.api_key === undefined) return noSigner();
    return keySigner(settings.api_key, dialect === "anthropic-messages" ? "x-api-key" : "bearer");
  }
  switch (auth.type) {
    case "bearer-env":
      return tokenSigner(() => Promise.resolve(environment[auth.variable] ?? ""), nowMs);
    case "bearer-file":
      return tokenSigner(
        async () => tokenOfText((await readTextIfExists(auth.path)) ?? "", auth.pointer ?? null),
        nowMs,
      );
    case "bearer-command":
      return tokenSigner(async () => {
        const result = await runCommand(auth.command, {
          timeoutMs: tokenCommandMs,
          env: childEnvironment(environment, {}),
        });
        if (result.code !== 0) throw new Error(`the token command ended with ${result.code ?? "a signal"}`);
        return result.stdout;
      }, nowMs);
  }
}
