// The price of one provider's answers: the numbers of the price book, and what the Claude Code program adds to them.

import { isLoopback } from "../../system/proxy.ts";
import { localServers } from "../../backends/http/vendors.ts";
import type { ProviderSettings } from "../../backends/settings.ts";
import type { Usage } from "../../canon/usage.ts";
import { unknownUsage } from "../../canon/usage.ts";
import type { PriceBook, PricedTarget } from "../../catalog/prices.ts";
import { PricedModels } from "../../catalog/priced-target.ts";
import type { ProviderPrice } from "../../pipeline/dependencies.ts";

/** The program's models cost the same as Anthropic's own. */
export const anthropicAddress = "https://api.anthropic.com/v1";

/** The settings by which its models are priced: its own, or for the program those with the address of its vendor. */
export function soldModels(settings: ProviderSettings): ProviderSettings {
  return settings.backend === "claude-cli" ? { ...settings, base_url: anthropicAddress } : settings;
}

/** Tokens that the program sends in addition to the client's. */
const programTokens = 25_000;
/** The most expensive of each family that the program may mean by an unlisted name; the last is the most expensive of all. */
const costliestProgramModels = ["claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-5", "claude-fable-5"];

function costliestProgramModel(name: string): string {
  const isSameFamily = (model: string): boolean => name.toLowerCase().includes(model.split("-")[1] ?? model);
  return costliestProgramModels.find(isSameFamily) ?? "claude-fable-5";
}

/** `modelOf`: the vendor's own id for a name. */
export function createProviderPrice(
  id: string,
  settings: ProviderSettings,
  prices: Pick<PriceBook, "costNow" | "priceOf">,
  modelOf: (model: string) => string,
): ProviderPrice {
  const isProgram = settings.backend === "claude-cli";
  const sold = new PricedModels(soldModels(settings));
  const isFree = settings.backend === "demo" || isLocalServer(id, settings);

  const costAt = (model: string, usage: Usage, atMs: number): number | null => {
    const cost = prices.costNow(sold.of(modelOf(model)), usage, atMs);
    if (cost !== null) return cost;
    if (isFree) return 0;
    return isProgram ? prices.costNow(sold.of(costliestProgramModel(model)), usage, atMs) : null;
  };
  const maxModels = 1_000;
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
      const asked = sold.of(modelOf(model));
      const isKnown = (target: PricedTarget): boolean => prices.priceOf(target, atMs) !== null;
      return prices.costNow(sold.answered(asked, answered, isKnown) ?? asked, usage, atMs);
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

/** LiteLLM also runs locally, but resells paid models. */
const sellers: ReadonlySet<string> = new Set(["litellm"]);

/** A program on this machine that runs models, recognized by its port or its name: it costs nothing. */
function isLocalServer(id: string, { base_url: address }: ProviderSettings): boolean {
  if (address === null || !URL.canParse(address)) return false;
  const { hostname, port } = new URL(address);
  if (!isLoopback(hostname)) return false;
  return localServers.some(
    (row) => !sellers.has(row.id) && (row.id === id || new URL(row.baseUrl).port === port),
  );
}
