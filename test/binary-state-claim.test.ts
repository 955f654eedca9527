// The one-file program and its state directory: one gateway has one, a second one is refused without touching anything, and what
// somebody takes away under it is made again.

import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { binaryPath, cleanEnvironment, runBinary, startBinary } from "./support/binary.ts";
import type { Finished } from "./support/program-run.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

const demo = { providers: { demo: { backend: "demo" } } };

function ownFolder(): string {
  return cleanups.folder("clawgate-claim-");
}

async function start(dir: string) {
  return cleanups.stopAtEnd(await startBinary({ config: demo, dir }));
}

const second = (dir: string, ...args: string[]): Promise<Finished> =>
  runBinary(["serve", "--demo", "--port", "0", ...args], dir);

/** Names, sizes, times and texts of what lies in a directory. */
function contents(directory: string): unknown {
  const names = readdirSync(directory, { recursive: true }).map(String).toSorted();
  return names.map((name) => {
    const { ino, size, mtimeMs } = statSync(join(directory, name));
    return { name, ino, size, mtimeMs };
  });
}

/** 0 also where there is no such file, or one that is only being made. */
function rowsIn(path: string): number {
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true });
    return db.query("SELECT 1 FROM state").all().length;
  } catch {
    return 0;
  } finally {
    db?.close();
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await Bun.sleep(50);
  }
}

