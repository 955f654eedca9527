// Warnings about tenants with a budget in dollars: models without a known price, and an over_budget_model that also costs money.
// One line per tenant at the start and at a reload; it must never stop either.

import type { Config } from "../../config/schema.ts";
import type { PipelineSnapshot } from "../../pipeline/dependencies.ts";
import type { AppServices } from "../app-services.ts";
import { countsMoney, refusesUnpriced } from "./tenant-policies.ts";

const maxNames = 20;
/** Any token count shows whether there is a price. */
const someTokens = 1_000;

/** Resolves when the prices are loaded and the warnings logged. Never rejects. */
export async function warnOfUnpricedModels(
  config: Config,
  pipeline: PipelineSnapshot,
  services: Pick<AppServices, "prices" | "clock" | "log">,
): Promise<void> {
  const counting = config.tenants.filter(({ limits }) => countsMoney(limits));
  if (counting.length === 0) return;
  await services.prices.load();
  const now = services.clock.nowMs();
  const costAt = (provider: string, model: string): number | null | undefined =>
    pipeline.providers.get(provider)?.price.maxCostOf(model, someTokens, someTokens, now);
  const unpriced = Object.entries(config.providers).flatMap(([id, { model, models }]) =>
    [...new Set([model, ...models.map((each) => each.id)])].flatMap((name) =>
      costAt(id, name) === null ? [{ provider: id, model: name }] : [],
    ),
  );
  for (const { name, limits } of counting) {
    const grant = pipeline.tenants.get(name)?.models ?? null;
    const concerned = unpriced.filter((target) => grant === null || grant.allowsTarget(target));
    const treatment = refusesUnpriced(limits) ? "refused" : "counted as free";
    if (concerned.length > 0)
      services.log.warn(
        `tenant ${name} has a budget in dollars; models without a known price are ${treatment} (limits.unknown_price): ${listed(concerned)}. Set the price in \`pricing\` of the provider or model`,
        { tenant: name },
      );
    const cheaper = limits?.over_budget_model;
    const target = cheaper === undefined ? null : pipeline.router.targetOf(cheaper);
    const cost = target === null ? 0 : costAt(target.provider, target.model);
    if (cheaper !== undefined && cost !== 0)
      services.log.warn(
        `tenant ${name}: over_budget_model ${cheaper} may cost money too, and nothing limits it once the budget is used up`,
        { tenant: name },
      );
  }
}

function listed(targets: readonly { readonly provider: string; readonly model: string }[]): string {
  const names = targets.slice(0, maxNames).map(({ provider, model }) => `${provider}/${model}`);
  const more = targets.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
