// GET /health: the overall status in ClawGate's format, and what a person needs to act on it. Anybody may call it: hosts, ports, paths
// and tenants must never be shown to a caller that may not use the operator's routes.

import { noTrust } from "../../backends/http/network-failure.ts";
import { version } from "../../system/identity.ts";
import { stateDirectoryFrom } from "../../system/state-directory.ts";
import type { HealthTracker } from "../../backends/health/health-tracker.ts";
import type { ConfigDiskState } from "../../config/changes.ts";
import type { MetricsStore } from "../../metrics/metrics-store.ts";
import type { LiveRegistry } from "../../pipeline/live-requests.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { ActiveConfig } from "../active-config.ts";

/** Something that does not work as the operator configured it. */
export type HealthProblem = {
  /** The same problem has the same id in every report. */
  readonly id: string;
  /** A sentence without its full stop. */
  readonly message: string;
};

export type MachineState = {
  /** Free bytes where state and records are kept; null: unknown. */
  readonly stateFree: number | null;
  readonly recordsFree: number | null;
  /** What is wrong with the file of certificates; null: nothing, or there is none. */
  readonly certificates: string | null;
  readonly problems: readonly HealthProblem[];
};

export type HealthReportServices = {
  readonly clock: Pick<Clock, "nowMs">;
  readonly health: Pick<HealthTracker, "view">;
  readonly live: Pick<LiveRegistry, "count" | "list">;
  readonly store: Pick<MetricsStore, "status">;
  readonly recordsLocation: { readonly path: string; readonly from: string };
  readonly state: Pick<StateStore, "status">;
  readonly telemetry: Pick<Telemetry, "status">;
  readonly startedAtSeconds: number;
  redact(text: string): string;
};

export type HealthFacts = {
  readonly mayRead: boolean;
  readonly machine: MachineState;
  readonly disk: ConfigDiskState;
  /** What was wrong at the start and has not changed. */
  readonly startProblems: readonly HealthProblem[];
};

type View = ReturnType<HealthTracker["view"]>;
type Views = readonly (readonly [id: string, view: View])[];

const iso = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());

export function healthReport(services: HealthReportServices, current: ActiveConfig, facts: HealthFacts) {
  const { mayRead } = facts;
  const ids = [...current.pipeline.providers.keys()];
  const views = ids.map((id) => [id, services.health.view(id)] as const);
  const healthy = views.filter(([, view]) => view.healthy).length;
  const problems = healthProblems(services, current, facts);
  const isWhole = healthy === views.length && problems.length === 0;
  const status: "down" | "ok" | "degraded" = healthy === 0 ? "down" : isWhole ? "ok" : "degraded";
  const { queued, dropped, state } = services.store.status();
  return {
    status,
    version,
    uptime_s: Math.max(0, Math.floor(services.clock.nowMs() / 1000) - services.startedAtSeconds),
    running: services.live.count(),
    oldest_running_s: oldestSeconds(services),
    providers: Object.fromEntries(
      views.map(([id, view]) => [
        id,
        { ...providerMembers(id, view, mayRead), ...current.pipeline.providers.get(id)?.queue.counts() },
      ]),
    ),
    skipped: Object.fromEntries(
      current.loaded.skippedProviders.map(({ id, reason, publicReason = reason }) => [
        id,
        mayRead ? reason : publicReason,
      ]),
    ),
    metrics: { state, queued, dropped },
    ...(mayRead ? readerMembers(services, current, { ...facts, views, problems }) : {}),
  };
}

function providerMembers(id: string, view: View, mayRead: boolean) {
  const { credentials } = view;
  return {
    name: id,
    healthy: view.healthy,
    consecutive_failures: view.consecutiveFailures,
    avg_latency_ms: view.avgLatencyMs,
    last_error: mayRead ? view.lastError : view.lastShort,
    last_check: iso(view.lastCheckMs),
    circuit: view.circuit,
    ejections: view.ejections,
    retry_at: iso(view.retryAtMs),
    credential: view.credential,
    cooling_models: Object.keys(view.coolingModels),
    ...(credentials.length > 1
      ? {
          credentials: credentials.map((each) => ({
            id: each.id,
            state: each.state,
            retry_at: iso(each.retryAtMs),
            cooling_models: Object.keys(each.coolingModels),
          })),
        }
      : {}),
  };
}

