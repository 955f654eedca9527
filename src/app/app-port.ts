// The house as the HTTP face sees it: every question answered by the generation in force.

import type { ModelCard } from "../dialects/dialect.ts";
import { dialects } from "../dialects/dialect-table.ts";
import { maxModelLength } from "../canon/bounds.ts";
import { atCapacity, Failure } from "../canon/failure.ts";
import { createUlids } from "../canon/id.ts";
import type { LiveRequest } from "../pipeline/live-registry.ts";
import { handleRequest } from "../pipeline/pipeline.ts";
import type { ServerPort } from "../server/server-port.ts";
import { version } from "../system/identity.ts";
import type { LogTail } from "../system/log-tail.ts";
import { apiSchemas } from "./api-schemas.ts";
import { configReport, type PeekConfig } from "../operator/reports/config-report.ts";
import { explainRequest } from "../operator/explanation-request.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";
import { healthReport } from "../operator/reports/health-report.ts";
import type { AppServices } from "./app-services.ts";
import { liveState } from "./live-state.ts";
import { logReport } from "../operator/reports/log-report.ts";
import type { MachineChecks, HealthProblem } from "./machine-checks.ts";
import type { Reloader } from "./reloader.ts";
import { providerReport } from "../operator/reports/provider-report.ts";
import { testProvider } from "../operator/provider-test.ts";
import { visibleNames } from "./tenants/tenant-policies.ts";
import { tenantReport } from "../operator/reports/tenant-report.ts";

export function createServerPort(
  services: AppServices,
  current: () => ConfigSnapshot,
  { reload, diskState, peek }: Pick<Reloader, "reload" | "diskState"> & { readonly peek: PeekConfig },
  machineChecks: Pick<MachineChecks, "check">,
  startProblems: () => readonly HealthProblem[],
  logTail: LogTail,
): ServerPort {
  const text = (query: URLSearchParams, name: string): string | undefined => query.get(name) ?? undefined;
  const wholeNumber = (query: URLSearchParams, name: string): number | undefined => {
    const value = query.get(name);
    if (value === null) return undefined;
    if (!/^\d{1,15}$/.test(value))
      throw new Failure("invalid-request", `${name} must be a whole number.`, { param: name });
    return Number(value);
  };
  const withoutUndefined = <T extends Record<string, unknown>>(
    fields: T,
  ): { [K in keyof T]?: Exclude<T[K], undefined> } =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
      [K in keyof T]?: Exclude<T[K], undefined>;
    };

  const newUlid = createUlids();
  return {
    version,
    log: services.log,
    onRefused: services.refused,
    rules: () => current().rules,
    authorize: (routeClass, facts) => current().access(routeClass, facts),
    readAccess: (facts) => current().access.readAccess(facts),
    handle: (endpoint, request, caller, facts) =>
      handleRequest(
        endpoint,
        request,
        {
          caller,
          pathName: facts.pathName,
          requestId: facts.requestId,
          arrivedMs: facts.arrivedMs,
          connection: facts,
        },
        current().pipeline,
        services,
      ),
    modelList(dialect, caller) {
      services.claudePrograms.refreshAllModels();
      const mayUse = visibleNames(current().pipeline, caller.tenant);
      const cards = [
        ...current().cards(),
        ...(dialect === "anthropic-messages" ? current().claudeCards() : []),
      ];
      return dialects[dialect].client.encodeModelList(cards.filter(({ id }) => mayUse(id)));
    },
    model(dialect, id, caller) {
      if (id.length > maxModelLength) return null;
      const card = visibleNames(current().pipeline, caller.tenant)(id) ? findCard(current(), id) : null;
      return card === null ? null : dialects[dialect].client.encodeModel(card);
    },
    health: async (_isReadyCheck, mayRead) =>
      healthReport(services, current(), {
        mayRead,
        machine: await machineChecks.check(),
        disk: diskState(),
        startProblems: startProblems(),
      }),
    stats: (query) =>
      services.reports.stats({
        nowMs: services.clock.nowMs(),
        ...withoutUndefined({ tenant: text(query, "tenant") }),
      }),
    async recent(query) {
      const failure = text(query, "failure");
      const requests = await services.reports.recent(
        withoutUndefined({
          limit: wholeNumber(query, "limit"),
          before: wholeNumber(query, "before"),
          provider: text(query, "provider"),
          tenant: text(query, "tenant"),
          layer: text(query, "layer"),
          failure: failure === "true" ? (true as const) : failure,
        }),
      );
      return { requests };
    },
    logs: (query) =>
      logReport(logTail, services.redact, wholeNumber(query, "limit"), wholeNumber(query, "cursor")),
    metrics: (accept) => services.exposition.page(liveState(services, current()), accept),
    live: () => ({
      requests: services.live.list().map(liveView),
    }),
    config: () => configReport(services, current(), diskState(), peek),
    providers: () => providerReport(services, current()),
    tenants: () => tenantReport(services, current()),
    explainRoute: (request, { door: endpoint, tenant }) =>
      explainRequest(current(), services, request, endpoint, tenant),
    testProvider: (id, model, { request, caller, facts }) =>
      testProvider(current(), services, {
        provider: id,
        model,
        signal: request.signal,
        admission: { requestId: facts.requestId, arrivedMs: facts.arrivedMs, caller, connection: facts },
      }),
    async reload() {
      const { needsRestart, ...report } = await reload("api");
      if (report.error?.code === "shutting_down") throw new Failure("shutting-down", report.error.message);
      if (report.error?.code === "at_capacity") throw atCapacity(report.error.message);
      if (report.error?.code === "internal_error") throw new Failure("internal", report.error.message);
      return { ...report, needs_restart: needsRestart };
    },
    resetProvider(id) {
      if (!current().pipeline.providers.has(id)) return false;
      services.health.reset(id);
      services.log.info(`provider ${id} was reset by the operator`);
      return true;
    },
    cancelRequest: (id) =>
      services.live.cancel(id, new Failure("cancelled", "The operator cancelled this request.")),
    encodeFailure: (dialect, failure, requestId) =>
      dialects[dialect].client.encodeFailure(failure, requestId),
    newRequestId: () => newUlid(services.clock.nowMs()),
    monotonicMs: services.clock.monotonicMs,
    beside: services.unreadBodies.respondAndDrain,
    wait: (ms) => new Promise((resolve) => void services.clock.setTimer(ms, resolve)),
    apiSchemas,
  };
}

/** `queue`: null while it does not wait. */
const liveView = ({ id, endpoint, tenant, startedAtMs, stage, model, provider, waitsAt }: LiveRequest) => ({
  id,
  door: endpoint,
  tenant,
  started_at_ms: startedAtMs,
  stage,
  model,
  provider,
  queue: waitsAt
    ? {
        provider: waitsAt.provider,
        position: waitsAt.place.position(),
        waited_ms: Math.round(waitsAt.place.waitedMs()),
      }
    : null,
});

/** A card of the list, or one for any name that a request could use: SDKs ask for models that no list holds. */
function findCard(snapshot: ConfigSnapshot, id: string): ModelCard | null {
  const listed = [...snapshot.cards(), ...snapshot.claudeCards()].find((card) => card.id === id);
  if (listed !== undefined) return listed;
  const target = snapshot.pipeline.router.targetOf(id);
  const card = snapshot.cards().find((each) => each.id === `${target?.provider}/${target?.model}`);
  return card === undefined ? null : { ...card, id };
}
