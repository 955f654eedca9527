// The one-file program hands over to a successor: streams end on the old process, everything else goes to the new one; and whatever goes
// wrong on the way, exactly one gateway serves.

import { beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { listeningSocket } from "../src/system/shared-port.ts";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "./support/binary.ts";
import { scriptedClaude } from "./support/claude.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { type Finished, runProgram } from "./support/program-run.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
const admin = "admin-key-0123456789";
const tenantKey = "tenant-key-0123456789";

type Started = { readonly gateway: RunningBinary; readonly program: string; readonly dir: string };

/** A gateway with a program of its own, whose successors are ended too. */
async function start(config: object = { providers: { demo: { backend: "demo" } } }): Promise<Started> {
  const dir = cleanups.folder("clawgate-handover-");
  const program = join(dir, "clawgate");
  copyFileSync(binaryPath(), program);
  const gateway = cleanups.stopAtEnd(await startBinary({ config, dir, program }));
  cleanups.push(() => {
    for (const pid of processesOf(dir)) process.kill(pid, "SIGKILL");
  });
  return { gateway, program, dir };
}

const restart = ({ gateway, dir }: Started, ...args: string[]): Promise<Finished> =>
  runProgram([binaryPath(), "restart", ...args], {
    cwd: gateway.work,
    env: cleanEnvironment(dir),
    timeoutMs: 40_000,
  });

function pidIn({ stateDir }: RunningBinary): number | null {
  try {
    return (JSON.parse(readFileSync(join(stateDir, "run.json"), "utf8")) as { pid: number }).pid;
  } catch {
    return null;
  }
}

/** Whose program, or whose script, lies in this folder. */
function processesOf(dir: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return readlinkSync(`/proc/${pid}/exe`).startsWith(dir) || words.includes(dir);
      } catch {
        return false;
      }
    });
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has no command line.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await Bun.sleep(20);
  }
}

/** Another program at its path, while the old file still runs. */
function replaceProgram(program: string, script: string): void {
  writeFileSync(`${program}.next`, script);
  chmodSync(`${program}.next`, 0o755);
  renameSync(program, `${program}.before`);
  renameSync(`${program}.next`, program);
}

async function ask(url: string, body: object = {}, key?: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    keepalive: false,
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Hello" }], ...body }),
  });
}

const statusOf = async (url: string): Promise<number> => (await ask(url)).status;

/** A vendor whose streams last until they are let go, with ten tokens each way for every answer. */
function slowVendor() {
  const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let running = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      const text = await request.text();
      const base = { id: "c", object: "chat.completion.chunk", created: 1, model: "fake" };
      const frame = (delta: object, more: object = {}): string =>
        `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;
      if (!text.includes('"stream":true'))
        return Response.json({
          ...base,
          object: "chat.completion",
          choices: [{ index: 0, message: { role: "assistant", content: "whole" }, finish_reason: "stop" }],
          usage,
        });
      running += 1;
      const body = new ReadableStream<string>({
        async start(controller) {
          controller.enqueue(frame({ content: "first" }));
          await held;
          controller.enqueue(frame({ content: " last" }));
          const choices = [{ index: 0, delta: {}, finish_reason: "stop" }];
          controller.enqueue(frame({}, { choices, usage }));
          controller.enqueue("data: [DONE]\n\n");
          controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  cleanups.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}/v1`, letGo: () => letGo(), running: () => running };
}

/** An answer of the vendor costs two cents. */
const paidConfig = (vendorUrl: string, usdPerDay = 100): object => ({
  server: { drain_s: 20 },
  health: { check_interval_seconds: 0 },
  auth: { admin_key: admin },
  providers: {
    vendor: {
      base_url: vendorUrl,
      api_key: "vendor-key-0123456789",
      models: ["fake"],
      pricing: { input: 1_000, output: 1_000 },
    },
  },
  tenants: [{ name: "alice", api_key: tenantKey, limits: { budget: { usd_per_day: usdPerDay } } }],
});

async function read<T>(url: string, path: string): Promise<T> {
  // A connection of its own: one that is kept may still lead to the process before.
  const headers = { authorization: `Bearer ${admin}`, connection: "close" };
  const answer = await fetch(url + path, { keepalive: false, headers });
  return (await answer.json()) as T;
}
async function spentCents(url: string): Promise<number> {
  type Tenants = { tenants: { used: { today: { usd: number } } }[] };
  const { tenants } = await read<Tenants>(url, "/api/tenants");
  return Math.round((tenants[0]?.used.today.usd ?? -1) * 100);
}
async function recorded(url: string): Promise<number> {
  type Stats = { totals: { total_requests: number } };
  return (await read<Stats>(url, "/api/stats")).totals.total_requests;
}

