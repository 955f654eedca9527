// A server with the real page and a made-up /api, for tests and for looking at the page: `bun test/dashboard/fake-api.ts`.
// A page's own answers are rows of their own, given to `startFakeApi`; the first row that matches answers.

import { dashboardRoutes } from "../../src/server/dashboard-routes.ts";
import type { LiveRow } from "../../src/dashboard/client/api-shapes.ts";
import type { Alert } from "../../src/dashboard/client/operator/shapes.ts";
import { fakeRecords, hostileNames, rowOf, sessionNames } from "./fake-records.ts";
import { fakeSeries, fakeSession, fakeSessions, filtered } from "./fake-reports.ts";

export type FakeCall = {
  readonly request: Request;
  readonly query: URLSearchParams;
  /** The part of the path that the row's `*` stands for, decoded. */
  readonly name: string;
};
export type FakeRoute = {
  readonly method: string;
  /** At most one `*`, for one segment. */
  readonly path: string;
  answer(call: FakeCall): unknown;
};

export type FakeApi = {
  readonly url: string;
  /** Reports that browsers sent of a broken content policy, and every path below /api that nobody answers. */
  readonly unknownPaths: readonly string[];
  readonly cancelled: readonly string[];
  stop(): Promise<void>;
};

export const refused = (status: number, message: string): Response =>
  Response.json({ error: { message, type: "invalid_request_error", param: null, code: null } }, { status });

const startMs = Date.now();

function liveRows(cancelled: readonly string[]): readonly LiveRow[] {
  const now = Date.now();
  const rows: LiveRow[] = [
    ["streaming", "anthropic", 412, 61.5],
    ["streaming", "claude-code", 1804, 48.2],
    ["waiting", "ollama", null, null],
    ["asking", "openai", null, null],
    ["reading", null, null, null],
  ].map(([stage, provider, tokens, speed], at) => ({
    id: `01KBALIVE${at}`,
    door: "anthropic-messages",
    tenant: at === 3 ? hostileNames[0] : "team-search",
    started_at_ms: startMs - at * 2300,
    stage: String(stage),
    model: at === 4 ? "" : at === 3 ? hostileNames[1] : "claude-sonnet-4-5",
    provider: provider === null ? null : String(provider),
    queue: stage === "waiting" ? { provider: "ollama", position: 3, waited_ms: 4100 } : null,
    session: sessionNames[at] ?? null,
    client: "claude-code",
    agent: at === 1 ? "agent-1" : null,
    rule: "explicit-model",
    output_tokens: tokens === null ? null : Number(tokens) + Math.round((now - startMs) / 40),
    tokens_per_second: speed === null ? null : Number(speed),
  }));
  return rows.filter(({ id }) => !cancelled.includes(id));
}

const alerts: readonly Alert[] = [
  {
    id: "a1",
    kind: "provider-out",
    severity: "critical",
    subject: "openai",
    message: "openai answers nothing: 429 since its quota was reached.",
    since_ms: startMs - 900_000,
    until_ms: startMs + 5_400_000,
    value: null,
    limit: null,
  },
  {
    id: "a2",
    kind: "budget",
    severity: "warning",
    subject: "team-search",
    message: `team-search ${hostileNames[0]} has used 84 % of its budget of this month.`,
    since_ms: startMs - 3_600_000,
    until_ms: null,
    value: 84,
    limit: 100,
  },
];

function eventStream(query: URLSearchParams, cancelled: readonly string[], signal: AbortSignal): Response {
  const only = (query.get("only") ?? "").split(",");
  const records = fakeRecords(Date.now(), 40).map(rowOf);
  let seq = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  // A viewer who leaves is told by either of the two, or by both; an event after that would be an error of the whole test run.
  const end = (): void => clearInterval(timer);
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (kind: string, data: unknown): void => {
        if (only.includes(kind))
          controller.enqueue(
            encoder.encode(`event: ${kind}\nid: run-${seq}\ndata: ${JSON.stringify(data)}\n\n`),
          );
      };
      const tick = (): void => {
        seq += 1;
        send("live", { requests: liveRows(cancelled) });
        send("log", {
          seq,
          at_ms: Date.now(),
          level: ["debug", "info", "warn", "error"][seq % 4],
          message: seq % 5 === 0 ? hostileNames[5] : "request answered",
          fields: { provider: "anthropic", status: 200, error: seq % 4 === 3 ? hostileNames[0] : undefined },
        });
        const row = records[seq % records.length];
        if (row !== undefined && seq % 3 === 0)
          send("request", {
            ...row,
            id: 100_000 + seq,
            request_id: `01KBANEW${seq}`,
            timestamp: Date.now() / 1000,
          });
      };
      tick();
      timer = setInterval(tick, 700);
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    },
    cancel: end,
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
}

