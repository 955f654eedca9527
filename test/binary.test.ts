// The one-file program as a user meets it: started in an empty folder, asked, misused, stopped.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { version } from "../package.json" with { type: "json" };
import {
  binaryPath,
  type BinaryOptions,
  runBinary,
  type RunningBinary,
  startBinary,
} from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { type GatedVendor, startGatedVendor } from "./support/gated-vendor.ts";

// Building takes longer than a test may.
beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
const ownFolder = (): string => cleanups.folder("clawgate-binary-");
const start = async (options: BinaryOptions): Promise<RunningBinary> =>
  cleanups.stopAtEnd(await startBinary(options));
const gatedVendor = (): GatedVendor => cleanups.stopAtEnd(startGatedVendor());
const configFor = (vendor: GatedVendor): object => ({
  providers: { slow: { backend: "openai-compat", base_url: vendor.url, api_key: "k", models: ["gated"] } },
});
const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const hello = { model: "auto", max_tokens: 200, messages: [{ role: "user", content: "Hello" }] };
const modelIds = async (gateway: RunningBinary): Promise<string[]> => {
  const list = (await (await fetch(`${gateway.url}/v1/models`)).json()) as { data: { id: string }[] };
  return list.data.map((model) => model.id);
};

describe("started in an empty folder", () => {
  let gateway: RunningBinary;
  beforeAll(async () => {
    gateway = await startBinary({ config: null, args: ["--demo"] });
  });
  afterAll(() => gateway.stop());

  test("the banner names the addresses and a line to try", async () => {
    await gateway.waitForOutput("start again.");
    const stdout = gateway.stdout();
    expect(stdout).toContain(`OpenAI     ${gateway.url}/v1\n`);
    expect(stdout).toContain(`Anthropic  ${gateway.url}\n`);
    expect(stdout).toContain(`API page   ${gateway.url}/swagger\n`);
    expect(stdout).toContain(`curl ${gateway.url}/v1/chat/completions`);
  });

  test("health is ok", async () => {
    const answer = await fetch(`${gateway.url}/health`);
    expect(await answer.json()).toMatchObject({ status: "ok", providers: { demo: { healthy: true } } });
  });

  test("a chat at both endpoints", async () => {
    const chat = await post(`${gateway.url}/v1/chat/completions`, hello);
    expect(await chat.json()).toMatchObject({
      object: "chat.completion",
      choices: [
        { finish_reason: "stop", message: { content: expect.stringContaining("built-in demonstration") } },
      ],
    });
    const message = await post(`${gateway.url}/v1/messages`, hello);
    expect(await message.json()).toMatchObject({
      type: "message",
      stop_reason: "end_turn",
      content: [{ type: "text", text: expect.stringContaining("built-in demonstration") }],
    });
  });

  test("a stream at both endpoints", async () => {
    const chat = await post(`${gateway.url}/v1/chat/completions`, { ...hello, stream: true });
    expect(chat.headers.get("content-type")).toStartWith("text/event-stream");
    expect(await chat.text()).toEndWith("data: [DONE]\n\n");
    const message = await post(`${gateway.url}/v1/messages`, { ...hello, stream: true });
    const text = await message.text();
    expect(text).toStartWith("event: message_start\n");
    expect(text).toContain("event: content_block_delta\n");
    expect(text.trimEnd().split("\n\n").at(-1)).toStartWith("event: message_stop\n");
  });

  test("a tool call", async () => {
    const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const answer = await post(`${gateway.url}/v1/chat/completions`, {
      ...hello,
      tools: [{ type: "function", function: { name: "get_weather", parameters: schema } }],
      tool_choice: "required",
    });
    const { choices } = (await answer.json()) as {
      choices: {
        finish_reason: string;
        message: { tool_calls: { function: { name: string; arguments: string } }[] };
      }[];
    };
    expect(choices[0]?.finish_reason).toBe("tool_calls");
    const called = choices[0]?.message.tool_calls[0]?.function;
    expect(called?.name).toBe("get_weather");
    expect(JSON.parse(called?.arguments ?? "")).toEqual({ city: expect.any(String) });
  });

  test("the API page comes with its script, out of the program itself", async () => {
    const document = await fetch(`${gateway.url}/swagger/json`);
    expect(await document.json()).toMatchObject({
      openapi: expect.stringMatching(/^3\./),
      info: { version },
      paths: { "/v1/chat/completions": { post: {} }, "/v1/messages": { post: {} } },
    });
    const page = await (await fetch(`${gateway.url}/swagger`)).text();
    const sources = Array.from(page.matchAll(/<script[^>]*\bsrc="([^"]+)"/g), (found) => found[1] ?? "");
    expect(sources).toEqual(["/swagger/scalar.js"]);
    const script = await fetch(`${gateway.url}/swagger/scalar.js`);
    expect(script.headers.get("content-type")).toStartWith("text/javascript");
    const text = await script.text();
    expect(text.length).toBeGreaterThan(1_000_000);
    // Whoever does not take it compressed gets the same text.
    for (const encoding of ["identity", "gzip;q=0", "br"]) {
      const plain = await fetch(`${gateway.url}/swagger/scalar.js`, {
        headers: { "accept-encoding": encoding },
        decompress: false,
      });
      expect(plain.headers.get("content-encoding")).toBeNull();
      expect((await plain.text()) === text, encoding).toBe(true);
    }
    const headers = { "accept-encoding": "br, gzip;q=0.5" };
    const packed = await fetch(`${gateway.url}/swagger/scalar.js`, { headers, decompress: false });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(new TextDecoder().decode(Bun.gunzipSync(await packed.bytes())) === text).toBe(true);
  });

  test("run.json is the user's own, and its token opens the write routes", async () => {
    expect(statSync(join(gateway.stateDir, "run.json")).mode & 0o777).toBe(0o600);
    expect(statSync(gateway.stateDir).mode & 0o777).toBe(0o700);
    const reset = (token: string): Promise<Response> =>
      post(`${gateway.url}/api/providers/demo/reset`, {}, { authorization: `Bearer ${token}` });
    expect((await reset(gateway.token)).status).toBe(200);
    expect((await reset(`${gateway.token}x`)).status).toBe(401);
    expect((await post(`${gateway.url}/api/providers/demo/reset`, {})).status).toBe(401);
  });

  test("nothing was written into the working folder", () => {
    expect(readdirSync(gateway.work)).toEqual([]);
  });
});

