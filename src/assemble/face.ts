// The house as the HTTP face sees it: every question answered by the generation in force.

import type { ModelCard } from "../dialects/dialect.ts";
import { dialects } from "../dialects/table.ts";
import { longestModel } from "../canon/bounds.ts";
import { atCapacity, Failure } from "../canon/failure.ts";
import { createUlids } from "../canon/id.ts";
import type { LiveRequest } from "../pipeline/live.ts";
import { handle } from "../pipeline/pipeline.ts";
import type { Face } from "../server/face.ts";
import { version } from "../system/identity.ts";
import type { LogTail } from "../system/log-tail.ts";
import { apiSchemas } from "./api-schemas.ts";
import { configReport, type Peek } from "./config-report.ts";
import { explainRequest } from "./explain-request.ts";
import type { Assembled } from "./generation.ts";
import { healthReport } from "./health-report.ts";
import type { HouseEstate } from "./estate.ts";
import { logReport } from "./log-report.ts";
import type { Premises, Trouble } from "./premises.ts";
import type { Reloader } from "./reload.ts";
import { providerReport } from "./provider-report.ts";
import { testProvider } from "./provider-test.ts";
import { namesFor } from "./tenant-policies.ts";
import { tenantReport } from "./tenant-report.ts";

export function createFace(
  estate: HouseEstate,
  current: () => Assembled,
  { reload, standing, peek }: Pick<Reloader, "reload" | "standing"> & { readonly peek: Peek },
  premises: Pick<Premises, "look">,
  lasting: () => readonly Trouble[],
  logTail: LogTail,
): Face {
  const text = (query: URLSearchParams, name: string): string | undefined => query.get(name) ?? undefined;
  const whole = (query: URLSearchParams, name: string): number | undefined => {
    const value = query.get(name);
    if (value === null) return undefined;
    if (!/^\d{1,15}$/.test(value))
      throw new Failure("invalid-request", `${name} must be a whole number.`, { param: name });
    return Number(value);
  };
  const optional = <T extends Record<string, unknown>>(
    fields: T,
  ): { [K in keyof T]?: Exclude<T[K], undefined> } =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
      [K in keyof T]?: Exclude<T[K], undefined>;
    };

  const newUlid = createUlids();
  return {
    version,
    log: estate.log,
    refused: estate.refused,
    rules: () => current().rules,
    access: (routeClass, facts) => current().access(routeClass, facts),
    glance: (facts) => current().access.glance(facts),
    door: (door, request, caller, facts) =>
      handle(
        door,
        request,
        {
          caller,
          pathName: facts.pathName,
          requestId: facts.requestId,
          arrivedMs: facts.arrivedMs,
          connection: facts,
        },
        current().road,
        estate,
      ),
    modelList(dialect, caller) {
      estate.clis.refreshAllModels();
      const mayUse = namesFor(current().road, caller.tenant);
      const cards = [
        ...current().cards(),
        ...(dialect === "anthropic-messages" ? current().claudeCards() : []),
      ];
      return dialects[dialect].client.encodeModelList(cards.filter(({ id }) => mayUse(id)));
    },
    model(dialect, id, caller) {
      if (id.length > longestModel) return null;
      const card = namesFor(current().road, caller.tenant)(id) ? findCard(current(), id) : null;
      return card === null ? null : dialects[dialect].client.encodeModel(card);
    },
    health: async (_isReadyCheck, mayRead) =>
      healthReport(estate, current(), {
        mayRead,
        sight: await premises.look(),
        disk: standing(),
        lasting: lasting(),
      }),
    stats: (query) =>
      estate.reports.stats({ nowMs: estate.clock.nowMs(), ...optional({ tenant: text(query, "tenant") }) }),
    async recent(query) {
      const failure = text(query, "failure");
      const requests = await estate.reports.recent(
        optional({
          limit: whole(query, "limit"),
          before: whole(query, "before"),
          provider: text(query, "provider"),
          tenant: text(query, "tenant"),
          layer: text(query, "layer"),
          failure: failure === "true" ? (true as const) : failure,
        }),
      );
      return { requests };
    },
    logs: (query) => logReport(logTail, estate.redact, whole(query, "limit"), whole(query, "cursor")),
    live: () => ({
      requests: estate.live.list().map(liveView),
    }),
    config: () => configReport(estate, current(), standing(), peek),
    providers: () => providerReport(estate, current()),
    tenants: () => tenantReport(estate, current()),
    explainRoute: (request, { door, tenant }) => explainRequest(current(), estate, request, door, tenant),
    testProvider: (id, model, { request, caller, facts }) =>
      testProvider(current(), estate, {
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
      if (!current().road.providers.has(id)) return false;
      estate.health.reset(id);
      estate.log.info(`provider ${id} was reset by the operator`);
      return true;
    },
    cancelRequest: (id) =>
      estate.live.cancel(id, new Failure("cancelled", "The operator cancelled this request.")),
    encodeFailure: (dialect, failure, requestId) =>
      dialects[dialect].client.encodeFailure(failure, requestId),
    newRequestId: () => newUlid(estate.clock.nowMs()),
    monotonicMs: estate.clock.monotonicMs,
    beside: estate.restsOfBodies.beside,
    wait: (ms) => new Promise((resolve) => void estate.clock.setTimer(ms, resolve)),
    apiSchemas,
  };
}

/** `queue`: null while it does not wait. */
const liveView = ({ id, door, tenant, startedAtMs, stage, model, provider, waitsAt }: LiveRequest) => ({
  id,
  door,
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
function findCard(assembled: Assembled, id: string): ModelCard | null {
  const listed = [...assembled.cards(), ...assembled.claudeCards()].find((card) => card.id === id);
  if (listed !== undefined) return listed;
  const target = assembled.road.router.targetOf(id);
  const card = assembled.cards().find((each) => each.id === `${target?.provider}/${target?.model}`);
  return card === undefined ? null : { ...card, id };
}
