// status, health, stop and logs on the one-file program: what they say, how they end, and whom they leave alone.

import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "./support/binary.ts";
import type { Finished } from "./support/program-run.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { type GatedVendor, startGatedVendor } from "./support/gated-vendor.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

function ownFolder(): string {
  return cleanups.folder("clawgate-operator-");
}

const demo = { providers: { demo: { backend: "demo" } } };

async function start(dir: string, config: object = demo, env: Record<string, string> = {}) {
  return cleanups.stopAtEnd(await startBinary({ config, dir, env }));
}

async function run(dir: string, ...args: string[]): Promise<Finished> {
  const child = Bun.spawn([binaryPath(), ...args], {
    cwd: dir,
    env: cleanEnvironment(dir),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

const json = (done: Finished): unknown => JSON.parse(done.stdout);

describe("without a gateway", () => {
  test("every one ends with 1 and says where it looked", async () => {
    const dir = ownFolder();
    const words = `there is no run.json in ${join(dir, "clawgate-state")}`;
    for (const name of ["status", "health", "stop", "logs"]) {
      const { code, stdout, stderr } = await run(dir, name);
      expect([name, code, stdout + stderr]).toEqual([name, 1, expect.stringContaining(words)]);
    }
    const why = expect.stringContaining(words);
    expect(json(await run(dir, "status", "--json"))).toMatchObject({ running: false, why });
    expect(json(await run(dir, "health", "--json"))).toEqual({ status: "unreachable", why });
    expect(json(await run(dir, "stop", "--json"))).toEqual({ stopped: false, why });
    expect(existsSync(join(dir, "clawgate-state"))).toBe(false);
  });

  const mistakes: readonly (readonly string[])[] = [
    ["status", "--json=yes"],
    ["stop", "--timeout", "abc"],
    ["stop", "--timeout", "-1"],
    ["stop", "--timeout", "3601"],
    ["stop", "--timeout", ""],
    ["stop", "--state-dir", ""],
    ["logs", "-n", "0x10"],
    ["logs", "-n", "2001"],
    ["logs", "-n", ""],
    ["health", "now"],
  ];
  test.each(mistakes.map((args) => [args.join(" "), args] as const))(
    "%s: a mistake of usage",
    async (_, args) => {
      const { code, stderr } = await run(ownFolder(), ...args);
      expect([code, stderr]).toEqual([64, expect.stringContaining(`clawgate ${args[0]}`)]);
    },
  );
});

describe("status and health", () => {
  test("report the running one, wherever its state directory is", async () => {
    const dir = ownFolder();
    const gateway = await start(dir);
    const said = await run(dir, "status");
    expect([said.code, said.stderr]).toEqual([0, ""]);
    for (const words of ["is running", String(gateway.pid), gateway.url, gateway.stateDir])
      expect(said.stdout).toContain(words);
    const other = ownFolder();
    expect((await run(other, "status")).code).toBe(1);
    const there = await run(other, "status", "--json", "--state-dir", gateway.stateDir);
    expect(there.code).toBe(0);
    expect(json(there)).toMatchObject({
      running: true,
      pid: gateway.pid,
      url: gateway.url,
      state_dir: gateway.stateDir,
      status: "ok",
      providers: { healthy: 1, loaded: 1 },
      started_at: expect.stringMatching(/^20\d\d-/),
    });
    expect((await run(other, "reload", "--state-dir", gateway.stateDir)).code).toBe(0);
    expect(await run(dir, "health")).toMatchObject({ code: 0, stdout: expect.stringContaining("demo") });
    expect(json(await run(dir, "health", "--json"))).toMatchObject({ status: "ok" });
  });

  test("what is not as it was meant is named, not only counted", async () => {
    const dir = ownFolder();
    const gateway = await start(dir);
    writeFileSync(
      gateway.configPath,
      JSON.stringify({ providers: { demo: { backend: "demo", weight: "x" } } }),
    );
    expect((await run(dir, "reload")).code).toBe(1);
    for (const command of ["health", "status"]) {
      const { code, stdout } = await run(dir, command);
      expect({ command, code }).toEqual({ command, code: 0 });
      expect(stdout).toContain(`${gateway.configPath} is not valid since 20`);
      expect(stdout).toContain("providers.demo.weight: must be a number");
    }
    expect(json(await run(dir, "status", "--json"))).toMatchObject({
      status: "degraded",
      problems: [expect.stringContaining("is not valid since"), expect.stringContaining("weight")],
    });
  });

  test("degraded is 0, down is 1, and so is one that hangs", async () => {
    const dir = ownFolder();
    const dead = { base_url: "http://127.0.0.1:1", api_key: "vendor-key-0123456789", model: "m" };
    const rules = { health: { consecutive_failures_before_skip: 1, check_interval_seconds: 0 } };
    const gateway = await start(dir, { ...rules, providers: { dead, demo: { backend: "demo" } } });
    const fail = (model: string): Promise<Response> =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
      });
    await (await fail("dead/m")).text();
    expect(await run(dir, "health")).toMatchObject({ code: 0, stdout: expect.stringContaining("degraded") });
    writeFileSync(gateway.configPath, JSON.stringify({ ...rules, providers: { dead } }));
    expect((await run(dir, "reload")).code).toBe(0);
    await (await fail("dead/m")).text();
    expect(await run(dir, "health")).toMatchObject({ code: 1, stdout: expect.stringContaining("down") });
    process.kill(gateway.pid, "SIGSTOP");
    cleanups.push(() => process.kill(gateway.pid, "SIGCONT"));
    expect(await run(dir, "health")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no gateway answers"),
    });
  });
});

