// The app as the HTTP server sees it: the active config snapshot answers clients, operator/ answers the operator.

import { maxModelLength } from "../canon/bounds.ts";
import { atCapacity, Failure } from "../canon/failure.ts";
import { createUlids } from "../canon/id.ts";
import { type ConfigDiskState, type ReloadReport, reloadSummary } from "../config/changes.ts";
import type { ModelCard } from "../dialects/dialect.ts";
import { dialects } from "../dialects/dialect-table.ts";
import type { ConfigEditor } from "../operator/config-editor/config-editor.ts";
import { explainRequest } from "../operator/explanation-request.ts";
import { type ProviderTestServices, testProvider } from "../operator/provider-test.ts";
import { compatHealth } from "../operator/reports/compat-health.ts";
import { configReport, type PeekConfig } from "../operator/reports/config-report.ts";
import {
  type HealthProblem,
  type HealthReportServices,
  healthReport,
} from "../operator/reports/health-report.ts";
import { liveReport } from "../operator/reports/live-report.ts";
import { logReport } from "../operator/reports/log-report.ts";
import { type ProviderReportServices, providerReport } from "../operator/reports/provider-report.ts";
import { tenantReport } from "../operator/reports/tenant-report.ts";
import type { Services } from "../pipeline/dependencies.ts";
import { handleRequest } from "../pipeline/pipeline.ts";
import type { OperatorPort } from "../server/operator-port.ts";
import type { ServerPort } from "../server/server-port.ts";
import { version } from "../system/identity.ts";
import type { LogTail } from "../system/log-tail.ts";
import { apiSchemas } from "./api-schemas.ts";
import type { AppServices } from "./app-services.ts";
import { clawrouterPort, type ClawrouterServices } from "./clawrouter-port.ts";
import { keyPort } from "./key-port.ts";
import { liveState, type LiveStateServices } from "./live-state.ts";
import { configPort } from "./config-port.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";
import type { MachineChecks } from "./machine-checks.ts";
import {
  createNoteAction,
  type NoteAction,
  type OperatorPortServices,
  sessionPort,
} from "./operator-port.ts";
import type { Readings } from "./reading-port.ts";
import { requestLogPort, type RequestLogServices } from "./request-log-port.ts";
import { responsePort, type ResponsePortServices } from "./response-port.ts";
import { visibleNames } from "./tenants/tenant-policies.ts";

type RequestServices = Services & Pick<AppServices, "refused">;
type ModelServices = Pick<AppServices, "claudePrograms">;
type ReportServices = HealthReportServices &
  ProviderReportServices &
  LiveStateServices &
  Pick<AppServices, "meters" | "exposition" | "alerts" | "completeRecords">;
type QueryServices = Pick<AppServices, "reports" | "clock" | "redact">;
type ActionServices = ProviderTestServices &
  Pick<AppServices, "log" | "health" | "live"> &
  RequestLogServices;

export type PortServices = RequestServices &
  ModelServices &
  ReportServices &
  QueryServices &
  ActionServices &
  ResponsePortServices &
  ClawrouterServices &
  OperatorPortServices;

/** What the server port is built from, besides the services. */
export type PortParts = {
  /** The active snapshot. */
  readonly current: () => ConfigSnapshot;
  readonly reload: (reason: string) => Promise<ReloadReport>;
  readonly diskState: () => ConfigDiskState;
  readonly peek: PeekConfig;
  readonly editor: ConfigEditor;
  readonly machineChecks: Pick<MachineChecks, "check">;
  readonly startProblems: () => readonly HealthProblem[];
  readonly logTail: LogTail;
  readonly readings: Readings;
};

export function createServerPort(services: PortServices, parts: PortParts): ServerPort & OperatorPort {
  const note = createNoteAction(services, parts.current);
  const reading = () => ({ pipeline: parts.current().pipeline, services });
  const editing = { editor: parts.editor, note, reading };
  return {
    ...requestPort(services, parts),
    ...modelPort(services, parts),
    ...clawrouterPort(services, parts.current),
    ...reportPort(services, parts),
    ...queryPort(services, parts),
    ...actionPort(services, parts, note),
    ...sessionPort(services, parts.current),
    ...configPort(editing),
    ...keyPort({ ...editing, nowMs: services.clock.nowMs }),
    ...requestLogPort(services, note),
    ...responsePort(services, note),
    ...parts.readings.port(note),
    apiSchemas,
  };
}

/** What every request needs. */
function requestPort(services: RequestServices, { current }: Pick<PortParts, "current">) {
  const newUlid = createUlids();
  const { clock } = services;
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
    encodeFailure: (dialect, failure, requestId) =>
      dialects[dialect].client.encodeFailure(failure, requestId),
    newRequestId: () => newUlid(clock.nowMs()),
    monotonicMs: clock.monotonicMs,
    respondAndDrain: services.unreadBodies.respondAndDrain,
    wait: (ms) => new Promise<void>((resolve) => void clock.setTimer(ms, resolve)),
  } satisfies Partial<ServerPort>;
}