describe("commands", () => {
  test("--help lists them, and each has its own", async () => {
    const work = ownFolder();
    const overview = await runBinary(["--help"], work);
    expect(overview).toMatchObject({ code: 0, stderr: "" });
    expect(overview.stdout).toMatch(/^ {2}serve /m);
    expect((await runBinary(["serve", "--help"], work)).stdout).toContain("--port PORT");
    expect(readdirSync(work)).toEqual([]);
  });

  test("--version, and as JSON", async () => {
    const work = ownFolder();
    const plain = await runBinary(["--version"], work);
    expect(plain.code).toBe(0);
    expect(plain.stdout).toStartWith(`clawgate ${version}`);
    const json = await runBinary(["version", "--json"], work);
    expect(JSON.parse(json.stdout)).toMatchObject({ name: "clawgate", version });
  });

  test("an unknown command names the nearest one", async () => {
    const { code, stderr } = await runBinary(["sreve"], ownFolder());
    expect(code).toBe(64);
    expect(stderr).toContain('Did you mean "serve"?');
  });

  test("an unknown option is said", async () => {
    const { code, stderr } = await runBinary(["serve", "--prot", "1"], ownFolder());
    expect(code).toBe(64);
    expect(stderr).toContain("--prot");
  });

  test("a wrong config is said with file, line and the nearest key", async () => {
    const work = ownFolder();
    const path = join(work, "config.yaml");
    writeFileSync(path, "server:\n  port: 0\n  prot: 1\nproviders:\n  demo: { backend: demo }\n");
    const { code, stderr } = await runBinary([], work);
    expect(code).toBe(78);
    expect(stderr).toContain(`${path}:3 server.prot: unknown key`);
    expect(stderr).toContain('"port"');
  });

  test("a port in use is said", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => taken.close());
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : "");
    const { code, stderr } = await runBinary(["serve", "--demo", "--port", port], ownFolder());
    expect(code).toBe(1);
    expect(stderr).toContain(
      `the address is already in use (port ${port}): 127.0.0.1:${port}, port from --port, host is the default. `,
    );
    expect(stderr).toContain("Another program (");
    if (process.platform === "linux") expect(stderr).toContain(`process ${process.pid}, `);
  });

  test("an open address without keys is refused", async () => {
    const { code, stderr } = await runBinary(
      ["serve", "--demo", "--host", "0.0.0.0", "--port", "0"],
      ownFolder(),
    );
    expect(code).toBe(78);
    expect(stderr).toContain("0.0.0.0");
  });
});