describe("stop", () => {
  async function withRunningStream(): Promise<{
    readonly dir: string;
    readonly gateway: RunningBinary;
    readonly vendor: GatedVendor;
    readonly rest: Promise<string>;
  }> {
    const dir = ownFolder();
    const vendor = cleanups.stopAtEnd(startGatedVendor());
    const gateway = await start(dir, {
      providers: { gated: { base_url: vendor.url, api_key: "vendor-key-0123456789", model: "gated" } },
    });
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "Hello" }] }),
    });
    return { dir, gateway, vendor, rest: answer.text() };
  }

  test("waits for what runs", async () => {
    const { dir, gateway, vendor, rest } = await withRunningStream();
    const stopping = run(dir, "stop");
    await gateway.waitForOutput("stopping after 1 running requests");
    vendor.release();
    expect(await stopping).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringContaining("has stopped ("),
    });
    expect(await rest).toEndWith("data: [DONE]\n\n");
    expect(await gateway.exited).toBe(0);
    expect((await run(dir, "status")).code).toBe(1);
  });

  test("as long as it was asked to; then what runs is ended, and the client is told", async () => {
    const { dir, gateway, rest } = await withRunningStream();
    const done = await run(dir, "stop", "--timeout", "0.2", "--json");
    expect([done.code, json(done)]).toEqual([
      0,
      { stopped: true, pid: gateway.pid, how: "cut-off", took_s: expect.any(Number) },
    ]);
    expect(await rest).toContain("shutting down");
    expect(await gateway.exited).toBe(0);
  });

  test("one that hangs is killed in the end", async () => {
    const dir = ownFolder();
    const gateway = await start(dir);
    process.kill(gateway.pid, "SIGSTOP");
    expect(await run(dir, "stop", "--timeout", "0")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("was killed"),
    });
    expect(await gateway.exited).not.toBe(0);
    // A hung one is waited for longer than most tests take.
  }, 40_000);

  test("never touches a process that is not the gateway", async () => {
    const dir = ownFolder();
    const bystander = Bun.spawn(["sleep", "60"]);
    cleanups.push(() => bystander.kill("SIGKILL"));
    const gateway = await start(ownFolder());
    const stateDir = join(dir, "clawgate-state");
    mkdirSync(stateDir, { mode: 0o700 });
    // A number that was used again, and one of another machine's or container's.
    for (const [url, words] of [
      ["http://127.0.0.1:1", "no gateway answers"],
      [gateway.url, process.platform === "linux" ? "is not it" : ""],
    ]) {
      const text = JSON.stringify({ pid: bystander.pid, url, token: gateway.token });
      writeFileSync(join(stateDir, "run.json"), text, { mode: 0o600 });
      if (words === "") continue;
      expect(await run(dir, "stop")).toMatchObject({ code: 1, stderr: expect.stringContaining(words ?? "") });
    }
    expect(bystander.exitCode).toBeNull();
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });
});

