// GET /api/providers and `clawgate providers`: the configured providers, their state, and when they are tried again.
// It must never show a key or a header of the config, nor an unmasked address.

import { shownAddress } from "../../backends/http/shown-address.ts";
import type { ProviderSettings } from "../../backends/settings.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { version } from "../../system/identity.ts";
import type { HealthTracker } from "../../backends/health/health-tracker.ts";
import type { MetricsStore } from "../../metrics/metrics-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { ActiveConfig } from "../active-config.ts";

/** `unknown`: no gateway runs, so nothing was observed. */
export type ProviderState = "healthy" | "half-open" | "open" | "cooling" | "rejected" | "unknown";

export type AllowanceRow = {
  /** The vendor's own name: requests, tokens, five_hour. */
  readonly name: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly used_percent: number | null;
  /** The vendor's word: allowed, allowed_warning, rejected. */
  readonly status: string | null;
  readonly resets_at: string | null;
};

export type ProviderRow = {
  readonly id: string;
  readonly backend: string;
  readonly base_url: string | null;
  /** The model that the bare provider id means. */
  readonly model: string;
  readonly models: readonly string[];
  readonly tier: string | null;
  readonly state: ProviderState;
  /** As ISO 8601 and in seconds from now; null if the provider is not on hold. */
  readonly retry_at: string | null;
  readonly retry_in_s: number | null;
  /** Each key by its fingerprint. */
  readonly credentials: readonly {
    readonly id: string;
    readonly state: string;
    readonly retry_at: string | null;
    /** Since when it is not used, and when its vendor says that the limit ends; the next check may come before that. */
    readonly held_since: string | null;
    readonly limit_ends_at: string | null;
    /** Models for which this key alone is on hold, and until when. */
    readonly cooling_models: Readonly<Record<string, string>>;
    /** The quota that the vendor last reported. */
    readonly allowances: readonly AllowanceRow[];
  }[];
  /** Models that are on hold for every key, and until when. */
  readonly cooling_models: Readonly<Record<string, string>>;
  readonly consecutive_failures: number;
  readonly ejections: number;
  readonly avg_latency_ms: number | null;
  readonly last_error: string | null;
  readonly last_check: string | null;
  readonly running: number;
  readonly waiting: number;
  /** Requests answered since midnight UTC; null when records are not kept. */
  readonly requests_today: number | null;
};

export type ProviderReport = {
  readonly version: string;
  readonly config: string | null;
  readonly providers: readonly ProviderRow[];
  /** Why it is configured but not loaded. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
};

type ProviderView = ReturnType<HealthTracker["view"]>;

export type ProviderReportServices = {
  readonly clock: Pick<Clock, "nowMs">;
  readonly health: Pick<HealthTracker, "view">;
  readonly reports: Pick<MetricsStore, "requestsToday">;
};

const iso = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());
const isoOfEach = (times: Readonly<Record<string, number>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(times).map(([name, atMs]) => [name, new Date(atMs).toISOString()]));

export async function providerReport(
  services: ProviderReportServices,
  { loaded, pipeline }: ActiveConfig,
): Promise<ProviderReport> {
  const nowMs = services.clock.nowMs();
  const today = await services.reports.requestsToday(nowMs);
  return reportOf(loaded, (id, settings) => {
    const view = services.health.view(id);
    const retryAtMs = retryAt(view);
    return {
      ...unseen(id, settings),
      state: stateOf(view),
      retry_at: iso(retryAtMs),
      retry_in_s: retryAtMs === null ? null : Math.max(0, Math.ceil((retryAtMs - nowMs) / 1000)),
      credentials: view.credentials.map((each) => ({
        id: each.id,
        state: each.state,
        retry_at: iso(each.retryAtMs),
        held_since: iso(each.heldSinceMs),
        limit_ends_at: iso(each.limitEndsAtMs),
        cooling_models: isoOfEach(each.coolingModels),
        allowances: each.allowances.map((allowance) => ({
          name: allowance.name,
          limit: allowance.limit,
          remaining: allowance.remaining,
          used_percent: allowance.usedPercent,
          status: allowance.status,
          resets_at: iso(allowance.resetsAtMs),
        })),
      })),
      cooling_models: isoOfEach(view.coolingModels),
      consecutive_failures: view.consecutiveFailures,
      ejections: view.ejections,
      avg_latency_ms: view.avgLatencyMs,
      last_error: view.lastError,
      last_check: iso(view.lastCheckMs),
      ...pipeline.providers.get(id)?.queue.counts(),
      requests_today: today === null ? null : (today.get(id) ?? 0),
    };
  });
}

/** The same from the config alone, while no gateway runs. */
export function offlineProviderReport(loaded: LoadedConfig): ProviderReport {
  return reportOf(loaded, unseen);
}

function reportOf(
  loaded: LoadedConfig,
  row: (id: string, settings: ProviderSettings) => ProviderRow,
): ProviderReport {
  return {
    version,
    config: loaded.path,
    providers: Object.entries(loaded.config.providers).map(([id, settings]) => row(id, settings)),
    skipped: loaded.skippedProviders.map(({ id, reason }) => ({ id, reason })),
  };
}

function unseen(id: string, settings: ProviderSettings): ProviderRow {
  return {
    id,
    backend: settings.backend,
    base_url: settings.base_url === null ? null : shownAddress(settings.base_url),
    model: settings.model,
    models: settings.models.map((each) => each.id),
    tier: settings.tier ?? null,
    state: "unknown",
    retry_at: null,
    retry_in_s: null,
    credentials: [],
    cooling_models: {},
    consecutive_failures: 0,
    ejections: 0,
    avg_latency_ms: null,
    last_error: null,
    last_check: null,
    running: 0,
    waiting: 0,
    requests_today: null,
  };
}

/** The credential first: if its key is rejected, the state of the circuit does not matter. */
function stateOf(view: ProviderView): ProviderState {
  if (view.credential === "rejected") return "rejected";
  if (view.circuit !== "closed") return view.circuit;
  return view.credential === "ok" && Object.keys(view.coolingModels).length === 0 ? "healthy" : "cooling";
}

/** When the provider as a whole is tried again; if only models are on hold, the first of them. */
function retryAt(view: ProviderView): number | null {
  if (view.retryAtMs !== null) return view.retryAtMs;
  const models = Object.values(view.coolingModels);
  return models.length === 0 ? null : Math.min(...models);
}