describe("what it finds and what it leaves alone", () => {
  /** Counts who would leave the machine: every vendor is reached through it. */
  const proxy = async (): Promise<{ url: string; connections(): number }> => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no address");
    return { url: `http://127.0.0.1:${address.port}`, connections: () => connections };
  };

  test("a key makes its vendor a provider, and nothing is sent until a client asks", async () => {
    const way = await proxy();
    const env = { OPENAI_API_KEY: "sk-test-0123456789", HTTPS_PROXY: way.url };
    const gateway = await start({ config: null, env });
    const ids = await modelIds(gateway);
    expect(ids).toContain("openai");
    expect(ids).not.toContain("demo");
    expect(way.connections()).toBe(0);
    const answer = await post(`${gateway.url}/v1/chat/completions`, { ...hello, model: "openai" });
    expect(answer.status).toBe(502);
    expect(way.connections()).toBeGreaterThan(0);
    expect(gateway.output()).not.toContain("sk-test-0123456789");
  });

  test("--demo looks for no keys", async () => {
    const gateway = await start({
      config: null,
      args: ["--demo"],
      env: { OPENAI_API_KEY: "sk-test-0123456789" },
    });
    expect(await modelIds(gateway)).toEqual(["auto", "demo", "demo/demo"]);
  });

  test("a project's .env gives known names only, and its bunfig.toml nothing", async () => {
    const dir = ownFolder();
    const work = join(dir, "work");
    mkdirSync(work);
    const stolen = join(dir, "stolen");
    writeFileSync(join(work, ".env"), `OPENAI_API_KEY=sk-from-dot-env\nXDG_DATA_HOME=${stolen}\n`);
    writeFileSync(join(work, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(work, "preload.ts"), 'await Bun.write("preloaded", "yes");\n');
    const gateway = await start({ config: null, dir, env: { XDG_DATA_HOME: undefined } });
    expect(await modelIds(gateway)).toContain("openai");
    expect(existsSync(join(dir, ".local", "share", "clawgate", "clawgate.db"))).toBe(true);
    expect(existsSync(stolen)).toBe(false);
    expect(readdirSync(work).toSorted()).toEqual([".env", "bunfig.toml", "preload.ts"]);
  });
});