describe.skipIf(process.platform !== "linux")("a restart", () => {
  test("gives everything on: a stream ends on the old process, and the new one counts what it cost", async () => {
    const vendor = slowVendor();
    const started = await start(paidConfig(vendor.url));
    const { gateway } = started;
    await (await ask(gateway.url, {}, tenantKey)).text();
    const stream = await ask(gateway.url, { stream: true, max_tokens: 50 }, tenantKey);
    await until("the stream runs", () => vendor.running() === 1);
    const { code, stdout } = await restart(started, "--json");
    const pid = pidIn(gateway);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ restarted: true, pid, state_dir: gateway.stateDir }),
    ]);
    expect(pid).not.toBe(gateway.pid);
    await gateway.waitForOutput("handed over");
    expect(isAlive(gateway.pid)).toBe(true);
    // What the stream may still cost is not free for others.
    type Usage = { tenants: { used: { reserved: { usd: number } } }[] };
    const { tenants } = await read<Usage>(gateway.url, "/api/tenants");
    expect(tenants[0]?.used.reserved.usd).toBeGreaterThan(0);
    expect(await spentCents(gateway.url)).toBe(2);
    // One that may use the whole budget has to wait for it.
    expect((await ask(gateway.url, {}, tenantKey)).status).toBe(429);
    await (await ask(gateway.url, { max_tokens: 50 }, tenantKey)).text();
    vendor.letGo();
    const text = await stream.text();
    expect(text).toContain(" last");
    expect(text).toContain("data: [DONE]");
    expect(await gateway.exited).toBe(0);
    await until("everything is recorded", async () => (await recorded(gateway.url)) === 4);
    await until("it is charged", async () => (await spentCents(gateway.url)) === 6);
    const after = await read<Usage>(gateway.url, "/api/tenants");
    expect(after.tenants[0]?.used.reserved.usd).toBe(0);
    // And it is all in the files: a killed one loses nothing of it.
    await Bun.sleep(2_000);
    process.kill(pid ?? 0, "SIGKILL");
    const next = cleanups.stopAtEnd(
      await startBinary({ config: paidConfig(vendor.url), dir: started.dir, program: started.program }),
    );
    expect([await spentCents(next.url), await recorded(next.url)]).toEqual([6, 4]);
  }, 60_000);

  test("again, while a stream of the first process still runs: what it costs reaches the last", async () => {
    const vendor = slowVendor();
    const started = await start(paidConfig(vendor.url));
    const { gateway } = started;
    const stream = await ask(gateway.url, { stream: true, max_tokens: 50 }, tenantKey);
    await until("the stream runs", () => vendor.running() === 1);
    for (let count = 0; count < 2; count++) {
      expect((await restart(started)).code).toBe(0);
      // Before it is told so, the new one hands over nothing.
      const answer = await ask(gateway.url, { max_tokens: 50 }, tenantKey);
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("whole")]);
    }
    expect(isAlive(gateway.pid)).toBe(true);
    expect(processesOf(started.dir).length).toBeGreaterThanOrEqual(3);
    expect(await spentCents(gateway.url)).toBe(4);
    vendor.letGo();
    expect(await stream.text()).toContain("data: [DONE]");
    await until("everything is recorded", async () => (await recorded(gateway.url)) === 3);
    await until("it is charged", async () => (await spentCents(gateway.url)) === 6);
    expect(await gateway.exited).toBe(0);
    await until("one is left", () => processesOf(started.dir).length === 1);
    expect([await recorded(gateway.url), await spentCents(gateway.url)]).toEqual([3, 6]);
  }, 60_000);

  test("leaves the port to one: a second gateway is refused on it, and on the state directory", async () => {
    const started = await start();
    const { gateway, dir } = started;
    expect((await restart(started)).code).toBe(0);
    expect(await gateway.exited).toBe(0);
    const pid = pidIn(gateway);
    const { port } = new URL(gateway.url);
    const listen = () => Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() });
    await until("the port is not shared", () => {
      try {
        void listen().stop(true);
        return false;
      } catch {
        return true;
      }
    });
    const second = await runProgram([binaryPath(), "serve", "--demo", "--port", "0"], {
      cwd: gateway.work,
      env: cleanEnvironment(dir),
      timeoutMs: 10_000,
    });
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(`process ${pid}, listening`)]);
    expect(await statusOf(gateway.url)).toBe(200);
    const stopped = await runProgram([binaryPath(), "stop"], {
      cwd: gateway.work,
      env: cleanEnvironment(dir),
      timeoutMs: 20_000,
    });
    expect(stopped.code).toBe(0);
    expect(existsSync(join(gateway.stateDir, "run.json"))).toBe(false);
  }, 60_000);

  test("asked for twice at once happens once, and may be repeated afterwards", async () => {
    const started = await start();
    const { gateway } = started;
    process.kill(gateway.pid, "SIGUSR2");
    process.kill(gateway.pid, "SIGUSR2");
    await Bun.sleep(20);
    if (isAlive(gateway.pid)) process.kill(gateway.pid, "SIGUSR2");
    expect(await gateway.exited).toBe(0);
    const first = pidIn(gateway);
    expect(gateway.output().match(/a successor is started/g)?.length).toBe(1);
    expect((await restart(started)).code).toBe(0);
    expect(pidIn(gateway)).not.toBe(first);
    expect(await statusOf(gateway.url)).toBe(200);
  }, 60_000);

  test("lets a turn of Claude Code end on the old process, and leaves none of its programs behind", async () => {
    const claude = scriptedClaude({});
    cleanups.push(claude.remove);
    const env = { ANTHROPIC_API_KEY: "sk-ant-dummy" };
    const started = await start({
      providers: { "claude-cli": { backend: "claude-cli", bin: claude.bin, env, warm: 0 } },
    });
    const { gateway } = started;
    const model = "claude-cli/sonnet";
    const content = "[[long:40]][[pace:100]]";
    const stream = await ask(gateway.url, { model, stream: true, messages: [{ role: "user", content }] });
    const text = stream.text();
    await claude.waitFor(() => claude.sessions().length === 1);
    expect((await restart(started)).code).toBe(0);
    // The new one has swept what dead gateways left, and answers with a program of its own.
    expect((await ask(gateway.url, { model })).status).toBe(200);
    expect(isAlive(gateway.pid)).toBe(true);
    expect(await text).toContain("data: [DONE]");
    expect(await gateway.exited).toBe(0);
    const [first] = claude.sessions();
    expect(first === undefined || isAlive(first.pid)).toBe(false);
    expect(gateway.output()).not.toContain("that an earlier gateway left");
    const pid = pidIn(gateway) ?? 0;
    process.kill(pid, "SIGTERM");
    await until("the new one is gone", () => !isAlive(pid));
    await until("its programs too", () => claude.sessions().every((each) => !isAlive(each.pid)));
  }, 60_000);

  test("to another address closes the one before, when its requests have ended", async () => {
    const started = await start();
    const { gateway } = started;
    const config = { server: { host: "::1" }, providers: { demo: { backend: "demo" } } };
    writeFileSync(gateway.configPath, JSON.stringify(config));
    expect((await restart(started)).code).toBe(0);
    expect(await statusOf(`http://[::1]:${new URL(gateway.url).port}`)).toBe(200);
    expect(await gateway.exited).toBe(0);
    await expect(ask(gateway.url)).rejects.toThrow();
  }, 60_000);

  test("goes on when the old process is asked to end as soon as the new one answers, or is killed", async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const { gateway } = await start();
      process.kill(gateway.pid, "SIGUSR2");
      await until("the successor listens", () => pidIn(gateway) !== gateway.pid);
      process.kill(gateway.pid, signal);
      if (signal === "SIGTERM") expect(await gateway.exited).toBe(0);
      else await gateway.exited;
      const pid = pidIn(gateway);
      expect([pid === gateway.pid, isAlive(pid ?? 0)]).toEqual([false, true]);
      for (let count = 0; count < 10; count++) expect(await statusOf(gateway.url)).toBe(200);
    }
  }, 60_000);

  test("and then a stop at once stops both, and no spending is lost", async () => {
    const vendor = slowVendor();
    const started = await start(paidConfig(vendor.url));
    const { gateway, dir } = started;
    const stream = await ask(gateway.url, { stream: true, max_tokens: 50 }, tenantKey);
    await until("the stream runs", () => vendor.running() === 1);
    process.kill(gateway.pid, "SIGUSR2");
    await until("the successor listens", () => pidIn(gateway) !== gateway.pid);
    process.kill(pidIn(gateway) ?? 0, "SIGTERM");
    const successor = pidIn(gateway) ?? 0;
    await gateway.waitForOutput("handed over");
    // With it a supervisor would end the older one, and the stream with that.
    expect(isAlive(successor)).toBe(true);
    vendor.letGo();
    expect(await stream.text()).toContain("data: [DONE]");
    expect(await gateway.exited).toBe(0);
    await until("the successor has ended too", () => processesOf(dir).length === 0);
    expect(existsSync(join(gateway.stateDir, "run.json"))).toBe(false);
    const next = cleanups.stopAtEnd(
      await startBinary({ config: paidConfig(vendor.url), dir, program: started.program }),
    );
    expect([await spentCents(next.url), await recorded(next.url)]).toEqual([2, 1]);
  }, 60_000);

  test("tells an idle connection to go elsewhere with its next answer, and closes it later", async () => {
    const { gateway } = await start();
    const { hostname, port } = new URL(gateway.url);
    let heard = "";
    let isClosed = false;
    const connection = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_socket, bytes) => void (heard += bytes.toString()),
        end: () => void (isClosed = true),
        close: () => void (isClosed = true),
      },
    });
    const get = `GET /health HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
    connection.write(get);
    await until("an answer", () => heard.includes("providers"));
    expect(heard.toLowerCase()).not.toContain("connection: close");
    heard = "";
    process.kill(gateway.pid, "SIGUSR2");
    await gateway.waitForOutput("handed over");
    expect(isClosed).toBe(false);
    connection.write(get);
    await until("an answer", () => heard.includes("providers"));
    expect(heard.toLowerCase()).toContain("connection: close");
    await until("it is closed", () => isClosed);
    expect(await gateway.exited).toBe(0);
  }, 60_000);
});

describe.skipIf(process.platform !== "linux")("a restart that fails", () => {
  /** It serves as before: new requests, records, and a restart that succeeds. */
  async function goesOn(started: Started): Promise<void> {
    const { gateway, program } = started;
    expect(pidIn(gateway)).toBe(gateway.pid);
    expect(await statusOf(gateway.url)).toBe(200);
    if (existsSync(`${program}.before`)) renameSync(`${program}.before`, program);
    const { code, stderr } = await restart(started);
    expect([code, stderr]).toEqual([0, ""]);
    await gateway.waitForOutput("handed over");
    expect(pidIn(gateway)).not.toBe(gateway.pid);
  }

  test("with a config that is invalid: the words of the error, and nothing has changed", async () => {
    const started = await start();
    const { gateway } = started;
    const good = readFileSync(gateway.configPath, "utf8");
    writeFileSync(gateway.configPath, '{"providers": {"demo": {"backend": "demo"}}, "nonsense": 1}');
    const { code, stderr } = await restart(started);
    expect([code, stderr]).toEqual([1, expect.stringContaining("nonsense")]);
    expect(stderr).toContain("goes on as before");
    writeFileSync(gateway.configPath, good);
    await goesOn(started);
  }, 60_000);

  test.each([
    ["that ends", "#!/bin/sh\nexit 7\n", "exit code 7"],
    ["that is no program", "nothing", "could not be started"],
  ])(
    "with a file at its path %s",
    async (_name, script, words) => {
      const started = await start();
      replaceProgram(started.program, script);
      const { code, stdout, stderr } = await restart(started);
      expect([code, stdout, stderr]).toEqual([1, "", expect.stringContaining(words)]);
      await goesOn(started);
    },
    60_000,
  );

  test("with one that hangs: the gateway serves meanwhile, and stops cleanly when it is asked to", async () => {
    const started = await start();
    const { gateway, program, dir } = started;
    const pidFile = join(dir, "hanging");
    replaceProgram(program, `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 60\n`);
    const { code, stderr } = await restart(started, "--timeout", "1");
    expect([code, stderr]).toEqual([1, expect.stringContaining("within 1 s")]);
    expect(await statusOf(gateway.url)).toBe(200);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    expect(existsSync(join(gateway.stateDir, "run.json"))).toBe(false);
    const hanging = Number(readFileSync(pidFile, "utf8"));
    await until("the hanging one is gone", () => !isAlive(hanging));
  }, 60_000);

  test("with a successor that is killed just after it listens: the old one serves, counts and announces itself again", async () => {
    const vendor = slowVendor();
    const started = await start(paidConfig(vendor.url));
    const { gateway } = started;
    process.kill(gateway.pid, "SIGUSR2");
    await until("the successor listens", () => pidIn(gateway) !== gateway.pid);
    process.kill(pidIn(gateway) ?? 0, "SIGKILL");
    await gateway.waitForOutput("the restart failed");
    expect(pidIn(gateway)).toBe(gateway.pid);
    for (let count = 0; count < 5; count++) expect((await ask(gateway.url, {}, tenantKey)).status).toBe(200);
    await until("all are recorded", async () => (await recorded(gateway.url)) === 5);
    expect(await spentCents(gateway.url)).toBe(10);
    // Its checks and watches go on too.
    writeFileSync(gateway.configPath, JSON.stringify(paidConfig(vendor.url, 99)));
    await gateway.waitForOutput("reloaded");
    rmSync(join(gateway.stateDir, "run.json"));
    await until("it is announced again", () => pidIn(gateway) === gateway.pid);
    await goesOnPaid(started);
    expect([await recorded(gateway.url), await spentCents(gateway.url)]).toEqual([5, 10]);
  }, 60_000);

  async function goesOnPaid(started: Started): Promise<void> {
    expect((await restart(started)).code).toBe(0);
    await started.gateway.waitForOutput("handed over");
  }

  test.each([0, 40, 80, 160, 320])(
    "because the successor is killed %d ms after it was started: the old one is as it was",
    async (delayMs) => {
      const started = await start();
      const { gateway, program, dir } = started;
      const pidFile = join(dir, "successor");
      replaceProgram(program, `#!/bin/sh\necho $$ > ${pidFile}\nexec ${program}.before "$@"\n`);
      process.kill(gateway.pid, "SIGUSR2");
      const pidOf = (): number => (existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : 0);
      await until("it was started", () => pidOf() > 0);
      await Bun.sleep(delayMs);
      process.kill(pidOf(), "SIGKILL");
      await gateway.waitForOutput("the restart failed");
      await goesOn(started);
    },
    60_000,
  );

  test("because the old process is killed before the new one is ready: the new one takes over alone", async () => {
    const started = await start();
    const { gateway, program } = started;
    const begun = join(started.dir, "begun");
    replaceProgram(program, `#!/bin/sh\ntouch ${begun}\nsleep 1\nexec ${program}.before "$@"\n`);
    process.kill(gateway.pid, "SIGUSR2");
    await until("it was started", () => existsSync(begun));
    process.kill(gateway.pid, "SIGKILL");
    await gateway.exited;
    await until("the successor serves", () => {
      const pid = pidIn(gateway);
      return pid !== null && pid !== gateway.pid && isAlive(pid);
    });
    // Its port was any free one, and is still the same.
    expect(await statusOf(gateway.url)).toBe(200);
  }, 60_000);

  test("where no gateway runs, or one that npm started", async () => {
    const dir = cleanups.folder("clawgate-handover-");
    const none = await runProgram([binaryPath(), "restart", "--json"], {
      cwd: dir,
      env: cleanEnvironment(dir),
      timeoutMs: 10_000,
    });
    expect([none.code, JSON.parse(none.stdout)]).toEqual([
      1,
      expect.objectContaining({ restarted: false, why: expect.stringContaining("no gateway is running") }),
    ]);
    const gateway = cleanups.stopAtEnd(
      await startBinary({
        config: { providers: { demo: { backend: "demo" } } },
        dir,
        env: { CLAWGATE_LAUNCHER_PID: String(process.pid) },
      }),
    );
    const refused = await runProgram([binaryPath(), "restart"], {
      cwd: dir,
      env: cleanEnvironment(dir),
      timeoutMs: 10_000,
    });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("started by npm")]);
    expect(await statusOf(gateway.url)).toBe(200);
  }, 60_000);
});

test.skipIf(process.platform !== "linux")(
  "a socket that listens leaves its port without closing a connection",
  async () => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
    cleanups.push(() => server.stop(true));
    const { port } = server;
    if (port === undefined) throw new Error("it does not listen");
    const socket = listeningSocket(port);
    if (socket === null) throw new Error("it is not found");
    expect(socket.waiting()).toBe(0);
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(url)).text()).toBe("here");
    expect(socket.openConnections()).toBe(1);
    socket.leave();
    // The connection that is open, by which fetch asks again.
    expect(await (await fetch(url)).text()).toBe("here");
    expect(listeningSocket(port)).toBeNull();
    const next = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("there") });
    cleanups.push(() => next.stop(true));
    expect(await (await fetch(url, { headers: { connection: "close" } })).text()).toBeOneOf([
      "here",
      "there",
    ]);
  },
);
