// What `clawgate top` shows, asked of the running gateway: running requests each time, what changes slowly less often.

import type { ProviderRow } from "../operator/reports/provider-report.ts";
import type { LiveReport, LiveRow } from "../operator/reports/live-report.ts";
import type { SeriesAnswer } from "../operator/reports/record-reports.ts";
import { systemClock } from "../system/clock.ts";
import { startOfDays } from "./record-options.ts";
import { memberOf, problemsOf, type RunningGateway } from "./running-gateway.ts";

export type TopData = {
  readonly at_ms: number;
  readonly url: string;
  readonly version: string;
  readonly status: string;
  readonly uptime_s: number | null;
  readonly problems: readonly string[];
  readonly requests: readonly LiveRow[];
  readonly providers: readonly ProviderRow[];
  /** Sums of today, by this machine's clock. */
  readonly today: SeriesAnswer["totals"] | null;
};

const slowMs = 5_000;

type Slow = Pick<TopData, "status" | "uptime_s" | "problems" | "providers" | "today">;

/** Returns a function that asks. Throws GatewayProblem. */
export function topReader(gateway: RunningGateway, zone: string): () => Promise<TopData> {
  let slow: Slow | null = null;
  let askedAtMs = 0;
  const get = (path: string): Promise<unknown> => gateway.askForBody({ method: "GET", path });
  const askSlow = async (): Promise<Slow> => {
    const fromMs = startOfDays(1, systemClock.nowMs(), zone);
    const [health, providers, series] = await Promise.all([
      get("/health"),
      get("/api/providers"),
      get(`/api/series?from=${fromMs}&bucket=total`),
    ]);
    const [status, uptime] = [memberOf(health, "status"), memberOf(health, "uptime_s")];
    return {
      status: typeof status === "string" ? status : "unknown",
      uptime_s: typeof uptime === "number" ? uptime : null,
      problems: problemsOf(health),
      providers: (memberOf(providers, "providers") ?? []) as readonly ProviderRow[],
      today: (memberOf(series, "totals") ?? null) as TopData["today"],
    };
  };
  return async () => {
    const nowMs = systemClock.monotonicMs();
    if (slow === null || nowMs - askedAtMs >= slowMs) {
      slow = await askSlow();
      askedAtMs = nowMs;
    }
    const { requests } = (await get("/api/live")) as LiveReport;
    const { url, version } = gateway;
    return { at_ms: systemClock.nowMs(), url, version, ...slow, requests };
  };
}