describe("stopping", () => {
  type Running = { gateway: RunningBinary; vendor: GatedVendor; reader: Reader };
  type Reader = { next(): Promise<string>; rest(): Promise<string> };

  async function withRunningStream(env: Record<string, string> = {}): Promise<Running> {
    const vendor = gatedVendor();
    const gateway = await start({ config: configFor(vendor), dir: ownFolder(), env });
    const answer = await post(`${gateway.url}/v1/chat/completions`, { ...hello, stream: true });
    const source = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (): Promise<string> => (await source?.read())?.value ?? "";
    const rest = async (): Promise<string> => {
      let text = "";
      for (let piece = await next(); piece !== ""; piece = await next()) text += piece;
      return text;
    };
    let first = await next();
    while (!first.includes("before")) first += await next();
    gateway.signal("SIGTERM");
    await gateway.waitForOutput("stopping after 1 running requests");
    return { gateway, vendor, reader: { next, rest } };
  }

  /** Settles when a new connection is refused; throws an Error when they are still accepted after 5 s. */
  async function refusal(port: number): Promise<void> {
    const giveUpMs = performance.now() + 5_000;
    while (performance.now() < giveUpMs) {
      const isAccepted = await new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true));
        socket.on("error", () => resolve(false));
        socket.on("connect", () => socket.destroy());
      });
      if (!isAccepted) return;
    }
    throw new Error("New connections are still accepted.");
  }

  const rows = (gateway: RunningBinary): unknown[] => {
    const database = new Database(join(gateway.dir, "data", "clawgate", "clawgate.db"), { readonly: true });
    try {
      return database.query("SELECT status, finish, failure FROM request_records").all();
    } finally {
      database.close();
    }
  };

  test("SIGTERM: the running stream ends well, no new request is accepted, the record is kept", async () => {
    const { gateway, vendor, reader } = await withRunningStream();
    await refusal(Number(new URL(gateway.url).port));
    vendor.release();
    const rest = await reader.rest();
    expect(rest).toContain(" after");
    expect(rest).toEndWith("data: [DONE]\n\n");
    expect(await gateway.exited).toBe(0);
    expect(existsSync(join(gateway.stateDir, "run.json"))).toBe(false);
    expect(rows(gateway)).toEqual([{ status: 200, finish: "stop", failure: null }]);
  });

  test("a signal that a launcher forwards arrives twice and counts once, as Ctrl-C under npm does", async () => {
    const { gateway, vendor, reader } = await withRunningStream({
      CLAWGATE_LAUNCHER_PID: String(process.pid),
    });
    gateway.signal("SIGTERM");
    gateway.signal("SIGINT");
    vendor.release();
    expect(await reader.rest()).toEndWith("data: [DONE]\n\n");
    expect(await gateway.exited).toBe(0);
  });

  test("a second SIGTERM cuts off, and the client is told in its stream", async () => {
    const { gateway, reader } = await withRunningStream();
    gateway.signal("SIGTERM");
    const rest = await reader.rest();
    expect(rest).toContain('"error":');
    expect(rest).toContain("shutting down");
    expect(rest).not.toContain("[DONE]");
    expect(await gateway.exited).toBe(0);
    expect(existsSync(join(gateway.stateDir, "run.json"))).toBe(false);
    expect(rows(gateway)).toEqual([{ status: 200, finish: null, failure: "shutting-down" }]);
  });
});

describe("a database that cannot be used", () => {
  async function serves(env: Record<string, string>): Promise<RunningBinary> {
    const gateway = await start({ config: null, args: ["--demo"], env });
    expect((await post(`${gateway.url}/v1/chat/completions`, hello)).status).toBe(200);
    expect((await fetch(`${gateway.url}/api/stats`)).status).toBe(200);
    return gateway;
  }

  test("locked by another program: the service is up", async () => {
    const path = join(ownFolder(), "locked.db");
    const holder = new Database(path, { create: true });
    holder.run("CREATE TABLE held (id INTEGER)");
    holder.run("BEGIN EXCLUSIVE");
    cleanups.push(() => holder.close());
    await serves({ CLAWGATE_DB_PATH: path });
  });

  test("not a database at all: it is kept aside, the service is up", async () => {
    const folder = ownFolder();
    const path = join(folder, "broken.db");
    writeFileSync(path, "This is not a database. ".repeat(500));
    await serves({ CLAWGATE_DB_PATH: path });
    expect(readdirSync(folder).some((name) => name.startsWith("broken.db.corrupt-"))).toBe(true);
  });
});

test("300 slow requests are at the vendor at the same time", async () => {
  const vendor = gatedVendor();
  const gateway = await start({ config: configFor(vendor) });
  const body = JSON.stringify({ ...hello, stream: true });
  const head = [
    "POST /v1/chat/completions HTTP/1.1",
    `Host: ${new URL(gateway.url).host}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ].join("\r\n");
  // Bare sockets: the test's own fetch would hold back everything beyond 256.
  const sockets: Socket[] = [];
  const answers = Array.from({ length: 300 }, async () => {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    sockets.push(socket);
    socket.write(`${head}\r\n\r\n${body}`);
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    return text;
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  await vendor.waitForHeld(300);
  vendor.release();
  for (const answer of await Promise.all(answers)) {
    expect(answer).toStartWith("HTTP/1.1 200 ");
    expect(answer).toContain("[DONE]");
  }
  expect(vendor.begun()).toBe(300);
});
