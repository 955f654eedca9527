// A provider's settings -> what the price book asks for. Apart from loaded-provider.ts, because the services need it and providers need the services.

import { isLoopback } from "../../backends/http/proxy.ts";
import { localServers } from "../../backends/http/vendors.ts";
import type { ProviderSettings } from "../../backends/settings.ts";
import type { Usage } from "../../canon/usage.ts";
import { unknownUsage } from "../../canon/usage.ts";
import type { PriceBook, PricedTarget } from "../../catalog/prices.ts";
import type { ProviderPrice } from "../../pipeline/dependencies.ts";

/** What the program's models cost is what Anthropic's own do. */
export const anthropicAddress = "https://api.anthropic.com/v1";

/** What the price book must know of one model of one provider. */
export function pricedTarget(settings: ProviderSettings, model: string): PricedTarget {
  // Many upstreams take no account of case: another spelling of a listed model costs what that does.
  const listed =
    settings.models.find((each) => each.id === model) ??
    settings.models.find((each) => each.id.toLowerCase() === model.toLowerCase());
  return {
    model,
    seller: { baseUrl: settings.base_url },
    modelPricing: listed?.pricing,
    providerPricing: settings.pricing,
  };
}

/** Models that one config's provider was priced for; clients can make up any number of names. */
const maxModels = 1_000;

/** `pricedTarget`, once for each pair: the same object again lets the price book know it by itself. */
export function createPricedTargets(): (settings: ProviderSettings, model: string) => PricedTarget {
  // By the settings object, so that what an old config priced goes with it.
  const known = new WeakMap<ProviderSettings, Map<string, PricedTarget>>();
  return (settings, model) => {
    let targets = known.get(settings);
    if (targets === undefined) known.set(settings, (targets = new Map()));
    let target = targets.get(model);
    if (target === undefined) {
      if (targets.size >= maxModels) targets.clear();
      targets.set(model, (target = pricedTarget(settings, model)));
    }
    return target;
  };
}

/** What distinguishes names of the same model: the vendor's or seller's prefix, a date or a revision, a variant of the seller's. */
function family(model: string): string {
  return model
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/[:@].*$/, "")
    .replace(/\[1m\]$/, "")
    .replaceAll("_", "-")
    .replace(/-(?:\d{4}-?\d{2}-?\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|\d{4}|\d{3}|latest|exp|preview)(?:-v\d+)?$/, "")
    .replaceAll(".", "-");
}

/**
 * The model that a price is asked for: the one that answered, where the upstream names another than it was asked for and its
 * price is known. A dated name of the same model, and a name that nobody knows, keep the price of the model that was asked.
 * `isKnown` null: the price table is not loaded; then the answer is null where it is needed.
 */
export function answeredTarget<Settings extends Pick<ProviderSettings, "models">>(
  asked: PricedTarget,
  settings: Settings,
  answered: string | null,
  targetOf: (settings: Settings, model: string) => PricedTarget,
  isKnown: ((target: PricedTarget) => boolean) | null,
): PricedTarget | null {
  if (answered === null || answered === asked.model) return asked;
  if (settings.models.some(({ id }) => id === answered)) return targetOf(settings, answered);
  // The seller's name for a listed one: `cheap` may be told as `vendor/cheap`, `cheap` as `cheap-2026-01-31`.
  const kind = family(answered);
  if (kind === family(asked.model)) return asked;
  const sameFamily = settings.models.find(({ id }) => family(id) === kind);
  if (sameFamily !== undefined) return targetOf(settings, sameFamily.id);
  // A price of the whole provider's is the asked model's too.
  const target = targetOf(settings, answered);
  if (target.providerPricing)
    return target.providerPricing === asked.providerPricing && !asked.modelPricing ? asked : target;
  if (isKnown === null) return null;
  // Who has written a price for a name of his own that no table knows (a deployment, a group) has written what it costs,
  // whatever stands behind it.
  const isOwnName = asked.modelPricing && !isKnown({ ...asked, modelPricing: null, providerPricing: null });
  return isOwnName || !isKnown(target) ? asked : target;
}

/** What the program sends beside the client's words, and what it asks its model besides. */
const programTokens = 25_000;
/** The dearest of each family that the program may mean by a name that no list knows; the dearest of all is the last one. */
const dearestProgramModels = ["claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-5", "claude-fable-5"];

function dearestProgramModel(name: string): string {
  const isSameFamily = (model: string): boolean => name.toLowerCase().includes(model.split("-")[1] ?? model);
  return dearestProgramModels.find(isSameFamily) ?? "claude-fable-5";
}

/** `modelOf`: the vendor's own id behind a name. */
export function createProviderPrice(
  id: string,
  settings: ProviderSettings,
  prices: Pick<PriceBook, "costNow" | "priceOf">,
  modelOf: (model: string) => string,
): ProviderPrice {
  const known = createPricedTargets();
  const sold = { ...settings, base_url: anthropicAddress };
  const isProgram = settings.backend === "claude-cli";
  const isFree = settings.backend === "demo" || isLocalServer(id, settings);

  const targetOf = (model: string): PricedTarget => known(isProgram ? sold : settings, model);
  const costAt = (model: string, usage: Usage, atMs: number): number | null => {
    const cost = prices.costNow(targetOf(modelOf(model)), usage, atMs);
    if (cost !== null) return cost;
    if (isFree) return 0;
    return isProgram ? prices.costNow(targetOf(dearestProgramModel(model)), usage, atMs) : null;
  };
  const beyond = new Map<string, number>();
  return {
    noteExceeded(model, output) {
      if (beyond.size >= maxModels) beyond.clear();
      beyond.set(model, Math.max(output, beyond.get(model) ?? 0));
    },
    longestExceeding: (model) => beyond.get(model) ?? null,
    costOf(answered, model, usage, atMs) {
      if (answered === null || answered === model || isFree) return costAt(model, usage, atMs);
      if (isProgram) return costAt(answered, usage, atMs);
      const asked = targetOf(modelOf(model));
      const isKnown = (target: PricedTarget): boolean => prices.priceOf(target, atMs) !== null;
      return prices.costNow(answeredTarget(asked, settings, answered, known, isKnown) ?? asked, usage, atMs);
    },
    maxCostOf(model, input, output, atMs) {
      const read = isProgram ? input + programTokens : input;
      let most: number | null = null;
      for (const isWritten of [false, true])
        for (const isThought of [false, true]) {
          const cost = costAt(
            model,
            {
              ...unknownUsage,
              input: read,
              inputUncached: isWritten ? 0 : read,
              inputCacheWrite: isWritten ? read : 0,
              output,
              outputReasoning: isThought ? output : 0,
            },
            atMs,
          );
          if (cost === null) return null;
          most = Math.max(most ?? 0, cost);
        }
      return most;
    },
  };
}

/** LiteLLM runs here as well, and sells what others sell. */
const sellers: ReadonlySet<string> = new Set(["litellm"]);

/** A program on this machine that runs models, at its own port or under its own name: it asks for no money. */
function isLocalServer(id: string, { base_url: address }: ProviderSettings): boolean {
  if (address === null || !URL.canParse(address)) return false;
  const { hostname, port } = new URL(address);
  if (!isLoopback(hostname)) return false;
  return localServers.some(
    (row) => !sellers.has(row.id) && (row.id === id || new URL(row.baseUrl).port === port),
  );
}
