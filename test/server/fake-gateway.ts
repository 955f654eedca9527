// A stand-in for the app: it answers as a test says, and remembers the requests.
// It must never stand in for the pipeline's own tests.

import { z } from "zod";
import { Failure, failureFrom } from "../../src/canon/failure.ts";
import type { Caller, RouteClass } from "../../src/pipeline/access.ts";
import type { Endpoint } from "../../src/pipeline/endpoints.ts";
import type { OperatorPort } from "../../src/server/operator-port.ts";
import type { ServerPort, HostRules } from "../../src/server/server-port.ts";
import type { ServerRequestFacts } from "../../src/server/operator-call.ts";
import { createBodyMemory } from "../../src/pipeline/body/body-memory.ts";
import { Upload } from "../../src/pipeline/body/upload.ts";

export type ReceivedRequest = { readonly door: string; readonly caller: Caller; readonly body: string };

export type FakeGateway = ServerPort &
  OperatorPort & {
    hostRules: HostRules;
    readonly received: ReceivedRequest[];
    readonly logged: string[];
    /** What was kept back, and for how long. */
    readonly waits: number[];
    holdMs: number;
    /** The dialect of the last error. */
    spoken: Endpoint["dialect"] | null;
    readonly classes: RouteClass[];
    status: "ok" | "degraded" | "down";
    answerEndpoint: ((request: Request, facts: ServerRequestFacts) => Promise<Response>) | null;
  };

export const goodKey = "sk-good";

