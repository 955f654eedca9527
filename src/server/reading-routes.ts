// The routes that read records, follow events and examine the gateway. It must never read a body.

import type { RouteClass } from "../pipeline/access.ts";
import { notFound, operatorJson } from "./answers.ts";
import { readingDescriptions } from "./reading-descriptions.ts";
import type { Call, Route } from "./routes.ts";
import type { ServerPort } from "./server-port.ts";

type Row = readonly [path: string, detail: Route["detail"], answer: Route["answer"]];

export function readingRoutes(gateway: ServerPort): readonly Route[] {
  const reads: readonly Row[] = [
    [
      "/api/series",
      readingDescriptions.series,
      async (call) => operatorJson(await gateway.series(queryOf(call))),
    ],
    [
      "/api/requests",
      readingDescriptions.requests,
      async (call) => operatorJson(await gateway.requests(queryOf(call))),
    ],
    [
      "/api/requests/*",
      readingDescriptions.request,
      async (call) =>
        found(await gateway.request(call.name), "There is no record of a request with that id."),
    ],
    [
      "/api/sessions",
      readingDescriptions.sessions,
      async (call) => operatorJson(await gateway.sessions(queryOf(call))),
    ],
    [
      "/api/sessions/*",
      readingDescriptions.session,
      async (call) =>
        found(await gateway.session(call.name, queryOf(call)), "No request of that session is recorded."),
    ],
    ["/api/export", readingDescriptions.export, (call) => exportAnswer(gateway, call)],
    ["/api/events", readingDescriptions.events, (call) => eventAnswer(gateway, call)],
    ["/api/rules", readingDescriptions.rules, () => operatorJson(gateway.routingRules())],
    ["/api/claude", readingDescriptions.claude, async () => operatorJson(await gateway.claude())],
  ];
  const row = (method: Route["method"], routeClass: RouteClass, [path, detail, answer]: Row): Route => ({
    method,
    path,
    routeClass,
    takesBody: false,
    isEndpoint: false,
    detail,
    answer,
  });
  const doctor = async (call: Call): Promise<Response> => {
    call.facts.keepOpen();
    return operatorJson(await gateway.doctor(call));
  };
  return [
    ...reads.map((each) => row("GET", "read", each)),
    row("POST", "write", ["/api/doctor", readingDescriptions.doctor, doctor]),
  ];
}

const queryOf = ({ query }: Call): URLSearchParams => new URLSearchParams(query);

function found(answer: unknown, missing: string): Response {
  if (answer === null) throw notFound(missing);
  return operatorJson(answer);
}

/** Elysia answers HEAD by the row of GET, and a stream would never be read. */
const isHead = ({ request }: Call): boolean => request.method === "HEAD";

function exportAnswer(gateway: ServerPort, call: Call): Response {
  if (isHead(call)) return streamed(null, {});
  const { contentType, fileName, body } = gateway.exportRequests(queryOf(call), call.request.signal);
  call.facts.keepOpen();
  return streamed(body, {
    "content-type": contentType,
    "content-disposition": `attachment; filename="${fileName}"`,
  });
}

function eventAnswer(gateway: ServerPort, call: Call): Response {
  const { request, facts } = call;
  if (isHead(call)) return streamed(null, eventHeaders);
  const body = gateway.events({
    query: queryOf(call),
    lastEventId: request.headers.get("last-event-id"),
    signal: request.signal,
    disconnect: () => facts.close(),
    isAllowed: () => mayStillRead(gateway, call),
  });
  facts.keepOpen();
  return streamed(body, eventHeaders);
}

const eventHeaders = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };

function mayStillRead(gateway: ServerPort, { facts }: Call): boolean {
  try {
    gateway.authorize("read", facts);
    return true;
  } catch {
    // The key was changed, or the cookie has ended: the stream ends, and the next request says why.
    return false;
  }
}

/** Bun pulls a generator as fast as the client reads; the DOM types of Response accept only streams. */
function streamed(body: Bun.BodyInit | null, headers: Readonly<Record<string, string>>): Response {
  return new Response(body as BodyInit | null, {
    headers: { ...headers, "cache-control": "no-store, no-transform", "x-content-type-options": "nosniff" },
  });
}
