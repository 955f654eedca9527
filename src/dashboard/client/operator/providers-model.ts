// What the page of providers shows of one: its state in words, its keys with the vendor's quota, its share of the traffic.

import type { SeriesGroup, SeriesReport } from "../../../metrics/query-shapes.ts";
import { knownCost } from "../spending-outlook.ts";
import type { Allowance, ProviderEntry, ProviderKey } from "./shapes.ts";

export type Tone = "good" | "warn" | "bad" | "plain";

export type ProviderStatus = {
  readonly label: string;
  readonly tone: Tone;
  /** When it is tried again. */
  readonly untilMs: number | null;
  readonly why: string | null;
};

const timeOf = (iso: string | null): number | null => {
  const ms = iso === null ? Number.NaN : Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
};

export function providerStatus(provider: ProviderEntry): ProviderStatus {
  const untilMs = timeOf(provider.retry_at);
  const why = provider.last_error;
  switch (provider.state) {
    case "healthy": {
      const failures = provider.consecutive_failures;
      if (failures === 0) return { label: "Healthy", tone: "good", untilMs: null, why: null };
      const label =
        failures === 1 ? "Healthy, the last attempt failed" : `Healthy, ${failures} failures in a row`;
      return { label, tone: "warn", untilMs: null, why };
    }
    case "half-open":
      return { label: "Being tried again", tone: "warn", untilMs, why };
    case "open":
      // Without a time nothing brings it back but a repair: its program or server is missing.
      return { label: untilMs === null ? "Down" : "Resting after failures", tone: "bad", untilMs, why };
    case "cooling":
      return { label: coolingLabel(provider), tone: "warn", untilMs, why };
    case "rejected":
      return { label: "Key rejected", tone: "bad", untilMs, why };
    case "unknown":
      return { label: "Not observed", tone: "plain", untilMs: null, why: null };
    default:
      return { label: provider.state, tone: "plain", untilMs, why };
  }
}

function coolingLabel({ cooling_models: models, credentials }: ProviderEntry): string {
  const held = credentials.filter(({ state }) => state !== "ok").length;
  if (held > 0)
    return held === credentials.length
      ? "Limited by the vendor"
      : `${held} of ${credentials.length} keys limited`;
  const count = Object.keys(models).length;
  return `${count} ${count === 1 ? "model" : "models"} on hold`;
}

export type KeyStatus = {
  readonly label: string;
  readonly tone: Tone;
  readonly untilMs: number | null;
};

const keyStates: Readonly<Record<string, readonly [label: string, tone: Tone]>> = {
  ok: ["Usable", "good"],
  "rate-limited": ["Rate-limited", "warn"],
  limited: ["Rate-limited", "warn"],
  exhausted: ["Quota used up", "bad"],
  rejected: ["Rejected", "bad"],
};

export function keyStatus(key: ProviderKey): KeyStatus {
  const [label, tone] = keyStates[key.state] ?? [key.state, "warn"];
  return { label, tone, untilMs: timeOf(key.retry_at) };
}

export type Quota = {
  readonly name: string;
  /** 0..100; null where the vendor gave no measure. */
  readonly usedPercent: number | null;
  readonly remaining: number | null;
  readonly limit: number | null;
  readonly resetsMs: number | null;
  /** The vendor's word, where it says more than the figures. */
  readonly status: string | null;
  readonly tone: Tone;
};

export function quotaOf(allowance: Allowance): Quota {
  const { limit, remaining, status } = allowance;
  const measured = limit !== null && limit > 0 && remaining !== null ? (1 - remaining / limit) * 100 : null;
  const raw = allowance.used_percent ?? measured;
  const usedPercent = raw === null ? null : Math.min(100, Math.max(0, raw));
  const isRefused = status === "rejected";
  const isNear = status === "allowed_warning" || (usedPercent !== null && usedPercent >= 80);
  return {
    name: allowance.name.replaceAll("_", " "),
    usedPercent,
    remaining,
    limit,
    resetsMs: timeOf(allowance.resets_at),
    status: status === "allowed" ? null : status,
    tone: isRefused || usedPercent === 100 ? "bad" : isNear ? "warn" : "good",
  };
}

export type Share = {
  readonly requests: number;
  /** Of all requests of the range, 0..100. */
  readonly percent: number;
  readonly failures: number;
  /** Null: unknown. */
  readonly costUsd: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly firstTokenMs: number | null;
};

const noShare: Share = {
  requests: 0,
  percent: 0,
  failures: 0,
  costUsd: 0,
  p50Ms: null,
  p95Ms: null,
  firstTokenMs: null,
};

/** What a provider did in the range of a series by provider. */
export function shareOf(provider: string, series: SeriesReport): Share {
  const group = series.groups.find((each: SeriesGroup) => each.name === provider);
  if (group === undefined) return noShare;
  const { totals } = group;
  const all = series.totals.requests;
  return {
    requests: totals.requests,
    percent: all === 0 ? 0 : (totals.requests / all) * 100,
    failures: totals.failures,
    costUsd: knownCost(totals),
    p50Ms: totals.p50_latency_ms,
    p95Ms: totals.p95_latency_ms,
    firstTokenMs: totals.p50_first_token_ms,
  };
}

const order: Readonly<Record<Tone, number>> = { bad: 0, warn: 1, good: 2, plain: 3 };

/** What needs attention first, otherwise as configured. */
export function inOrderOfNeed(providers: readonly ProviderEntry[]): readonly ProviderEntry[] {
  const rank = (each: ProviderEntry): number => order[providerStatus(each).tone];
  return providers.toSorted((left, right) => rank(left) - rank(right));
}