export function fakeGateway(): FakeGateway {
  const endpointAnswer = async (
    door: Endpoint,
    request: Request,
    caller: Caller,
    facts: ServerRequestFacts,
  ): Promise<Response> => {
    if (gateway.answerEndpoint !== null) return gateway.answerEndpoint(request, facts);
    const limitBytes = gateway.hostRules.bodyLimitBytes;
    const rules = {
      limitBytes,
      memoryBytes: 10 * limitBytes,
      minRate: 0,
      graceMs: 0,
      memoryWaitMs: 0,
      firstCheckMs: Infinity,
    };
    const upload = new Upload(request, createBodyMemory().operator, rules, 0);
    try {
      const body = upload.whole(await upload.read());
      gateway.received.push({ door: door.name, caller, body: body.toString() });
      return Response.json({ door: door.name });
    } catch (thrown) {
      const failure = failureFrom(upload.readFailure(thrown));
      const error = gateway.encodeFailure(door.dialect, failure, facts.requestId);
      return Response.json(error, { status: failure.status });
    }
  };
  let ids = 0;
  const gateway: FakeGateway = {
    hostRules: {
      bindHost: "127.0.0.1",
      allowedHosts: ["gateway.example", "gw"],
      allowedOrigins: ["https://app.example"],
      bodyLimitBytes: 1000,
    },
    received: [],
    logged: [],
    waits: [],
    holdMs: 0,
    spoken: null,
    classes: [],
    status: "ok",
    answerEndpoint: null,
    rules: () => gateway.hostRules,
    authorize(routeClass, facts) {
      gateway.classes.push(routeClass);
      if (routeClass === "public") return { tenant: null, keyId: null, isAdmin: false };
      if (facts.headers.get("authorization") !== `Bearer ${goodKey}`)
        throw new Failure("unauthorized", "The key was not accepted.", { holdMs: gateway.holdMs });
      return { tenant: null, keyId: "abcd1234", isAdmin: routeClass !== "data" };
    },
    async handle(door: Endpoint, request, caller, facts) {
      const answer = await endpointAnswer(door, request, caller, facts);
      answer.headers.set("x-request-id", facts.requestId);
      answer.headers.set("request-id", facts.requestId);
      return answer;
    },
    clawrouterCatalog: ({ keyId }) => Promise.resolve({ providers: [{ id: "clawgate", key: keyId }] }),
    clawrouterUsage: () => Promise.resolve({ budget: { configured: false }, usage: {} }),
    modelList: (dialect) => ({ dialect, data: ["auto"] }),
    model: (dialect, id) => (id === "auto" || id === "openai/gpt" ? { dialect, id } : null),
    readAccess: ({ headers }) => ({
      mayRead: headers.get("authorization") === `Bearer ${goodKey}`,
      holdMs: headers.get("authorization") === "Bearer wrong" ? gateway.holdMs : 0,
    }),
    health: (caller) => Promise.resolve({ status: gateway.status, ...caller }),
    stats: (query) => Promise.resolve({ days: query.get("days") }),
    recent: (query) =>
      query.get("limit") === "boom"
        ? Promise.reject(new Error("secret/path"))
        : Promise.resolve({ requests: [] }),
    config: () => Promise.resolve({ path: null }),
    live: () => ({ requests: [] }),
    metrics: async (accept) => ({ contentType: "text/plain; version=0.0.4", text: `# for ${accept}\n` }),
    logs: () => ({ lines: [], cursor: 0 }),
    series: (query) => Promise.resolve({ by: query.get("by") }),
    requests: (query) => Promise.resolve({ model: query.get("model") }),
    request: (id) => Promise.resolve(id === "01ABC" ? { request: { id } } : null),
    sessions: () => Promise.resolve({ sessions: [] }),
    session: (id, query) =>
      Promise.resolve(id === "a/b" ? { session: id, tenant: query.get("tenant") } : null),
    exportRequests: (query) => ({
      contentType: "text/csv; charset=utf-8; header=present",
      fileName: `requests.${query.get("format")}`,
      body: (async function* () {
        yield "id\r\n";
        yield "1\r\n";
      })(),
    }),
    events: ({ lastEventId }) =>
      (async function* () {
        yield `event: log\ndata: {"after":"${lastEventId}"}\n\n`;
      })(),
    routingRules: () => ({ rules: [] }),
    claude: () => Promise.resolve({ programs: [] }),
    doctor: () => Promise.resolve({ ok: true, findings: [] }),
    providers: () => Promise.resolve({ providers: [{ id: "openai" }] }),
    tenants: () => Promise.resolve({ tenants: [] }),
    keptResponse: (id) => ({ id }),
    deleteKeptResponse: (id) => ({ id, deleted: true }),
    cancelKeptResponse: (id) => Promise.resolve({ id, status: "cancelled" }),
    keptInputItems: () => ({ data: [] }),
    keptResponses: () => ({ answers: 0 }),
    deleteKeptResponses: async () => ({ deleted: 0 }),
    requestLog: () => Promise.resolve({ enabled: false }),
    loggedRequest: (id) => Promise.resolve(id === "01ABC" ? { id } : null),
    deleteLoggedRequests: (query) => Promise.resolve({ tenant: query.get("tenant"), deleted: 1 }),
    alerts: () => ({ alerts: [], recent: [] }),
    testAlert: () => Promise.resolve({ ok: true, deliveries: [] }),
    async explainRoute(request, { door }) {
      return { door, body: await request.json() };
    },
    testProvider: (id, model) =>
      id === "openai"
        ? Promise.resolve({ provider: id, model, ok: true })
        : Promise.reject(new Failure("not-found", "There is no such provider.")),
    reload: () => Promise.resolve({ ok: true }),
    resetProvider: (id) => id === "openai",
    cancelRequest: (id) => id === "01ABC",
    signInState: () => ({ state: { signed_in: false }, holdMs: gateway.holdMs }),
    signIn: () => Promise.resolve({ state: { signed_in: true }, cookie: "clawgate_session=t" }),
    signOut: () => "clawgate_session=",
    makeSignInCode: () => ({ code: "AAAA-BBBB", expires_ms: 1 }),
    checkConfig: () => Promise.resolve({ status: 200, body: { ok: true } }),
    saveConfig: () => Promise.resolve({ status: 412, body: { etag: '"e"' } }),
    undoConfig: () => Promise.resolve({ status: 200, body: { ok: true } }),
    createKey: (tenant) => Promise.resolve({ status: 200, body: { tenant } }),
    rotateKey: (named) => Promise.resolve({ status: 200, body: { named } }),
    revokeKey: (named) => Promise.resolve({ status: 409, body: { named } }),
    audit: () => ({ entries: [], next: null }),
    encodeFailure(dialect, failure, requestId) {
      gateway.spoken = dialect;
      const { message, kind: type, param, code } = failure;
      return dialect === "anthropic-messages"
        ? { type: "error", error: { type, message }, request_id: requestId }
        : { error: { message, type, param, code } };
    },
    newRequestId: () => `request-${++ids}`,
    monotonicMs: () => performance.now(),
    respondAndDrain: (response) => response,
    wait(ms) {
      gateway.waits.push(ms);
      return Promise.resolve();
    },
    log: { error: (message, fields) => void gateway.logged.push(`${message} ${String(fields.error)}`) },
    version: "0.0.0-test",
    onRefused: () => undefined,
    async apiSchemas() {
      const part: z.ZodType = z.lazy(() => z.object({ text: z.string().nullish(), parts: z.array(part) }));
      return {
        chat: z.looseObject({ model: z.string(), messages: z.array(part) }),
        messages: z.looseObject({ model: z.string(), max_tokens: z.int() }),
      };
    },
  };
  return gateway;
}