/** Everything that does not work as configured, except providers, which are listed separately. */
export function healthProblems(
  services: HealthReportServices,
  { loaded }: ActiveConfig,
  { machine, disk, startProblems }: Omit<HealthFacts, "mayRead">,
): readonly HealthProblem[] {
  const records = services.store.status();
  const { path, from } = services.recordsLocation;
  const kept = services.state.status();
  const inRecords = (message: string): HealthProblem[] => [{ id: "records", message }];
  return [
    ...startProblems,
    ...machine.problems,
    ...(kept.state === "memory" && kept.path !== null
      ? [
          {
            id: "state",
            message: `state is kept in memory: ${kept.path} (from ${stateDirectoryFrom(loaded.environment)}): ${kept.detail}`,
          },
        ]
      : []),
    ...(records.state === "failed"
      ? inRecords(`records wait in memory: ${records.path}: ${records.detail}`)
      : records.passedOver !== undefined
        ? inRecords(
            `records ${records.state === "memory" ? "are kept in memory and lost when the gateway stops" : `go to ${records.path}`}, because ${path} (from ${from}) cannot be used: ${records.passedOver}`,
          )
        : []),
    ...(disk.invalidSinceMs === null
      ? []
      : [
          {
            id: "config",
            message: `${loaded.path ?? "the config"} is not valid since ${iso(disk.invalidSinceMs)}`,
          },
        ]),
  ];
}

type ReaderFacts = HealthFacts & { readonly views: Views; readonly problems: readonly HealthProblem[] };

function readerMembers(
  services: HealthReportServices,
  current: ActiveConfig,
  { machine, disk, views, problems }: ReaderFacts,
) {
  const records = services.store.status();
  const kept = services.state.status();
  return {
    ...tenantsAndQueue(current),
    problems: problems.map(({ id, message }) => ({ id, message: services.redact(message) })),
    config: {
      path: current.loaded.path,
      loaded_at: iso(disk.loadedAtMs),
      invalid_since: iso(disk.invalidSinceMs),
      problems: disk.problems,
      needs_restart: disk.needsRestart,
    },
    state: { store: kept.state, path: kept.path, detail: kept.detail, free_bytes: machine.stateFree },
    metrics: {
      state: records.state,
      queued: records.queued,
      dropped: records.dropped,
      path: records.path,
      detail: records.passedOver ?? records.detail,
      free_bytes: machine.recordsFree,
    },
    opentelemetry: services.telemetry.status(),
    certificates: {
      extra: machine.certificates,
      untrusted: views.flatMap(([id, view]) => (isUntrusted(view) ? [id] : [])),
    },
  };
}

/** Derived from the provider's last failure. */
const isUntrusted = ({ lastShort, consecutiveFailures }: View): boolean =>
  consecutiveFailures > 0 && lastShort === `unreachable: ${noTrust}`;

/** As in openclaw-cc-gateway's /health: names, running turns, requests that wait for one. */
function tenantsAndQueue({ loaded, pipeline }: ActiveConfig) {
  const names = loaded.config.tenants.map(({ name }) => name);
  const perTenant = new Map<string, number>();
  let running = 0;
  let queued = 0;
  for (const { queue } of pipeline.providers.values()) {
    const counts = queue.counts();
    running += counts.running;
    queued += counts.waiting;
    for (const [tenant, turns] of queue.runningByTenant()) {
      // openclaw-cc-gateway's word for requests without a tenant; it must not be mixed up with a tenant of that name.
      const name = tenant ?? (names.includes(noTenant) ? null : noTenant);
      if (name !== null) perTenant.set(name, (perTenant.get(name) ?? 0) + turns);
    }
  }
  return { tenants: names, queue: { running, queued, perTenant: Object.fromEntries(perTenant) } };
}

const noTenant = "default";

function oldestSeconds(services: Pick<HealthReportServices, "live" | "clock">): number | null {
  const started = services.live.list().map((request) => request.startedAtMs);
  if (started.length === 0) return null;
  return Math.max(0, Math.round((services.clock.nowMs() - Math.min(...started)) / 1000));
}
