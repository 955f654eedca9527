// Everything that follows from one config: providers, router, keys, lists. It is built as a whole and replaced as a whole.

import { clientSignInIds } from "../config/client-sign-in.ts";
import { dialects } from "../dialects/dialect-table.ts";
import type { ModelCard } from "../dialects/dialect.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { type Access, createAccess } from "../pipeline/access.ts";
import { databaseFiles } from "../metrics/database-files.ts";
import type { PipelineSnapshot, Services } from "../pipeline/dependencies.ts";
import { type OtherKind, otherKindOf } from "../catalog/model-kinds.ts";
import { claudeNameOf } from "../routing/claude-names.ts";
import type { HostRules } from "../server/server-port.ts";
import type { AppServices } from "./app-services.ts";
import { askProvider } from "../pipeline/internal-request.ts";
import { claudeModelCards, programPlanOf } from "../backends/claude-code/program-plan.ts";
import { createLoadedProvider, type ProviderServices } from "./providers/loaded-provider.ts";
import { adjustMeters, keyDirectory, policiesOf } from "./tenants/tenant-policies.ts";
import { createConfigRouter, type RouterServices } from "./config-router.ts";
import { uploadRules } from "./upload-rules.ts";

/** What the pipeline and the server need of one config. */
export type ConfigSnapshot = {
  readonly loaded: LoadedConfig;
  readonly pipeline: PipelineSnapshot;
  readonly access: Access;
  readonly rules: HostRules;
  /** The current ones: the CLI may have reported more models since the start. */
  cards(): readonly ModelCard[];
  /** `auto` and aliases again, under ids that Claude Code shows; only those ids that mean nothing else here. */
  claudeCards(): readonly ModelCard[];
};

/** Counts the requests of a snapshot, so that it is released with the last one. */
export type RequestCounter = Pick<PipelineSnapshot, "enter" | "leave">;

/** For an app that never reloads. */
const uncounted: RequestCounter = { enter: () => undefined, leave: () => undefined };

export type SnapshotServices = Services &
  ProviderServices &
  RouterServices &
  Pick<AppServices, "guessLimiter" | "operatorSessions" | "meters" | "stateDirectory" | "startedAtSeconds">;

export function createConfigSnapshot(
  loaded: LoadedConfig,
  services: SnapshotServices,
  stateToken: string | null,
  counter: RequestCounter = uncounted,
): ConfigSnapshot {
  const { config } = loaded;
  const providers = new Map(
    Object.entries(config.providers).map(([id, settings]) => [
      id,
      createLoadedProvider({ id, settings, config, environment: loaded.environment }, services),
    ]),
  );
  const directory = keyDirectory(config, services, stateToken);
  const pipeline: PipelineSnapshot = {
    ...counter,
    providers,
    hasClientKeys: directory.hasKeys,
    hasOneCaller: hasOneCaller(config),
    dialects,
    router: createConfigRouter(loaded, providers, services, (prompt, asking) =>
      askProvider(pipeline, services, {
        name: config.llm_classifier.classifier_provider ?? "",
        prompt,
        asking,
      }),
    ),
    tenants: policiesOf(config, services, () => pipeline.router),
    streaming: config.streaming,
    uploads: uploadRules(config.server),
    requestTimeoutMs: config.server.request_timeout_s * 1000,
    retryWaitMs: config.queue.wait_s * 1000,
    hedgeAfterMs: config.routing.hedge_after_s * 1000,
    setsCacheMarks: config.prompt_caching.stabilize_prefix,
  };
  const access = createAccess({
    directory,
    guessLimiter: services.guessLimiter,
    trustedProxies: config.server.trusted_proxies,
    sessions: services.operatorSessions,
    leavesBearer: clientSignInIds(config).length > 0,
  });
  // Last: a snapshot that cannot be built must not change what is in use.
  adjustMeters(config, services.meters);
  const gatewayFiles = {
    stateDirectory: services.stateDirectory,
    databaseFiles: databaseFiles(loaded.environment, config.metrics.db_path ?? null),
  };
  for (const { id, credentials, backend } of providers.values()) {
    services.health.register(id, credentials);
    const plan = programPlanOf(id, loaded, gatewayFiles, backend.targetFacts);
    if (plan !== null) services.claudePrograms.follow(id, plan);
  }
  return {
    loaded,
    pipeline,
    access,
    rules: {
      bindHost: config.server.host,
      allowedHosts: config.server.allowed_hosts,
      allowedOrigins: config.server.allowed_origins,
      bodyLimitBytes: pipeline.uploads.limitBytes,
    },
    cards: () => cardsOf(loaded, pipeline, services),
    claudeCards: () => claudeCardsOf(cardsOf(loaded, pipeline, services), config, pipeline),
  };
}

/** Keys without a tenant are one more caller than the tenants. */
const hasOneCaller = ({ tenants, auth }: Config): boolean =>
  tenants.length + (tenants.length > 0 && auth.keys.length + auth.clients.length > 0 ? 1 : 0) <= 1;

function claudeCardsOf(
  cards: readonly ModelCard[],
  config: Config,
  { router }: PipelineSnapshot,
): ModelCard[] {
  return cards.flatMap((card) => {
    const isOurs = card.id === "auto" || Object.hasOwn(config.aliases, card.id);
    const id = isOurs ? claudeNameOf(card.id) : null;
    return id !== null && router.configName(id) === card.id ? [{ ...card, id }] : [];
  });
}

/** `model` undefined: `auto` or an alias. */
function otherKindAt(
  { router, providers }: PipelineSnapshot,
  id: string,
  model: readonly [string, string] | undefined,
): OtherKind | null {
  const target = model === undefined && !router.isAuto(id) ? router.targetOf(id) : null;
  const [provider, name] = model ?? [target?.provider, target?.model];
  const facts =
    provider === undefined || name === undefined ? undefined : providers.get(provider)?.modelFacts(name);
  return facts === undefined || name === undefined ? null : otherKindOf(name, facts);
}

function cardsOf(
  loaded: LoadedConfig,
  pipeline: PipelineSnapshot,
  services: Pick<AppServices, "startedAtSeconds" | "claudePrograms">,
): ModelCard[] {
  const { config } = loaded;
  const card = (
    id: string,
    ownedBy: string,
    description: string | null,
    model?: [string, string],
  ): ModelCard => {
    const provider = model === undefined ? undefined : pipeline.providers.get(model[0]);
    const otherKind = otherKindAt(pipeline, id, model);
    return {
      id,
      created: services.startedAtSeconds,
      ownedBy,
      description,
      contextWindow: model === undefined ? null : (provider?.modelFacts(model[1]).contextWindow ?? null),
      maxOutput: model === undefined ? null : (provider?.backend.targetFacts(model[1]).maxOutput ?? null),
      ...(otherKind === null ? {} : { otherKind }),
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
    ...claudeModelCards(config, services.claudePrograms).map(([id, owner, model]) =>
      card(id, owner, null, [owner, model]),
    ),
    ...Object.entries(config.aliases).flatMap(([name, to]) =>
      name.includes("*") ? [] : [card(name, "clawgate", `alias of ${to}`)],
    ),
  ];
}