describe("a second gateway on one state directory", () => {
  test("ends with 1, says who has it, and touches nothing", async () => {
    const dir = ownFolder();
    const first = await start(dir);
    const before = contents(first.stateDir);
    const run = readFileSync(join(first.stateDir, "run.json"), "utf8");
    const { code, stdout, stderr } = await second(dir);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`process ${first.pid}, listening at ${first.url}, since 20`);
    expect(stderr).toContain(first.stateDir);
    expect(stderr).not.toContain(first.token);
    expect(contents(first.stateDir)).toEqual(before);
    expect(readFileSync(join(first.stateDir, "run.json"), "utf8")).toBe(run);
    expect((await fetch(`${first.url}/health`)).status).toBe(200);
    expect((await runBinary(["reload"], dir)).code).toBe(0);
    // Neither does one that would fail for another reason.
    expect((await second(dir, "--port", new URL(first.url).port)).stderr).toContain(`process ${first.pid}`);
    expect(readFileSync(join(first.stateDir, "run.json"), "utf8")).toBe(run);
  });

  test("of six at once one wins, and the others name it", async () => {
    const dir = ownFolder();
    const children = Array.from({ length: 6 }, () =>
      Bun.spawn([binaryPath(), "serve", "--demo", "--port", "0"], {
        cwd: dir,
        env: cleanEnvironment(dir),
        stdio: ["ignore", "ignore", "pipe"],
      }),
    );
    cleanups.push(() => children.forEach((child) => child.kill("SIGKILL")));
    const texts = children.map((child) => new Response(child.stderr).text());
    await until("five have ended", () => children.filter((child) => child.exitCode !== null).length >= 5);
    const winner = children.find((child) => child.exitCode === null);
    if (winner === undefined) throw new Error((await Promise.all(texts)).join("\n"));
    for (const [at, child] of children.entries())
      if (child !== winner) {
        expect(child.exitCode).toBe(1);
        expect(await texts[at]).toContain(`process ${winner.pid}, listening at http://127.0.0.1:`);
      }
    winner.kill("SIGTERM");
    expect(await winner.exited).toBe(0);
    expect(existsSync(join(dir, "clawgate-state", "run.json"))).toBe(false);
  });

  test("one that was killed blocks no other, and the next start removes what it left, even a start that fails", async () => {
    const dir = ownFolder();
    const first = await start(dir);
    const held = cleanups.stopAtEnd(await startBinary({ config: demo }));
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    const left = join(first.stateDir, "run.json");
    expect(existsSync(left)).toBe(true);
    const failed = await second(dir, "--port", new URL(held.url).port);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("already in use")]);
    expect(existsSync(left)).toBe(false);
    const next = await start(dir);
    expect(JSON.parse(readFileSync(left, "utf8"))).toMatchObject({ pid: next.pid, url: next.url });
  });

  test("one of a build that knew no lock keeps it out as well; a stranger with its number does not", async () => {
    const dir = ownFolder();
    const stateDir = join(dir, "clawgate-state");
    mkdirSync(stateDir, { mode: 0o700 });
    let body: object = { status: "ok", version: "0.0.1-old", providers: {} };
    const older = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(body) });
    cleanups.push(() => older.stop(true));
    const bystander = Bun.spawn(["sleep", "60"]);
    cleanups.push(() => bystander.kill("SIGKILL"));
    const url = `http://127.0.0.1:${older.port}`;
    const run = JSON.stringify({ pid: bystander.pid, url, token: "older-token-0123456789" });
    writeFileSync(join(stateDir, "run.json"), run, { mode: 0o600 });
    expect(await second(dir)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`process ${bystander.pid}, listening at ${url}`),
    });
    expect(readFileSync(join(stateDir, "run.json"), "utf8")).toBe(run);
    body = { hello: "world" };
    const gateway = await start(dir);
    expect(JSON.parse(readFileSync(join(stateDir, "run.json"), "utf8"))).toMatchObject({ pid: gateway.pid });
    expect(bystander.exitCode).toBeNull();
  });

  test.skipIf(process.platform !== "linux")(
    "one whose number is another one here, as of a container of its own, is found and named by the number it has here",
    async () => {
      const dir = ownFolder();
      const first = await start(dir);
      const ended = Bun.spawn(["true"]);
      await ended.exited;
      const path = join(first.stateDir, "run.json");
      const run = JSON.parse(readFileSync(path, "utf8")) as object;
      writeFileSync(path, JSON.stringify({ ...run, pid: ended.pid }));
      const { code, stdout } = await runBinary(["status", "--json"], dir);
      expect([code, JSON.parse(stdout)]).toEqual([
        0,
        expect.objectContaining({ pid: first.pid, url: first.url }),
      ]);
      expect((await second(dir)).stderr).toContain(`process ${first.pid}, `);
      // What is told by a number alone is not signalled.
      expect(await runBinary(["stop"], dir)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`process ${ended.pid} of this machine is not it`),
      });
      process.kill(first.pid, "SIGKILL");
      await first.exited;
      expect((await runBinary(["status"], dir)).stdout).toContain("is gone");
    },
  );

  test("a start that fails where there is no state directory leaves no folder behind", async () => {
    const dir = ownFolder();
    const [held, temporary] = [await start(dir), join(dir, "temporary")];
    mkdirSync(temporary);
    const { code, stderr } = await runBinary(["serve", "--demo", "--port", new URL(held.url).port], dir, {
      CLAWGATE_STATE_DIR: join(held.configPath, "state"),
      TMPDIR: temporary,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining("already in use")]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("commands that only read go on beside it", async () => {
    const dir = ownFolder();
    await start(dir);
    for (const args of [["providers", "list"], ["route", "--model", "auto", "Hello"], ["version"]]) {
      const { code, stderr } = await runBinary(args, dir);
      expect([args, code, stderr]).toEqual([args, 0, ""]);
    }
  });
});

describe("what is taken away under it", () => {
  test("run.json and the whole directory are made again, and the commands find it", async () => {
    const dir = ownFolder();
    const gateway = await start(dir);
    const run = join(gateway.stateDir, "run.json");
    rmSync(run);
    await until("run.json is back", () => existsSync(run));
    rmSync(gateway.stateDir, { recursive: true });
    await until("the directory is back", () => existsSync(run));
    expect(statSync(gateway.stateDir).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(run, "utf8"))).toMatchObject({ pid: gateway.pid, token: gateway.token });
    expect((await runBinary(["reload"], dir)).code).toBe(0);
    // And it is ours again: nobody else may have it.
    expect(await second(dir)).toMatchObject({ code: 1 });
    expect(await gateway.stop()).toBe(0);
    expect(existsSync(run)).toBe(false);
  });

  test("a folder that others may look into, in the place of the directory, is made private and used", async () => {
    const dir = ownFolder();
    const { stateDir } = await start(dir);
    const names = ["run.json", "state.db"].map((name) => join(stateDir, name));
    rmSync(stateDir, { recursive: true });
    mkdirSync(stateDir, { mode: 0o755 });
    await until("both are back", () => names.every((name) => existsSync(name)));
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  });

  test.each(["", "-wal"])(
    "state.db%s: what was learned of providers outlives it and a kill",
    async (suffix) => {
      const dir = ownFolder();
      const config = {
        health: {
          consecutive_failures_before_skip: 1,
          check_interval_seconds: 0,
          recovery_check_interval_seconds: 3_600,
        },
        providers: { dead: { base_url: "http://127.0.0.1:1", api_key: "vendor-key-0123456789", model: "m" } },
      };
      const circuit = async (url: string): Promise<unknown> =>
        ((await (await fetch(`${url}/health`)).json()) as { providers: { dead: { circuit: string } } })
          .providers.dead.circuit;
      const first = cleanups.stopAtEnd(await startBinary({ config, dir }));
      const asked = await fetch(`${first.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "dead/m", messages: [{ role: "user", content: "Hello" }] }),
      });
      await asked.text();
      expect(await circuit(first.url)).toBe("open");
      const file = join(first.stateDir, "state.db");
      await until("it is written", () => rowsIn(file) > 0);
      for (const each of suffix === "" ? ["", "-wal", "-shm"] : [suffix]) rmSync(file + each);
      await first.waitForOutput("state file was deleted or replaced");
      await until("it is written again", () => rowsIn(file) > 0);
      process.kill(first.pid, "SIGKILL");
      await first.exited;
      const second = cleanups.stopAtEnd(await startBinary({ config, dir }));
      expect(await circuit(second.url)).toBe("open");
    },
  );

  test("a directory that another gateway has by now is left to it", async () => {
    const dir = ownFolder();
    const gateway = await start(dir);
    renameSync(gateway.stateDir, join(dir, "moved"));
    const other = await start(dir);
    expect(other.stateDir).toBe(gateway.stateDir);
    await gateway.waitForOutput("another gateway owns it");
    const run = readFileSync(join(other.stateDir, "run.json"), "utf8");
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    expect(await gateway.stop()).toBe(0);
    expect(readFileSync(join(other.stateDir, "run.json"), "utf8")).toBe(run);
    expect(await other.stop()).toBe(0);
  });
});
