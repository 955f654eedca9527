import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway, goodKey } from "./fake-gateway.ts";
import { say } from "./raw-socket.ts";

const gateway = fakeGateway();
const server = createServer(gateway, { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));
const own = `127.0.0.1:${server.port}`;

const get = (host: string, path = "/health", more = "") =>
  say(server.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`);

describe("Host", () => {
  test.each([
    "127.0.0.1",
    own,
    "localhost",
    "LocalHost:99",
    "localhost.",
    "[::1]",
    "[::1]:8090",
    "192.168.1.7:8090",
    "host.docker.internal:8090",
    "gateway.example",
    "GATEWAY.example:443",
    "gateway.example.",
    "gw",
  ])("%s is one of ours", async (host) => {
    expect((await get(host)).status).toBe(200);
  });

  test.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "2130706433",
    "127.1",
    "0x7f000001",
  ])("%s is somebody else: 421", async (host) => {
    const answer = await get(host);
    expect(answer.status).toBe(421);
  });

  test.each([
    "",
    "a b<>",
    "evil/../b?c",
    "user:password@127.0.0.1",
    "127.0.0.1/v1",
    "127.0.0.1, evil.example",
    "localhost:",
    "localhost:port",
    "[::1",
    "-",
    "..",
    "\u00e9vil",
    "x".repeat(300),
  ])("%p is malformed: 400", async (host) => {
    const answer = await get(host);
    expect(answer.status).toBe(400);
    expect(answer.headers["x-request-id"]).toMatch(/^request-/);
  });

  test("two Host headers: 400, whichever stands first", async () => {
    for (const pair of [`Host: ${own}\r\nHost: evil.example`, `Host: evil.example\r\nHost: ${own}`]) {
      const answer = await say(server.port, `GET /health HTTP/1.1\r\n${pair}\r\n\r\n`);
      expect(answer.status).toBe(400);
    }
  });

  test("HTTP/1.0 without a Host: 400 in the caller's dialect", async () => {
    const answer = await say(server.port, "GET /v1/messages HTTP/1.0\r\n\r\n");
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      type: "error",
      request_id: answer.headers["request-id"],
    });
  });

  test("HTTP/1.0 without a Host, as load balancers poll: what is public is answered, with one it is checked as ever", async () => {
    for (const [request, status] of [
      ["GET /health HTTP/1.0", 200],
      ["HEAD /health HTTP/1.0", 200],
      ["HEAD / HTTP/1.0", 200],
      ["GET /health HTTP/1.0\r\nHost: ", 400],
      ["GET /health HTTP/1.0\r\nHost: evil.example", 421],
      ["GET /health HTTP/1.0\r\nOrigin: http://evil.example", 403],
      ["GET /v1/models HTTP/1.0", 400],
      ["GET /api/config HTTP/1.0", 400],
      ["GET /nothing HTTP/1.0", 400],
    ] as const)
      expect([request, (await say(server.port, `${request}\r\n\r\n`)).status]).toEqual([request, status]);
  });

  test("a short name does not shift the path", async () => {
    const answer = await get("gw", "/v1/models", `Authorization: Bearer ${goodKey}\r\n`);
    expect(JSON.parse(answer.body)).toEqual({ dialect: "openai-chat", data: ["auto"] });
  });

  test("absolute-form reaches the same route, with its check", async () => {
    const ask = (key: string) =>
      say(server.port, `GET http://evil.example/v1/models HTTP/1.1\r\nHost: ${own}\r\n${key}\r\n`);
    expect((await ask("")).status).toBe(401);
    expect((await ask(`Authorization: Bearer ${goodKey}\r\n`)).status).toBe(200);
  });

  test("a reload brings its own names", async () => {
    const before = gateway.hostRules;
    gateway.hostRules = { ...before, allowedHosts: ["new.example"] };
    expect((await get("new.example")).status).toBe(200);
    expect((await get("gateway.example")).status).toBe(421);
    gateway.hostRules = before;
    expect((await get("new.example")).status).toBe(421);
  });
});

describe("what another site's page embeds", () => {
  const from = (site: string, more = "") =>
    `Sec-Fetch-Site: ${site}\r\n${more}Authorization: Bearer ${goodKey}\r\n`;
  const embedded = [
    "no-cors",
    "navigate\r\nSec-Fetch-Dest: iframe",
    "navigate\r\nSec-Fetch-Dest: object",
    "cors",
  ];

  test.each(["cross-site", "same-site"])(
    "is refused where something can be read or done: %s",
    async (site) => {
      for (const path of ["/v1/models", "/api/stats", "/api/events", "/metrics", "/nothing"])
        for (const mode of embedded)
          expect([path, (await get(own, path, from(site, `Sec-Fetch-Mode: ${mode}\r\n`))).status]).toEqual([
            path,
            403,
          ]);
      expect((await get(own, "/health", from(site, "Sec-Fetch-Mode: no-cors\r\n"))).status).toBe(200);
    },
  );

  test("a link that is followed, our own page and an allowed one are served", async () => {
    const link = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    for (const more of [from("cross-site", link), from("same-origin"), from("none")])
      expect((await get(own, "/v1/models", more)).status).toBe(200);
    const allowed = "Origin: https://app.example\r\nSec-Fetch-Mode: cors\r\n";
    expect((await get(own, "/v1/models", from("cross-site", allowed))).status).toBe(200);
  });
});

describe("Origin", () => {
  test.each(["GET", "HEAD", "POST", "OPTIONS", "DELETE"])(
    "a foreign one is refused on %s",
    async (method) => {
      const before = gateway.classes.length;
      const answer = await say(
        server.port,
        `${method} /v1/chat/completions HTTP/1.1\r\nHost: ${own}\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n`,
      );
      expect(answer.status).toBe(403);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      expect(gateway.classes.length).toBe(before);
    },
  );

  test.each([
    "null",
    "http://localhost:3000",
    "file://",
    `http://${own}.evil.example`,
    "https://app.example.evil",
  ])("%s is foreign", async (origin) => {
    expect((await get(own, "/health", `Origin: ${origin}\r\n`)).status).toBe(403);
  });

  test("our own page is not foreign", async () => {
    const answer = await get(own, "/health", `Origin: http://${own}\r\n`);
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("an allowed one may read answers and refusals", async () => {
    const answer = await get(own, "/v1/models", "Origin: https://app.example\r\n");
    expect(answer.status).toBe(401);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
    expect(answer.headers.vary).toBe("origin");
    expect(answer.headers["access-control-expose-headers"]).toContain("x-request-id");
  });

  test("its preflight is answered without a key", async () => {
    const answer = await say(
      server.port,
      `OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: ${own}\r\nOrigin: https://app.example\r\n` +
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, content-type\r\n\r\n",
    );
    expect(answer.status).toBe(204);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
    expect(answer.headers["access-control-allow-methods"]).toBe("POST");
    expect(answer.headers["access-control-allow-headers"]).toBe("authorization, content-type");
  });

  test("a preflight for nothing is 404", async () => {
    const answer = await say(
      server.port,
      `OPTIONS /nothing HTTP/1.1\r\nHost: ${own}\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
    );
    expect(answer.status).toBe(404);
  });
});
