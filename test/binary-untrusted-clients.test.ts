// What strangers can do to the compiled program: guess keys, pretend to be local, and send bodies that are not asked for.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { hold, say } from "./server/raw-socket.ts";
import { type RunningBinary, startBinary } from "./support/binary.ts";

const keys = {
  data: "sk-data-0123456789abcdef",
  admin: "sk-admin-0123456789abcdef",
  alice: "sk-alice-0123456789abcdef",
};
const portOf = ({ url }: RunningBinary): number => Number(new URL(url).port);
const chat = JSON.stringify({ model: "demo/demo", messages: [{ role: "user", content: "hi" }] });

describe("with keys", () => {
  let gateway: RunningBinary;
  beforeAll(async () => {
    gateway = await startBinary({
      config: {
        providers: { demo: { backend: "demo", models: ["demo"] } },
        auth: { keys: [keys.data], admin_key: keys.admin },
        tenants: [{ name: "alice", api_key: keys.alice, limits: { max_concurrent: 1 } }],
      },
    });
  });
  afterAll(() => gateway.stop());

  const ask = (method: string, path: string, key: string | null): Promise<Response> =>
    fetch(gateway.url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(path.startsWith("/v1/chat") ? { "content-type": "application/json" } : {}),
      },
      ...(path.startsWith("/v1/chat") ? { body: chat } : {}),
    });

  test("a client that guesses locks out no other: every right secret is accepted immediately, on every kind of route", async () => {
    const guessLimiter = ["POST /v1/chat/completions", "GET /api/stats", "POST /api/reload"] as const;
    for (let i = 0; i < 21; i++) {
      const [method = "", path = ""] = (guessLimiter[i % 3] ?? "").split(" ");
      await ask(method, path, `guess-${i}`);
    }
    for (let i = 0; i < 4; i++) {
      const wrong = await ask("POST", "/v1/chat/completions", `later-guess-${i}`);
      expect(wrong.status).toBe(401);
      expect(wrong.headers.get("x-should-retry")).toBe("false");
      expect(wrong.headers.has("retry-after")).toBe(false);
      expect((await ask("POST", "/v1/chat/completions", keys.data)).status).toBe(200);
      expect((await ask("GET", "/v1/models", keys.alice)).status).toBe(200);
      expect((await ask("GET", "/v1/models", null)).status).toBe(401);
      for (const secret of [keys.admin, gateway.token]) {
        expect((await ask("GET", "/api/stats", secret)).status).toBe(200);
        expect((await ask("POST", "/api/providers/demo/reset", secret)).status).toBe(200);
      }
    }
    expect(gateway.output().split("too many wrong keys from 127.0.0.1").length).toBe(2);
  });

  test.skipIf(process.platform !== "linux")(
    "a tenant with one place holds one upload in memory, not fifteen",
    async () => {
      const peakMb = (): number =>
        Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))?.[1]) / 1024;
      const length = 31_000_000;
      const head = `POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nx-api-key: ${keys.alice}\r\nContent-Length: ${length}\r\n\r\n`;
      const before = peakMb();
      const uploads = await Promise.all(Array.from({ length: 15 }, () => hold(portOf(gateway), head)));
      const most = Buffer.alloc(length - 1, "x");
      for (const upload of uploads) upload.send(most);
      const statuses: number[] = [];
      for (const upload of uploads) void upload.answered.then(({ status }) => statuses.push(status));
      const giveUpMs = performance.now() + 20_000;
      while (statuses.length < 14 && performance.now() < giveUpMs) await Bun.sleep(20);
      expect(statuses.every((status) => status === 429)).toBe(true);
      expect(statuses.length).toBe(14);
      expect(peakMb() - before).toBeLessThan(200);
      for (const upload of uploads) upload.destroy();
    },
    30_000,
  );

  test("an upload of a byte a second is over within the grace; it was no work for anybody", async () => {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer ${keys.data}\r\n`;
    const uploads = await Promise.all(
      ["Content-Length: 5000000", "Transfer-Encoding: chunked"].map((size) =>
        hold(portOf(gateway), `${head}${size}\r\n\r\n`),
      ),
    );
    const [announced, chunked] = uploads;
    const drip = setInterval(() => {
      announced?.send("x");
      chunked?.send("1\r\nx\r\n");
    }, 1_000);
    try {
      for (const upload of uploads) {
        const { status, headers } = await upload.answered;
        expect([status, headers["connection"]]).toEqual([408, "close"]);
        await upload.closed;
      }
    } finally {
      clearInterval(drip);
    }
  }, 40_000);
});

describe("without keys", () => {
  let gateway: RunningBinary;
  beforeAll(async () => {
    gateway = await startBinary({ config: {}, args: ["--demo"] });
  });
  afterAll(() => gateway.stop());

  test.each([
    "X-Real-IP",
    "CF-Connecting-IP",
    "True-Client-IP",
    "X-Client-IP",
    "Fly-Client-IP",
    "X-Envoy-External-Address",
    "Tailscale-User-Login",
    "Ngrok-Trace-Id",
    "X-Original-Forwarded-For",
    "Via",
  ])("a request that carries %s did not come from here", async (name) => {
    const head = `Host: 127.0.0.1\r\nContent-Type: application/json\r\n${name}: 127.0.0.1\r\nContent-Length: ${chat.length}\r\n\r\n`;
    const answer = await say(portOf(gateway), `POST /v1/chat/completions HTTP/1.1\r\n${head}${chat}`);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain(name.toLowerCase());
    expect(answer.body).toContain("trusted_proxies");
    const read = await fetch(`${gateway.url}/api/stats`, { headers: { [name]: "127.0.0.1" } });
    expect(read.status).toBe(403);
  });

  test("what browsers, SDKs and tracers send is no sign of one", async () => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-requested-with": "XMLHttpRequest",
        "x-stainless-lang": "js",
        "x-app": "cli",
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "x-client-request-id": "1",
      },
      body: chat,
    });
    expect(answer.status).toBe(200);
  });
});