function ownRoutes(cancelled: string[]): readonly FakeRoute[] {
  const now = (): number => Date.now();
  const records = fakeRecords(startMs);
  const get = (path: string, answer: FakeRoute["answer"]): FakeRoute => ({ method: "GET", path, answer });
  const requests = ({ query }: FakeCall): unknown => {
    const rows = filtered(records, query, now()).map(rowOf);
    const from = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 50);
    const next = from + limit < rows.length ? String(from + limit) : null;
    return { requests: rows.slice(from, from + limit), next, complete: true, searched_to_ms: null };
  };
  return [
    get("/api/session", () => ({
      signed_in: true,
      can_read: true,
      can_write: true,
      has_admin_key: true,
      expires_ms: startMs + 43_200_000,
    })),
    get("/api/series", ({ query }) => fakeSeries(records, query, now())),
    get("/api/requests", requests),
    get("/api/requests/*", ({ name }) => {
      const request = records.find((row) => row.request_id === name || String(row.id) === name);
      return request === undefined ? refused(404, "There is no request with that id.") : { request };
    }),
    get("/api/sessions", ({ query }) => ({
      sessions: fakeSessions(filtered(records, query, now())),
      next: null,
    })),
    get(
      "/api/sessions/*",
      ({ name }) => fakeSession(records, name) ?? refused(404, "There is no session with that id."),
    ),
    get("/api/live", () => ({ requests: liveRows(cancelled) })),
    get("/api/alerts", () => ({ alerts, recent: [] })),
    get("/api/events", ({ query, request }) => eventStream(query, cancelled, request.signal)),
    get("/api/logs", () => ({ lines: [], entries: [] })),
    {
      method: "POST",
      path: "/api/requests/*/cancel",
      answer: ({ name }) => {
        cancelled.push(name);
        return { ok: true };
      },
    },
  ];
}

function nameAt(pattern: string, path: string): string | null {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return pattern === path ? "" : null;
  if (!path.startsWith(before) || !path.endsWith(after)) return null;
  const raw = path.slice(before.length, path.length - after.length);
  return raw === "" || raw.includes("/") ? null : decodeURIComponent(raw);
}

export function startFakeApi(extra: readonly FakeRoute[] = [], port = 0): FakeApi {
  const unknownPaths: string[] = [];
  const cancelled: string[] = [];
  const routes = [...extra, ...ownRoutes(cancelled)];
  const [pageRow, belowRow] = dashboardRoutes();
  const page = (request: Request, path: string): Response | Promise<Response> => {
    const name = decodeURIComponent(path.slice("/dashboard/".length));
    const row = name === "" ? pageRow : belowRow;
    // The page's routes read nothing else of a call.
    const call = { request, name } as Parameters<NonNullable<typeof row>["answer"]>[0];
    return row?.answer(call) ?? refused(404, "no page");
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/dashboard" || pathname.startsWith("/dashboard/")) return page(request, pathname);
      for (const route of routes) {
        const name = nameAt(route.path, pathname);
        if (name === null || route.method !== request.method) continue;
        const answer = await route.answer({ request, query: searchParams, name });
        return answer instanceof Response ? answer : Response.json(answer);
      }
      unknownPaths.push(`${request.method} ${pathname}`);
      return refused(404, "There is no such path.");
    },
    error: (error) => refused(500, error.message),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    unknownPaths,
    cancelled,
    stop: () => server.stop(true),
  };
}

if (import.meta.main) console.log(`${startFakeApi([], Number(process.argv[2] ?? 0)).url}/dashboard`);
