// A house made of cardboard: it answers what a test tells it to, and remembers who knocked.
// It must never stand in for the pipeline's own tests.

import { z } from "zod";
import { Failure, failureFrom } from "../../src/canon/failure.ts";
import type { DialectName } from "../../src/canon/request.ts";
import type { Caller, RouteClass } from "../../src/pipeline/access.ts";
import type { Door } from "../../src/pipeline/doors.ts";
import type { DoorFacts, Face, HostRules } from "../../src/server/face.ts";
import { createBodyBook } from "../../src/pipeline/body-book.ts";
import { Upload } from "../../src/pipeline/upload.ts";

export type Knock = { readonly door: string; readonly caller: Caller; readonly body: string };

export type FakeFace = Face & {
  hostRules: HostRules;
  readonly knocks: Knock[];
  readonly logged: string[];
  /** What was kept back, and for how long. */
  readonly waits: number[];
  holdMs: number;
  /** The dialect of the last error. */
  spoken: DialectName | null;
  readonly classes: RouteClass[];
  status: "ok" | "degraded" | "down";
  answerDoor: ((request: Request, facts: DoorFacts) => Promise<Response>) | null;
};

export const goodKey = "sk-good";

export function fakeFace(): FakeFace {
  const doorAnswer = async (
    door: Door,
    request: Request,
    caller: Caller,
    facts: DoorFacts,
  ): Promise<Response> => {
    if (face.answerDoor !== null) return face.answerDoor(request, facts);
    const limitBytes = face.hostRules.bodyLimitBytes;
    const rules = {
      limitBytes,
      memoryBytes: 10 * limitBytes,
      leastRate: 0,
      graceMs: 0,
      patienceMs: 0,
      firstLookMs: Infinity,
    };
    const upload = new Upload(request, createBodyBook().operator, rules, 0);
    try {
      const body = upload.whole(await upload.read());
      face.knocks.push({ door: door.name, caller, body: body.toString() });
      return Response.json({ door: door.name });
    } catch (thrown) {
      const failure = failureFrom(upload.unread(thrown));
      const error = face.encodeFailure(door.dialect, failure, facts.requestId);
      return Response.json(error, { status: failure.status });
    }
  };
  let ids = 0;
  const face: FakeFace = {
    hostRules: {
      bindHost: "127.0.0.1",
      allowedHosts: ["gateway.example", "gw"],
      allowedOrigins: ["https://app.example"],
      bodyLimitBytes: 1000,
    },
    knocks: [],
    logged: [],
    waits: [],
    holdMs: 0,
    spoken: null,
    classes: [],
    status: "ok",
    answerDoor: null,
    rules: () => face.hostRules,
    access(routeClass, facts) {
      face.classes.push(routeClass);
      if (routeClass === "public") return { tenant: null, keyId: null, isAdmin: false };
      if (facts.headers.get("authorization") !== `Bearer ${goodKey}`)
        throw new Failure("unauthorized", "The key was not accepted.", { holdMs: face.holdMs });
      return { tenant: null, keyId: "abcd1234", isAdmin: routeClass !== "data" };
    },
    async door(door: Door, request, caller, facts) {
      const answer = await doorAnswer(door, request, caller, facts);
      answer.headers.set("x-request-id", facts.requestId);
      answer.headers.set("request-id", facts.requestId);
      return answer;
    },
    modelList: (dialect) => ({ dialect, data: ["auto"] }),
    model: (dialect, id) => (id === "auto" || id === "openai/gpt" ? { dialect, id } : null),
    glance: ({ headers }) => ({
      mayRead: headers.get("authorization") === `Bearer ${goodKey}`,
      holdMs: headers.get("authorization") === "Bearer wrong" ? face.holdMs : 0,
    }),
    health: (isReadyCheck, mayRead) => Promise.resolve({ status: face.status, isReadyCheck, mayRead }),
    stats: (query) => Promise.resolve({ days: query.get("days") }),
    recent: (query) =>
      query.get("limit") === "boom"
        ? Promise.reject(new Error("secret/path"))
        : Promise.resolve({ requests: [] }),
    config: () => Promise.resolve({ path: null }),
    live: () => ({ requests: [] }),
    logs: () => ({ lines: [], cursor: 0 }),
    providers: () => Promise.resolve({ providers: [{ id: "openai" }] }),
    tenants: () => ({ tenants: [] }),
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
    encodeFailure(dialect, failure, requestId) {
      face.spoken = dialect;
      const { message, kind: type, param, code } = failure;
      return dialect === "anthropic-messages"
        ? { type: "error", error: { type, message }, request_id: requestId }
        : { error: { message, type, param, code } };
    },
    newRequestId: () => `request-${++ids}`,
    monotonicMs: () => performance.now(),
    beside: (response) => response,
    wait(ms) {
      face.waits.push(ms);
      return Promise.resolve();
    },
    log: { error: (message, fields) => void face.logged.push(`${message} ${String(fields.error)}`) },
    version: "0.0.0-test",
    refused: () => undefined,
    async apiSchemas() {
      const part: z.ZodType = z.lazy(() => z.object({ text: z.string().nullish(), parts: z.array(part) }));
      return {
        chat: z.looseObject({ model: z.string(), messages: z.array(part) }),
        messages: z.looseObject({ model: z.string(), max_tokens: z.int() }),
      };
    },
  };
  return face;
}
