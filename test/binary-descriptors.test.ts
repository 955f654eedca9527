// The one-file program with few file descriptors: crowds right after the start, in a reload, in the middle of streams. It must
// live, hold no provider responsible, keep its config, and work as before when the clients have left.

import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type BinaryOptions, binaryPath, type RunningBinary, startBinary } from "./support/binary.ts";
import { scriptedClaude } from "./support/claude.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { type GatedVendor, startGatedVendor } from "./support/gated-vendor.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
const start = async (options: BinaryOptions): Promise<RunningBinary> =>
  cleanups.stopAtEnd(await startBinary(options));
const gatedVendor = (): GatedVendor => cleanups.stopAtEnd(startGatedVendor());
// By its name it has to be looked up, and of a host with two addresses Bun tells a shortage as a refusal.
const named = (vendor: GatedVendor): string => vendor.url.replace("127.0.0.1", "localhost");
const configFor = (url: string, more: object = {}): object => ({
  providers: { slow: { backend: "openai-compat", base_url: url, api_key: "k", models: ["gated"] }, ...more },
});
const body = { model: "slow", max_tokens: 20, messages: [{ role: "user", content: "Hello" }] };
const chat = (url: string, more: object = {}, path = "/v1/chat/completions"): Promise<Response> =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, ...more }),
  });