describe("logs", () => {
  const secret = "vendor-key-that-nobody-may-see-0123";

  test("the last lines, for people and as JSON, and no secret, whenever it became one", async () => {
    const dir = ownFolder();
    const name = "not-a-secret-before-the-reload";
    const config = { providers: { demo: { backend: "demo" } }, auth: { admin_key: "admin-key-0123456789" } };
    const gateway = await start(dir, config);
    const provider = { base_url: "http://127.0.0.1:1", api_key: secret, model: "m" };
    writeFileSync(
      gateway.configPath,
      JSON.stringify({ ...config, providers: { demo: { backend: "demo" }, [name]: provider } }),
    );
    expect((await run(dir, "reload")).code).toBe(0);
    const lines = (await run(dir, "logs", "--json")).stdout.trim().split("\n");
    const parsed = lines.map((line) => JSON.parse(line) as { message: string; level: string });
    expect(parsed.map(({ message }) => message)).toEqual(
      expect.arrayContaining(["listening", "config reloaded"]),
    );
    expect(lines.join("\n")).toContain(name);
    // What was logged openly is masked once it is known for a secret.
    writeFileSync(
      gateway.configPath,
      JSON.stringify({
        ...config,
        providers: { demo: { backend: "demo" }, other: { ...provider, api_key: name } },
      }),
    );
    expect((await run(dir, "reload")).code).toBe(0);
    const people = await run(dir, "logs");
    expect(people.stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}listening url=/m);
    for (const text of [people.stdout, (await run(dir, "logs", "--json")).stdout]) {
      expect(text).not.toContain(name);
      expect(text).not.toContain(secret);
    }
    const one = await run(dir, "logs", "-n", "1");
    expect(one.stdout.trim().split("\n")).toHaveLength(1);
    expect((await run(dir, "logs", "-n0")).stdout).toBe("");
    // Only for who may read.
    const ask = (key?: string): Promise<Response> =>
      fetch(
        `${gateway.url}/api/logs?limit=2`,
        key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
      );
    expect([(await ask()).status, (await ask("wrong-key-0123456789")).status]).toEqual([401, 401]);
    const answer = (await (await ask("admin-key-0123456789")).json()) as { lines: unknown[]; cursor: number };
    expect(answer.lines).toHaveLength(2);
    expect(answer.cursor).toBeGreaterThan(2);
    const bad = await fetch(`${gateway.url}/api/logs?limit=many`, {
      headers: { authorization: "Bearer admin-key-0123456789" },
    });
    expect([bad.status, await bad.text()]).toEqual([400, expect.stringContaining("limit must be")]);
  });

  test("with -f what comes is printed as it comes, until the gateway ends", async () => {
    const dir = ownFolder();
    const gateway = await start(dir);
    const following = Bun.spawn([binaryPath(), "logs", "-f", "-n", "1"], {
      cwd: dir,
      env: cleanEnvironment(dir),
      stdio: ["ignore", "pipe", "pipe"],
    });
    cleanups.push(() => following.kill("SIGKILL"));
    const reader = following.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const readUntil = async (words: string): Promise<void> => {
      while (!text.includes(words)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`ended before "${words}": ${text}`);
        text += value;
      }
    };
    await readUntil("listening");
    gateway.signal("SIGHUP");
    await readUntil("config reloaded");
    expect(text.match(/listening/g)).toHaveLength(1);
    await gateway.stop();
    expect(await following.exited).toBe(0);
    expect(await new Response(following.stderr).text()).toContain("the gateway has ended");
  });
});
