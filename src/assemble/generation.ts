// Everything that follows from one config: providers, router, keys, lists. Built whole and swapped whole.

import { dialects } from "../dialects/table.ts";
import type { ModelCard } from "../dialects/dialect.ts";
import type { LoadedConfig } from "../config/load.ts";
import { type Access, createAccess } from "../pipeline/access.ts";
import type { Generation } from "../pipeline/generation.ts";
import { createRouter } from "../routing/router.ts";
import type { HostRules } from "../server/face.ts";
import { createDirectory } from "../tenants/directory.ts";
import type { HouseEstate } from "./estate.ts";
import { createProvider } from "./providers.ts";

/** A generation and what the HTTP face needs of the same config. */
export type Assembled = {
  readonly loaded: LoadedConfig;
  readonly road: Generation;
  readonly access: Access;
  readonly rules: HostRules;
  readonly cards: readonly ModelCard[];
};

export function assembleGeneration(
  loaded: LoadedConfig,
  estate: HouseEstate,
  stateToken: string | null,
): Assembled {
  const { config } = loaded;
  const providers = new Map(
    Object.entries(config.providers).map(([id, settings]) => [
      id,
      createProvider(id, settings, config, loaded.environment, estate),
    ]),
  );
  const routed = Object.entries(config.providers).map(([id, { model, models }]) => ({
    id,
    model,
    models: models.map((each) => each.id),
  }));
  const road: Generation = {
    providers,
    dialects,
    router: createRouter({
      providers: routed,
      skipped: Object.fromEntries(loaded.skippedProviders.map(({ id, reason }) => [id, reason])),
      aliases: config.aliases,
      fallbackChain: config.fallback_chain,
      defaultModel: config.default_model ?? (config.routing.unknown_model === "auto" ? "auto" : null),
      withoutFallback: new Set(
        Object.entries(config.providers).flatMap(([id, each]) => (each.fallback ? [] : [id])),
      ),
    }),
    streaming: config.streaming,
    bodyLimitBytes: Math.floor(config.server.body_limit_mb * 1024 * 1024),
    requestTimeoutMs: config.server.request_timeout_s * 1000,
    retryWaitMs: config.queue.wait_s * 1000,
    setsCacheMarks: config.prompt_caching.stabilize_prefix,
  };
  return {
    loaded,
    road,
    access: createAccess({
      directory: createDirectory({
        keys: [...config.auth.keys, ...config.tenants.map((tenant) => tenant.api_key)],
        adminKey: config.auth.admin_key ?? null,
        stateToken,
      }),
      guesses: estate.guesses,
      trustedProxies: config.server.trusted_proxies,
    }),
    rules: {
      bindHost: config.server.host,
      allowedHosts: config.server.allowed_hosts,
      allowedOrigins: config.server.allowed_origins,
      bodyLimitBytes: road.bodyLimitBytes,
    },
    cards: cardsOf(loaded, road, estate),
  };
}

function cardsOf(loaded: LoadedConfig, road: Generation, estate: HouseEstate): ModelCard[] {
  const { config } = loaded;
  const card = (
    id: string,
    ownedBy: string,
    description: string | null,
    model?: [string, string],
  ): ModelCard => {
    const provider = model === undefined ? undefined : road.providers.get(model[0]);
    return {
      id,
      created: estate.startedAtSeconds,
      ownedBy,
      description,
      contextWindow: model === undefined ? null : (provider?.contextWindow(model[1]) ?? null),
      maxOutput: model === undefined ? null : (provider?.backend.targetFacts(model[1]).maxOutput ?? null),
    };
  };
  const entries = Object.entries(config.providers);
  return [
    card("auto", "clawgate", "chosen by ClawGate for each request"),
    ...entries.map(([id, { model, tier, backend }]) =>
      card(id, backend, tier === undefined ? model : `${model} (${tier})`, [id, model]),
    ),
    ...entries.flatMap(([id, { models }]) =>
      models.map((each) => card(`${id}/${each.id}`, id, each.name ?? null, [id, each.id])),
    ),
    ...Object.entries(config.aliases).flatMap(([name, to]) =>
      name.includes("*") ? [] : [card(name, "clawgate", `alias of ${to}`)],
    ),
  ];
}
