// The models of one config as they are described to OpenClaw: every name of the model list with what the catalogue, the prices and
// the operator's settings say of it. It must never offer a tenant what it may not use.

import type { Target } from "../canon/decision.ts";
import {
  type Abilities,
  leastOf,
  type ModelOffer,
  type OfferedFormat,
  type OfferedPrice,
} from "../canon/model-offer.ts";
import type { BackendName } from "../backends/settings.ts";
import { listedPrice } from "../catalog/model-capabilities.ts";
import { maxOutputOf } from "../catalog/model-cards.ts";
import { pricedTarget } from "../catalog/priced-target.ts";
import type { Config } from "../config/schema.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";
import { soldModels } from "./providers/provider-price.ts";
import { visibleNames } from "./tenants/tenant-policies.ts";

export type OfferServices = Pick<AppServices, "prices" | "clock">;
type OfferSnapshot = Pick<ConfigSnapshot, "loaded" | "pipeline" | "cards">;

const formatOfBackend: Partial<Record<BackendName, OfferedFormat>> = {
  anthropic: "anthropic",
  "google-genai": "google",
};

/** `tenant` null: everything. In the order of the model list. */
export async function modelOffers(
  snapshot: OfferSnapshot,
  services: OfferServices,
  tenant: string | null,
): Promise<readonly ModelOffer[]> {
  await services.prices.load();
  const { config } = snapshot.loaded;
  const { router } = snapshot.pipeline;
  const mayUse = visibleNames(snapshot.pipeline, tenant);
  const known = new Map<string, Abilities>();
  const abilitiesOf = (target: Target): Abilities => {
    const key = JSON.stringify([target.provider, target.model]);
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = targetAbilities(snapshot, services, target)));
    return found;
  };
  const automatic = leastOf(automaticTargets(snapshot, tenant).map(abilitiesOf));
  // What makes embeddings or pictures would fail with the first message.
  const names = new Set(
    snapshot.cards().flatMap(({ id, otherKind }) => (otherKind === undefined ? [id] : [])),
  );
  return [...names].filter(mayUse).flatMap((id): ModelOffer[] => {
    const target = router.isAuto(id) ? null : router.targetOf(id);
    // Its callers sign in themselves, and only Claude Code can.
    if (target !== null && config.providers[target.provider]?.auth === "client") return [];
    const backend = target === null ? undefined : config.providers[target.provider]?.backend;
    return [
      {
        id,
        name: shownName(config, id),
        format: (backend === undefined ? undefined : formatOfBackend[backend]) ?? "openai",
        ...(target === null ? automatic : abilitiesOf(target)),
      },
    ];
  });
}

function shownName({ providers }: Config, id: string): string {
  if (id === "auto") return "ClawGate auto";
  const slash = id.indexOf("/");
  const listed = providers[id.slice(0, slash)]?.models.find((each) => each.id === id.slice(slash + 1));
  return listed?.name ?? id;
}

/** Every target that routing may choose by itself. */
function automaticTargets({ loaded, pipeline }: OfferSnapshot, tenant: string | null): readonly Target[] {
  const { tenants, static_rules: fixed, heuristic_rules: guessed, fallback_chain: chain } = loaded.config;
  const pinned = tenants.find(({ name }) => name === tenant)?.provider;
  const ruled = [fixed, guessed].flatMap((layer) =>
    layer.enabled ? layer.rules.map((rule) => rule.route_to) : [],
  );
  const names = pinned === undefined ? [...chain, ...ruled] : [pinned];
  return names.flatMap((name) => pipeline.router.targetOf(name) ?? []);
}

function targetAbilities(
  { loaded, pipeline }: OfferSnapshot,
  services: OfferServices,
  { provider, model }: Target,
): Abilities {
  const facts = pipeline.providers.get(provider)?.modelFacts(model);
  return {
    contextWindow: facts?.contextWindow ?? null,
    maxOutput: facts?.maxOutput ?? maxOutputOf(model),
    tools: facts?.tools ?? null,
    vision: facts?.vision ?? null,
    json: facts?.json ?? null,
    thinking: facts?.thinking ?? null,
    price: priceOf(loaded.config, pipeline, services, { provider, model }),
  };
}

const free: OfferedPrice = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

function priceOf(
  config: Config,
  pipeline: OfferSnapshot["pipeline"],
  { prices, clock }: OfferServices,
  { provider, model }: Target,
): OfferedPrice | null {
  const settings = config.providers[provider];
  if (settings === undefined) return null;
  const now = clock.nowMs();
  const target = pricedTarget(soldModels(settings), model);
  const price = prices.priceOf(target, now);
  if (price !== null)
    return {
      input: price.inputUsdPerMillion,
      output: price.outputUsdPerMillion,
      cacheRead: price.cacheReadUsdPerMillion,
      cacheWrite: price.cacheWriteUsdPerMillion,
    };
  const listed = listedPrice(target.seller, model);
  if (listed !== null) return listed;
  // A program on this machine that runs models.
  return pipeline.providers.get(provider)?.price.maxCostOf(model, 1, 1, now) === 0 ? free : null;
}