function modelPort({ claudePrograms }: ModelServices, { current }: Pick<PortParts, "current">) {
  return {
    modelList(dialect, caller, query) {
      claudePrograms.refreshAllModels();
      const mayUse = visibleNames(current().pipeline, caller.tenant);
      const cards = [
        ...current().cards(),
        ...(dialect === "anthropic-messages" ? current().claudeCards() : []),
      ];
      return dialects[dialect].client.encodeModelList(
        cards.filter(({ id }) => mayUse(id)),
        query,
      );
    },
    model(dialect, id, caller) {
      if (id.length > maxModelLength) return null;
      const card = visibleNames(current().pipeline, caller.tenant)(id) ? findCard(current(), id) : null;
      return card === null ? null : dialects[dialect].client.encodeModel(card);
    },
  } satisfies Partial<ServerPort>;
}

/** The state of the gateway. */
function reportPort(services: ReportServices, parts: PortParts) {
  const { current, diskState, peek, editor } = parts;
  return {
    async health({ mayRead, isOwnShape }) {
      const report = healthReport(services, current(), {
        mayRead,
        machine: await parts.machineChecks.check(),
        disk: diskState(),
        startProblems: parts.startProblems(),
      });
      const { compat } = current().loaded.config.server;
      return compat === undefined || isOwnShape
        ? report
        : compatHealth(compat, report, services.clock.nowMs());
    },
    async metrics(accept) {
      await services.completeRecords();
      return services.exposition.page(await liveState(services, current()), accept);
    },
    live: () => liveReport(services.live),
    config: async () => ({
      ...(await configReport(current().loaded, diskState(), peek, services.redact)),
      file: await editor.file(),
    }),
    providers: () => providerReport(services, current()),
    alerts: () => services.alerts.report(),
    tenants: () => tenantReport(current().loaded.config.tenants, services.meters, services.clock.nowMs()),
  } satisfies Partial<ServerPort>;
}

/** Records and log, as a query selects them. */
function queryPort({ reports, clock, redact }: QueryServices, { logTail }: Pick<PortParts, "logTail">) {
  return {
    stats: (query) =>
      reports.stats({ nowMs: clock.nowMs(), ...withoutUndefined({ tenant: text(query, "tenant") }) }),
    async recent(query) {
      const failure = text(query, "failure");
      const requests = await reports.recent(
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
    logs: (query) => logReport(logTail, redact, wholeNumber(query, "limit"), wholeNumber(query, "cursor")),
  } satisfies Partial<ServerPort>;
}

/** The operator's actions, and the tests that change nothing. */
function actionPort(
  services: ActionServices,
  { current, reload }: Pick<PortParts, "current" | "reload">,
  note: NoteAction,
) {
  return {
    explainRoute: (request, { door, tenant }) =>
      explainRequest(current(), services, { request, endpointName: door, tenant }),
    testProvider(id, model, { request, caller, facts }) {
      if (current().pipeline.providers.has(id)) note({ caller, facts }, "provider.test", id);
      return testProvider(current(), services, {
        provider: id,
        model,
        signal: request.signal,
        admission: { requestId: facts.requestId, arrivedMs: facts.arrivedMs, caller, connection: facts },
      });
    },
    async reload(call) {
      const done = await reload("api");
      note(call, "config.reload", done.config ?? "", reloadSummary(done));
      const { needsRestart, ...report } = done;
      if (report.error?.code === "shutting_down") throw new Failure("shutting-down", report.error.message);
      if (report.error?.code === "at_capacity") throw atCapacity(report.error.message);
      if (report.error?.code === "internal_error") throw new Failure("internal", report.error.message);
      return { ...report, needs_restart: needsRestart };
    },
    resetProvider(id, call) {
      if (!current().pipeline.providers.has(id)) return false;
      services.health.reset(id);
      services.log.info(`provider ${id} was reset by the operator`);
      note(call, "provider.reset", id);
      return true;
    },
    cancelRequest(id, call) {
      const isDone = services.live.cancel(
        id,
        new Failure("cancelled", "The operator cancelled this request."),
      );
      if (isDone) note(call, "request.cancel", id);
      return isDone;
    },
  } satisfies Partial<ServerPort>;
}

const text = (query: URLSearchParams, name: string): string | undefined => query.get(name) ?? undefined;

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw new Failure("invalid-request", `${name} must be a whole number.`, { param: name });
  return Number(value);
}

const withoutUndefined = <T extends Record<string, unknown>>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** A card from the list, or one for any name that a request could use: SDKs ask for models that no list contains. */
function findCard(snapshot: ConfigSnapshot, id: string): ModelCard | null {
  const listed = [...snapshot.cards(), ...snapshot.claudeCards()].find((card) => card.id === id);
  if (listed !== undefined) return listed;
  const target = snapshot.pipeline.router.targetOf(id);
  const card = snapshot.cards().find((each) => each.id === `${target?.provider}/${target?.model}`);
  return card === undefined ? null : { ...card, id };
}
