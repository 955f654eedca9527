// What a routed request would have cost without routing: its tokens at the price of the model that `metrics.baseline_model` names,
// or of the dearest one that could have answered. An estimate; it must never change what a request costs.

import type { ProviderSettings } from "../backends/settings.ts";
import type { Target } from "../canon/decision.ts";
import type { UnpricedRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import type { LoadedTable, PriceBook, PricedTarget } from "../catalog/prices.ts";
import type { Config } from "../config/schema.ts";

export type BaselineOptions = {
  readonly prices: Pick<PriceBook, "costNow" | "isReady"> & LoadedTable;
  readonly currentConfig: () => { readonly config: Config };
  readonly settingsOf: (id: string) => ProviderSettings | undefined;
  /** The target of a name in the config; null: it means none. */
  readonly targetOf: (name: string) => Target | null;
  /** The same object for the same model, so that its price is found quickly. */
  readonly pricedTarget: (settings: ProviderSettings, model: string) => PricedTarget;
};

/** Without a priced candidate this many of the config's models are compared. */
const maxModels = 200;

/** What one config says. */
type ConfiguredBaseline = { readonly named: PricedTarget | null; readonly models: readonly PricedTarget[] };

export class BaselinePrice {
  private readonly configured = new WeakMap<Config, ConfiguredBaseline>();

  constructor(private readonly options: BaselineOptions) {}

  /** False: a price that it needs is not loaded yet. */
  isReady(record: UnpricedRecord): boolean {
    const { prices } = this.options;
    if (!isRouted(record) || prices.table() !== null) return true;
    const { named, models } = this.ofConfig();
    if (named !== null) return prices.isReady(named);
    return models.every((each) => prices.isReady(each));
  }

  /** Undefined: the client chose by itself. Null: the price or the usage is unknown. */
  costOf(record: UnpricedRecord, usage: Usage): number | null | undefined {
    if (!isRouted(record)) return undefined;
    const { named, models } = this.ofConfig();
    const atMs = record.startedAtMs;
    if (named !== null) return this.options.prices.costNow(named, usage, atMs);
    return this.dearest(this.candidatesOf(record), usage, atMs) ?? this.dearest(models, usage, atMs);
  }

  private dearest(targets: Iterable<PricedTarget>, usage: Usage, atMs: number): number | null {
    let most: number | null = null;
    for (const target of targets) {
      const cost = this.options.prices.costNow(target, usage, atMs);
      if (cost !== null) most = Math.max(most ?? 0, cost);
    }
    return most;
  }

  private *candidatesOf({ candidates }: UnpricedRecord): Iterable<PricedTarget> {
    for (const { provider, model, kept } of candidates) {
      const settings = kept ? this.options.settingsOf(provider) : undefined;
      if (settings !== undefined && isBilled(settings)) yield this.options.pricedTarget(settings, model);
    }
  }

  private ofConfig(): ConfiguredBaseline {
    const { config } = this.options.currentConfig();
    let known = this.configured.get(config);
    if (known === undefined) this.configured.set(config, (known = this.read(config)));
    return known;
  }

  private read({ metrics, providers }: Config): ConfiguredBaseline {
    const { targetOf, pricedTarget } = this.options;
    const name = metrics.baseline_model;
    const target = name === undefined ? null : targetOf(name);
    const owner = target === null ? undefined : providers[target.provider];
    const models = Object.values(providers).flatMap((each) =>
      isBilled(each)
        ? [each.model, ...each.models.map(({ id }) => id)].map((model) => pricedTarget(each, model))
        : [],
    );
    return {
      named: target === null || owner === undefined ? null : pricedTarget(owner, target.model),
      models: [...new Set(models)].slice(0, maxModels),
    };
  }
}

const isRouted = ({ layer }: UnpricedRecord): boolean => layer !== null && layer !== "direct";

/** A person's own sign-in to Claude Code would have paid nothing more. */
const isBilled = ({ backend, env }: ProviderSettings): boolean =>
  backend !== "demo" && (backend !== "claude-cli" || (env?.["ANTHROPIC_API_KEY"] ?? "") !== "");