/** Connections that have begun a request and do not go on with it. */
function crowd(url: string, size: number, says: string): readonly Socket[] {
  const port = Number(new URL(url).port);
  const sockets = Array.from({ length: size }, () => {
    const socket = connect(port, "127.0.0.1", () => socket.write(says));
    return socket.on("error", () => undefined);
  });
  cleanups.push(() => leave(sockets));
  return sockets;
}
function leave(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

type Said = { readonly head: Promise<string>; readonly whole: Promise<string>; say(more: string): void };

/** A request over a connection of its own. Not fetch: that makes 256 at once and no more. */
function ask(url: string, path: string, content: string, first = content.length): Said {
  const head = Promise.withResolvers<string>();
  const whole = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n` +
        `Content-Length: ${content.length}\r\n\r\n${content.slice(0, first)}`,
    ),
  );
  cleanups.push(() => socket.destroy());
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (text.includes("\r\n\r\n")) head.resolve(text);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    head.resolve(text);
    whole.resolve(text);
  });
  return { head: head.promise, whole: whole.promise, say: (more) => void socket.write(more) };
}

type ProviderHealth = { healthy: boolean; ejections: number; last_error: string | null };
async function healthOf(gateway: RunningBinary): Promise<Record<string, ProviderHealth>> {
  const health = await (await fetch(`${gateway.url}/health`)).json();
  return (health as { providers: Record<string, ProviderHealth> }).providers;
}
const blameless = { healthy: true, ejections: 0, last_error: null };

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(20);
}

async function expectHealed(gateway: RunningBinary, vendor: GatedVendor): Promise<void> {
  vendor.release();
  for (const giveUpMs = performance.now() + 15_000; ;) {
    const answer = await chat(gateway.url).catch(() => null);
    if (answer?.status === 200) {
      expect(await answer.text()).toContain("before after");
      break;
    }
    if (performance.now() > giveUpMs) throw new Error(`It does not serve again:\n${gateway.output()}`);
    await Bun.sleep(50);
  }
  expect(await healthOf(gateway)).toMatchObject({ slow: blameless });
  expect(gateway.output()).not.toMatch(/(?:met|because of) a bug/);
  expect(gateway.output()).not.toContain("ran out of file descriptors");
}

describe.skipIf(process.platform !== "linux")("with few descriptors", () => {
  test("says at the start what that means and what to do about it", async () => {
    const gateway = await start({ config: configFor("http://127.0.0.1:9"), descriptors: 128 });
    await gateway.waitForOutput("may hold only 128 files and connections open");
    expect(gateway.output()).toContain("LimitNOFILE=65536");
    expect(gateway.output()).toContain('"fileLimit":128');
  });

  test("where there are too few descriptors for a single request the start is refused, with the reason", async () => {
    for (const descriptors of [16, 20]) {
      const said = await start({ config: configFor("http://127.0.0.1:9"), descriptors }).then(
        () => "it started",
        (error: unknown) => String(error),
      );
      expect(said).toContain("the limit of open files and connections is too low to start");
      expect(said).toContain("ulimit -n 65536");
    }
  });

  test("a crowd that takes them all before the first request ends nothing and takes no config", async () => {
    const vendor = gatedVendor();
    const gateway = await start({ config: configFor(named(vendor)), descriptors: 64 });
    // Let in while there was room; what it needs further is gone by the time its body is whole.
    const content = JSON.stringify(body);
    const early = ask(gateway.url, "/v1/chat/completions", content, 10);
    await until(async () => {
      const health = (await (await fetch(`${gateway.url}/health`)).json()) as { running: number };
      return health.running === 1;
    });
    const sockets = crowd(gateway.url, 200, "POST /v1");
    await gateway.waitForOutput("low on file descriptors");
    // Connections that nobody used were given up; others of the crowd have taken their place when all are in use again.
    await until(() => readdirSync(`/proc/${gateway.pid}/fd`).length === 64);
    writeFileSync(
      gateway.configPath,
      JSON.stringify(configFor(named(vendor), { added: { backend: "demo" } })),
    );
    gateway.signal("SIGHUP");
    await gateway.waitForOutput("no file descriptors are free");
    early.say(content.slice(10));
    expect(await early.whole).toMatch(/^HTTP\/1.1 503 [^]*retry-after: \d[^]*at_capacity/i);
    leave(sockets);
    await gateway.waitForOutput("config reloaded");
    await expectHealed(gateway, vendor);
    expect(Object.keys(await healthOf(gateway))).toContain("added");
    expect(gateway.output().split("no file descriptors are free")).toHaveLength(2);
  }, 40_000);

  test.each([
    [64, 200],
    [256, 400],
    [1_024, 900],
  ])(
    "%d for %d streams: each is served or answered 503, no vendor is held responsible, and the records say so",
    async (descriptors, streams) => {
      const vendor = gatedVendor();
      const gateway = await start({ config: configFor(named(vendor)), descriptors });
      const paths = ["/v1/chat/completions", "/v1/messages"];
      const content = JSON.stringify({ ...body, stream: true });
      const asked = Array.from({ length: streams }, (_, n) => ask(gateway.url, paths[n % 2] ?? "", content));
      const heads = await Promise.all(asked.map(({ head }) => head));
      const served = asked.filter((_, n) => heads[n]?.startsWith("HTTP/1.1 200 "));
      const refused = asked.filter((_, n) => heads[n]?.startsWith("HTTP/1.1 503 "));
      expect(served.length + refused.length).toBe(streams);
      expect(served.length).toBeGreaterThan(4);
      expect(refused.length).toBeGreaterThan(0);
      for (const { whole } of refused)
        expect(await whole).toMatch(/retry-after: \d[^]*(?:"code":"at_capacity"|"type":"overloaded_error")/i);
      expect(await healthOf(gateway)).toMatchObject({ slow: { healthy: true, ejections: 0 } });
      vendor.release();
      const texts = await Promise.all(served.map(({ whole }) => whole));
      for (const text of texts) expect(text).toMatch(/ after[^]*(?:\[DONE\]|message_stop)/);
      await expectHealed(gateway, vendor);
      const recent = await fetch(`${gateway.url}/api/recent?failure=at-capacity&limit=1`);
      expect(await recent.json()).toMatchObject({ requests: [{ failure: "at-capacity", status: 503 }] });
    },
    60_000,
  );

  test("a crowd that keeps its connections open after an answer does not keep others away", async () => {
    const vendor = gatedVendor();
    vendor.release();
    const gateway = await start({ config: configFor(vendor.url), descriptors: 64 });
    for (let n = 0; n < 4; n++) {
      crowd(gateway.url, 60, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await expectHealed(gateway, vendor);
    }
  }, 60_000);

  test("a program that cannot be started because there are none left is not the provider's failure", async () => {
    const claude = scriptedClaude();
    cleanups.push(claude.remove);
    const program = { backend: "claude-cli", bin: claude.bin, warm: 0, max_concurrent: 20 };
    const env = { ANTHROPIC_API_KEY: "sk-ant-dummy" };
    const config = { providers: { slow: { ...program, env } }, cli: { jail: "off" } };
    const gateway = await start({ config, descriptors: 44 });
    const content = JSON.stringify({ ...body, model: "slow/sonnet", stream: true });
    const asked = Array.from({ length: 12 }, () => ask(gateway.url, "/v1/chat/completions", content));
    const answers = await Promise.all(asked.map(({ whole }) => whole));
    for (const answer of answers)
      expect(answer).toMatch(/^HTTP\/1.1 200 [^]*\[DONE\]|^HTTP\/1.1 503 [^]*at_capacity/);
    expect(answers.some((answer) => answer.startsWith("HTTP/1.1 503"))).toBe(true);
    expect(await healthOf(gateway)).toMatchObject({ slow: blameless });
    await until(async () => {
      const answer = await chat(gateway.url, { model: "slow/sonnet" });
      await answer.text();
      return answer.status === 200;
    });
  }, 60_000);
});
