// The routes of records and events over HTTP: who may call them, how names in paths are read, and what has no record.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "../../src/server/server.ts";
import { fakeGateway, type FakeGateway, goodKey } from "./fake-gateway.ts";

let gateway: FakeGateway;
let server: Server;

beforeAll(() => {
  gateway = fakeGateway();
  server = createServer(gateway, { hostname: "127.0.0.1", port: 0 });
});
afterAll(() => server.stop(0));

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${goodKey}`, ...init.headers },
  });

test.each([
  ["/api/series?by=model", "read", { by: "model" }],
  ["/api/requests?model=a%2Fb", "read", { model: "a/b" }],
  ["/api/requests/01ABC", "read", { request: { id: "01ABC" } }],
  ["/api/sessions", "read", { sessions: [] }],
  ["/api/sessions/a%2Fb?tenant=t", "read", { session: "a/b", tenant: "t" }],
  ["/api/rules", "read", { rules: [] }],
  ["/api/claude", "read", { programs: [] }],
] as const)("GET %s is of class %s", async (path, routeClass, body) => {
  gateway.classes.length = 0;
  const answer = await ask(path);
  expect(gateway.classes).toEqual([routeClass]);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect((await answer.json()) as unknown).toEqual(body);
});

test("what is not recorded is 404, in words of its own", async () => {
  for (const [path, words] of [
    ["/api/requests/01NONE", "no record of a request"],
    ["/api/sessions/none", "No request of that session"],
  ] as const) {
    const answer = await ask(path);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain(words);
  }
});

test("a doctor run is of class write and takes no GET", async () => {
  gateway.classes.length = 0;
  expect((await (await ask("/api/doctor", { method: "POST" })).json()) as unknown).toEqual({
    ok: true,
    findings: [],
  });
  expect(gateway.classes).toEqual(["write"]);
  expect((await ask("/api/doctor")).status).toBe(405);
});

test("an export is a file, and events begin after the last one that was seen", async () => {
  const file = await ask("/api/export?format=csv");
  expect(file.headers.get("content-type")).toContain("text/csv");
  expect(file.headers.get("content-disposition")).toBe('attachment; filename="requests.csv"');
  expect(await file.text()).toBe("id\r\n1\r\n");
  const events = await ask("/api/events", { headers: { "last-event-id": "run-7" } });
  expect(events.headers.get("content-type")).toContain("text/event-stream");
  expect(await events.text()).toContain('{"after":"run-7"}');
});

test("HEAD opens no stream", async () => {
  const { events, exportRequests } = gateway;
  let opened = 0;
  gateway.events = (request) => ((opened += 1), events(request));
  gateway.exportRequests = (query, signal) => ((opened += 1), exportRequests(query, signal));
  for (const path of ["/api/events", "/api/export"]) {
    const answer = await ask(path, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  }
  expect(opened).toBe(0);
  Object.assign(gateway, { events, exportRequests });
});

test("a foreign website reads none of it", async () => {
  for (const path of ["/api/events", "/api/export", "/api/requests"])
    expect((await ask(path, { headers: { origin: "https://evil.example" } })).status).toBe(403);
});
