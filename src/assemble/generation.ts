// Everything that follows from one config: providers, router, keys, lists. Built whole and swapped whole.

import { dialects } from "../dialects/table.ts";
import type { ModelCard } from "../dialects/dialect.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { type Access, createAccess } from "../pipeline/access.ts";
import type { Generation } from "../pipeline/generation.ts";
import { claudeNameOf } from "../routing/claude-names.ts";
import type { HostRules } from "../server/face.ts";
import type { HouseEstate } from "./estate.ts";
import { askProvider } from "./own-request.ts";
import { cliCards, cliPlanOf } from "./cli-plan.ts";
import { createProvider } from "./providers.ts";
import { adjustMeters, keyDirectory, policiesOf } from "./tenant-policies.ts";
import { createRouting } from "./routing.ts";
import { uploadRules } from "./upload-rules.ts";

/** A generation and what the HTTP face needs of the same config. */
export type Assembled = {
  readonly loaded: LoadedConfig;
  readonly road: Generation;
  readonly access: Access;
  readonly rules: HostRules;
  /** As they are now: the CLI may have said more meanwhile. */
  cards(): readonly ModelCard[];
  /** `auto` and aliases once more, under ids that Claude Code shows; those of them that mean nothing else here. */
  claudeCards(): readonly ModelCard[];
};

/** Who counts the requests of a generation, so that it can be let go. */
export type Occupancy = Pick<Generation, "enter" | "leave">;

/** For a house that never reloads. */
const unwatched: Occupancy = { enter: () => undefined, leave: () => undefined };

export function assembleGeneration(
  loaded: LoadedConfig,
  estate: HouseEstate,
  stateToken: string | null,
  occupancy: Occupancy = unwatched,
): Assembled {
  const { config } = loaded;
  const providers = new Map(
    Object.entries(config.providers).map(([id, settings]) => [
      id,
      createProvider(id, settings, config, loaded.environment, estate),
    ]),
  );
  const road: Generation = {
    ...occupancy,
    providers,
    dialects,
    router: createRouting(loaded, providers, estate, (prompt, asking) =>
      askProvider(road, estate, config.llm_classifier.classifier_provider ?? "", prompt, asking),
    ),
    tenants: policiesOf(config, estate, () => road.router),
    streaming: config.streaming,
    uploads: uploadRules(config.server),
    requestTimeoutMs: config.server.request_timeout_s * 1000,
    retryWaitMs: config.queue.wait_s * 1000,
    hedgeAfterMs: config.routing.hedge_after_s * 1000,
    setsCacheMarks: config.prompt_caching.stabilize_prefix,
  };
  const access = createAccess({
    directory: keyDirectory(config, estate, stateToken),
    guesses: estate.guesses,
    trustedProxies: config.server.trusted_proxies,
  });
  // Last: what cannot be built must not change what is in use.
  adjustMeters(config, estate.meters);
  for (const { id, credentials, backend } of providers.values()) {
    estate.health.enrol(id, credentials);
    const plan = cliPlanOf(id, loaded, estate.stateDirectory, backend.targetFacts);
    if (plan !== null) estate.clis.follow(id, plan);
  }
  return {
    loaded,
    road,
    access,
    rules: {
      bindHost: config.server.host,
      allowedHosts: config.server.allowed_hosts,
      allowedOrigins: config.server.allowed_origins,
      bodyLimitBytes: road.uploads.limitBytes,
    },
    cards: () => cardsOf(loaded, road, estate),
    claudeCards: () => claudeCardsOf(cardsOf(loaded, road, estate), config, road),
  };
}

function claudeCardsOf(cards: readonly ModelCard[], config: Config, { router }: Generation): ModelCard[] {
  return cards.flatMap((card) => {
    const isOurs = card.id === "auto" || Object.hasOwn(config.aliases, card.id);
    const id = isOurs ? claudeNameOf(card.id) : null;
    return id !== null && router.plainName(id) === card.id ? [{ ...card, id }] : [];
  });
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
      contextWindow: model === undefined ? null : (provider?.modelFacts(model[1]).contextWindow ?? null),
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
    ...cliCards(config, estate.clis).map(([id, owner, model]) => card(id, owner, null, [owner, model])),
    ...Object.entries(config.aliases).flatMap(([name, to]) =>
      name.includes("*") ? [] : [card(name, "clawgate", `alias of ${to}`)],
    ),
  ];
}
