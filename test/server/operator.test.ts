// The operator's routes around routing and providers: who may call them, what they take, how they refuse.

import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway, goodKey } from "./fake-gateway.ts";

const gateway = fakeGateway();
const server = createServer(gateway, { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));

const base = `http://127.0.0.1:${server.port}`;
const bearer = { authorization: `Bearer ${goodKey}` };
const jsonType = { "content-type": "application/json" };
const classOf = async (path: string, init: RequestInit): Promise<string | undefined> => {
  await (await fetch(base + path, init)).text();
  return gateway.classes.at(-1);
};

describe("POST /api/route", () => {
  test("passes on the body and the endpoint, and is never cached", async () => {
    const answer = await fetch(`${base}/api/route?door=messages`, {
      method: "POST",
      headers: { ...bearer, ...jsonType },
      body: '{"model":"auto"}',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({ door: "messages", body: { model: "auto" } });
  });

  test("is of class read, wants JSON and a key, and answers POST alone", async () => {
    const post = { method: "POST", headers: { ...bearer, ...jsonType }, body: "{}" };
    expect(await classOf("/api/route", post)).toBe("read");
    const typeless = await fetch(`${base}/api/route`, { method: "POST", headers: bearer, body: "{}" });
    expect(typeless.status).toBe(415);
    const keyless = await fetch(`${base}/api/route`, { method: "POST", headers: jsonType, body: "{}" });
    expect(keyless.status).toBe(401);
    expect(await keyless.json()).toEqual({ error: expect.objectContaining({ message: expect.any(String) }) });
    const got = await fetch(`${base}/api/route`, { headers: bearer });
    expect(got.status).toBe(405);
    expect(got.headers.get("allow")).toBe("POST");
  });

  test("a body over the limit is refused before it is read", async () => {
    const answer = await fetch(`${base}/api/route`, {
      method: "POST",
      headers: { ...bearer, ...jsonType },
      body: JSON.stringify({ text: "x".repeat(2_000) }),
    });
    expect(answer.status).toBe(413);
  });
});

describe("providers", () => {
  test("the list is of class read", async () => {
    const answer = await fetch(`${base}/api/providers`, { headers: bearer });
    expect(await answer.json()).toEqual({ providers: [{ id: "openai" }] });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await classOf("/api/providers", { headers: bearer })).toBe("read");
  });

  test("a test is of class write, takes the model from the query and needs no body", async () => {
    const send = (path: string) => fetch(base + path, { method: "POST", headers: bearer });
    const answer = await send("/api/providers/openai/test?model=org%2Fbig");
    expect(await answer.json()).toEqual({ provider: "openai", model: "org/big", ok: true });
    expect(gateway.classes.at(-1)).toBe("write");
    expect(await (await send("/api/providers/openai/test")).json()).toMatchObject({ model: null });
    expect((await send("/api/providers/other/test")).status).toBe(404);
    expect((await fetch(`${base}/api/providers/openai/test`, { headers: bearer })).status).toBe(405);
  });
});

test("all of them stand in the API description", async () => {
  const { paths } = (await (await fetch(`${base}/swagger/json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: unknown; parameters?: unknown[] }>>;
  };
  expect(paths["/api/providers"]?.["get"]).toBeDefined();
  expect(paths["/api/route"]?.["post"]?.requestBody).toBeDefined();
  expect(JSON.stringify(paths["/api/route"])).toContain("schemas/RouteExplanation");
  expect(JSON.stringify(paths["/api/providers/{id}/test"]?.["post"])).toContain("schemas/ProviderTest");
});

describe("signing in, the config file and keys", () => {
  const write = { headers: { ...bearer, ...jsonType }, body: "{}" };
  test.each([
    ["GET", "/api/session", "public", 200],
    ["POST", "/api/session", "public", 200],
    ["DELETE", "/api/session", "public", 204],
    ["POST", "/api/session/code", "write", 200],
    ["GET", "/api/audit", "read", 200],
    ["POST", "/api/config/check", "write", 200],
    ["PUT", "/api/config", "write", 412],
    ["POST", "/api/config/undo", "write", 200],
    ["POST", "/api/tenants/alice/keys", "write", 200],
    ["POST", "/api/tenants/alice/keys/ab12cd34/rotate", "write", 200],
    ["DELETE", "/api/tenants/alice/keys/ab12cd34", "write", 409],
  ])("%s %s is of class %s", async (method, path, routeClass, status) => {
    const init = method === "GET" ? { headers: bearer } : { ...write, method };
    const answer = await fetch(base + path, init);
    expect([gateway.classes.at(-1), answer.status, answer.headers.get("cache-control")]).toEqual([
      routeClass,
      status,
      "no-store",
    ]);
    await answer.text();
    if (routeClass === "public") return;
    const keyless = await fetch(base + path, method === "GET" ? {} : { ...write, headers: jsonType, method });
    expect(keyless.status).toBe(401);
  });

  test("both names of a path arrive decoded, and each is one segment", async () => {
    const ask = async (path: string) => {
      const answer = await fetch(base + path, { ...write, method: "POST" });
      return answer.status === 200 ? ((await answer.json()) as { named: string }).named : answer.status;
    };
    expect(await ask("/api/tenants/a%20b/keys/ab12/rotate")).toBe("a b/ab12");
    for (const path of [
      "/api/tenants//keys/x/rotate",
      "/api/tenants/a/b/keys/x/rotate",
      "/api/tenants/a/keys/%zz/rotate",
    ])
      expect([path, await ask(path)]).toEqual([path, 404]);
  });

  test("a form, a text and a foreign page are refused before anything happens", async () => {
    const put = (headers: Record<string, string>) =>
      fetch(`${base}/api/config`, { method: "PUT", headers: { ...bearer, ...headers }, body: "{}" });
    expect((await put({ "content-type": "text/plain" })).status).toBe(415);
    expect((await put({ ...jsonType, origin: "https://evil.example" })).status).toBe(403);
    expect((await put({ ...jsonType, host: "evil.example" })).status).toBe(421);
    expect((await put(jsonType)).headers.get("etag")).toBe('"e"');
  });

  test("every route of theirs is in the API description", async () => {
    const { paths } = (await (await fetch(`${base}/swagger/json`)).json()) as {
      paths: Record<string, object>;
    };
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        "/api/session",
        "/api/session/code",
        "/api/audit",
        "/api/config/check",
        "/api/config/undo",
        "/api/tenants/{id}/keys",
        "/api/tenants/{id}/keys/{fingerprint}",
        "/api/tenants/{id}/keys/{fingerprint}/rotate",
      ]),
    );
    expect(Object.keys(paths["/api/config"] ?? {}).toSorted()).toEqual(["get", "put"]);
  });
});
