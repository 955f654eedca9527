// GET /health: ClawGate's shape with the overall truth, and the words that a person needs to act on it. Anybody may ask: hosts,
// ports, paths and tenants must never be told to anybody but those who may read what the operator reads.

import type { Health } from "../../server/server-port.ts";
import { noTrust } from "../../backends/http/network-failure.ts";
import { version } from "../../system/identity.ts";
import { stateDirectoryFrom } from "../../system/state-directory.ts";
import type { AppServices } from "../../app/app-services.ts";
import type { ConfigSnapshot } from "../../app/config-snapshot.ts";
import type { MachineState, HealthProblem } from "../../app/machine-checks.ts";
import type { ConfigDiskState } from "../../app/reloader.ts";

export type HealthFacts = {
  readonly mayRead: boolean;
  readonly machine: MachineState;
  readonly disk: ConfigDiskState;
  /** What was wrong at the start and stays so. */
  readonly startProblems: readonly HealthProblem[];
};

type View = ReturnType<AppServices["health"]["view"]>;
type Views = readonly (readonly [id: string, view: View])[];

const iso = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());

export function healthReport(services: AppServices, current: ConfigSnapshot, facts: HealthFacts): Health {
  const { mayRead } = facts;
  const ids = [...current.pipeline.providers.keys()];
  const views = ids.map((id) => [id, services.health.view(id)] as const);
  const healthy = views.filter(([, view]) => view.healthy).length;
  const problems = problemsOf(services, current, facts);
  const isWhole = healthy === views.length && problems.length === 0;
  const status = healthy === 0 ? "down" : isWhole ? "ok" : "degraded";
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
        {
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
          ...(view.credentials.length > 1
            ? {
                credentials: view.credentials.map((each) => ({
                  id: each.id,
                  state: each.state,
                  retry_at: iso(each.retryAtMs),
                  cooling_models: Object.keys(each.coolingModels),
                })),
              }
            : {}),
          ...current.pipeline.providers.get(id)?.queue.counts(),
        },
      ]),
    ),
    skipped: Object.fromEntries(
      current.loaded.skippedProviders.map(({ id, reason, publicReason = reason }) => [
        id,
        mayRead ? reason : publicReason,
      ]),
    ),
    metrics: { state, queued, dropped },
    ...(mayRead ? readerMembers(services, current, facts, views, problems) : {}),
  };
}

/** Everything that does not work as it was meant, but for providers, which have their own place. */
function problemsOf(
  services: AppServices,
  { loaded }: ConfigSnapshot,
  { machine, disk, startProblems }: HealthFacts,
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
            `records go to ${records.path}, because ${path} (from ${from}) cannot be used: ${records.passedOver}`,
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

function readerMembers(
  services: AppServices,
  current: ConfigSnapshot,
  { machine, disk }: HealthFacts,
  views: Views,
  problems: readonly HealthProblem[],
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
    certificates: {
      extra: machine.certificates,
      untrusted: views.flatMap(([id, view]) => (isUntrusted(view) ? [id] : [])),
    },
  };
}

/** The last that was heard of it. */
const isUntrusted = ({ lastShort, consecutiveFailures }: View): boolean =>
  consecutiveFailures > 0 && lastShort === `unreachable: ${noTrust}`;

/** As openclaw-cc-gateway's /health has them: names, turns that are out, requests that wait for one. */
function tenantsAndQueue({ loaded, pipeline }: ConfigSnapshot) {
  const names = loaded.config.tenants.map(({ name }) => name);
  const perTenant = new Map<string, number>();
  let running = 0;
  let queued = 0;
  for (const { queue } of pipeline.providers.values()) {
    const counts = queue.counts();
    running += counts.running;
    queued += counts.waiting;
    for (const [tenant, turns] of queue.runningByTenant()) {
      // Its word for requests that belong to no tenant; a tenant of that name is not mixed up with them.
      const name = tenant ?? (names.includes(nobody) ? null : nobody);
      if (name !== null) perTenant.set(name, (perTenant.get(name) ?? 0) + turns);
    }
  }
  return { tenants: names, queue: { running, queued, perTenant: Object.fromEntries(perTenant) } };
}

const nobody = "default";

function oldestSeconds(services: AppServices): number | null {
  const started = services.live.list().map((request) => request.startedAtMs);
  if (started.length === 0) return null;
  return Math.max(0, Math.round((services.clock.nowMs() - Math.min(...started)) / 1000));
}
