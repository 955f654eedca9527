// What the gateway depends on and does not own, as /health shows it to readers: programs, folders, free space, certificates, the
// config on the disk.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createMachineChecks } from "../../src/app/machine-checks.ts";
import { replaceFile } from "../../src/system/files.ts";
import { freeSpaceAt } from "../../src/system/free-space.ts";
import { certificateProblem, problemIn } from "../../src/system/certificates.ts";
import { hasOpenssl, selfSigned } from "../support/certificate.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../pipeline/test-pipeline.ts";

const cleanups = cleanupsAfterEach();
function folder(): string {
  return cleanups.folder("clawgate-machine-");
}

type Told = {
  readonly status: string;
  readonly problems: readonly { readonly id: string; readonly message: string }[];
  readonly providers: Readonly<
    Record<string, { readonly healthy: boolean; readonly last_error: string | null }>
  >;
  readonly metrics: { readonly state: string; readonly path: string; readonly detail: string | null };
  readonly config: { readonly invalid_since: string | null; readonly problems: readonly string[] };
  readonly state: { readonly store: string; readonly free_bytes: number | null };
};
const demo = { demo: { backend: "demo" } };
async function open(
  config: object = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<{ gateway: TestGateway; clock: ReturnType<typeof fakeClock> }> {
  const clock = fakeClock(Date.now());
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({ config: { providers: demo, ...config }, environment, clock }),
  );
  return { gateway, clock };
}
const ask = async ({ url }: TestGateway): Promise<Told> =>
  (await (await fetch(`${url}/health`)).json()) as Told;
const problemsOf = async (gateway: TestGateway): Promise<readonly string[]> =>
  (await ask(gateway)).problems.map(({ id, message }) => `${id}: ${message}`);
/** The lines of the checks themselves; what is wrong is also an alert. */
const logged = ({ log }: TestGateway, words: string): number =>
  log.filter((line) => line.includes(words) && !line.includes('"message":"alert')).length;

test("all is well", async () => {
  const { gateway } = await open();
  expect(await ask(gateway)).toMatchObject({
    status: "ok",
    problems: [],
    state: { store: "ok", free_bytes: expect.any(Number) },
    config: { invalid_since: null, problems: [] },
    certificates: { extra: null, untrusted: [] },
  });
});

describe("the Claude Code program", () => {
  const config = (bin: string, size = 0) => ({
    providers: { ...demo, mine: { backend: "claude-cli", bin, warm: { size } } },
  });

  test("that is missing is down before anybody asks, told at the start, and back when it is there", async () => {
    const bin = join(folder(), "claude");
    const { gateway, clock } = await open(config(bin));
    expect(await ask(gateway)).toMatchObject({
      status: "degraded",
      providers: { mine: { healthy: false, last_error: `unreachable: ${bin} is not there (ENOENT)` } },
    });
    expect(logged(gateway, `provider mine is down: unreachable: ${bin} is not there`)).toBe(1);
    writeFileSync(bin, "#!/bin/sh\necho 2.1.197\n", { mode: 0o755 });
    await clock.advance(31_000);
    await until("it is back", () => gateway.app.services.health.view("mine").healthy);
    expect((await ask(gateway)).status).toBe("ok");
  });

  test("that ends at its start is down as soon as one was started ahead, and nobody waits to hear it", async () => {
    const bin = join(folder(), "claude");
    writeFileSync(bin, "#!/bin/sh\necho broken >&2\nexit 9\n", { mode: 0o755 });
    const { gateway } = await open(config(bin, 1));
    await until("it is down", () => !gateway.app.services.health.view("mine").healthy);
    expect((await ask(gateway)).providers["mine"]?.last_error).toContain("exit code 9: broken");
  });
});

describe("stores", () => {
  test("records that go elsewhere than the operator said", async () => {
    const { gateway } = await open({}, { CLAWGATE_DB_PATH: folder() });
    await gateway.app.services.store.flush();
    await gateway.app.services.store.recent({});
    const [problem] = await problemsOf(gateway);
    expect(problem).toStartWith("records: records go to ");
    expect(problem).toContain("(from CLAWGATE_DB_PATH) cannot be used: it is not a regular file");
    expect((await ask(gateway)).status).toBe("degraded");
  });

  test("records that wait, because another program holds the database", async () => {
    const path = join(folder(), "records.db");
    const { gateway } = await open({}, { CLAWGATE_DB_PATH: path });
    await gateway.app.services.store.recent({});
    const other = new Database(path);
    cleanups.push(() => other.close());
    other.run("BEGIN EXCLUSIVE");
    const asked = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hi" }] }),
    });
    await asked.text();
    const { store } = gateway.app.services;
    // A writer that is at it just now may let a flush pass.
    await until("it waits", () => {
      void store.flush();
      return store.status().state === "failed";
    });
    expect((await problemsOf(gateway))[0]).toStartWith(
      `records: records wait in memory: ${path}: SQLITE_BUSY`,
    );
    other.run("ROLLBACK");
    await gateway.app.services.store.flush();
    expect(await ask(gateway)).toMatchObject({ status: "ok", problems: [] });
  });

  test("a state file that cannot be used", async () => {
    const path = join(folder(), "state");
    mkdirSync(join(path, "state.db"), { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    const { gateway } = await open({}, { CLAWGATE_STATE_DIR: path });
    expect(await problemsOf(gateway)).toEqual([
      `state: state is kept in memory: ${join(path, "state.db")} (from CLAWGATE_STATE_DIR): it is not a regular file`,
    ]);
  });

  test("records in memory by choice are no problem", async () => {
    const { gateway } = await open({}, { CLAWGATE_DB_PATH: ":memory:" });
    await gateway.app.services.store.recent({});
    expect(await ask(gateway)).toMatchObject({ status: "ok", metrics: { state: "memory" }, problems: [] });
  });

  test("a state directory that cannot be used, and the variable that names it", async () => {
    const path = join(folder(), "state");
    writeFileSync(path, "");
    const { gateway } = await open({}, { CLAWGATE_STATE_DIR: path });
    const [problem] = await problemsOf(gateway);
    expect(problem).toStartWith(
      `state.directory: state is kept in memory: ${path} (from CLAWGATE_STATE_DIR): `,
    );
    expect((await ask(gateway)).state.store).toBe("memory");
    expect(gateway.log.some((line) => line.includes('"from":"CLAWGATE_STATE_DIR"'))).toBe(true);
  });

  test("a state directory that goes away while it runs, and comes again", async () => {
    const path = join(folder(), "state");
    const { gateway, clock } = await open({}, { XDG_STATE_HOME: path, CLAWGATE_STATE_DIR: "" });
    rmSync(path, { recursive: true });
    // Where nothing lay it would be made again.
    writeFileSync(path, "");
    await clock.advance(31_000);
    const gone = `the state directory ${join(path, "clawgate")} (from XDG_STATE_HOME) cannot be written to (ENOTDIR)`;
    await until("it is told", () => logged(gateway, gone) === 1);
    expect(await problemsOf(gateway)).toContain(`state.directory: ${gone}`);
    rmSync(path);
    await clock.advance(31_000);
    await until("the end of it is told", () => logged(gateway, `no longer: ${gone}`) === 1);
    expect(logged(gateway, gone)).toBe(2);
  });

  const isMountable = process.platform === "linux" && process.getuid?.() === 0 && Bun.which("mount") !== null;
  test.skipIf(!isMountable)(
    "a disk that is full: who does not fit, where, and by which variable",
    async () => {
      const disk = join(folder(), "disk");
      mkdirSync(disk);
      if (Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).exitCode !== 0) return;
      cleanups.push(() => Bun.spawnSync(["umount", "-l", disk]));
      mkdirSync(join(disk, "state"), { mode: 0o700 });
      Bun.spawnSync(["dd", "if=/dev/zero", `of=${join(disk, "fill")}`, "bs=4k"], { stderr: "ignore" });
      const { gateway } = await open(
        {},
        {
          CLAWGATE_STATE_DIR: join(disk, "state"),
          CLAWGATE_DB_PATH: join(disk, "records.db"),
        },
      );
      await gateway.app.services.store.recent({});
      const file = join(disk, "state", "file");
      expect(await replaceFile(file, "x".repeat(10_000)).catch(String)).toMatch(/ENOSPC.*\/state\/file$/);
      const problems = (await problemsOf(gateway)).join("\n");
      expect(problems).toContain(
        "state.run-file: commands do not find this gateway: run.json could not be written",
      );
      expect(problems).toContain(
        `space.state: only 0.0 MB are free for the state directory: ${join(disk, "state")} (from CLAWGATE_STATE_DIR)`,
      );
      expect(problems).toContain("state: state is kept in memory: ");
      expect(problems).toMatch(
        /records: records go to .* \(from CLAWGATE_DB_PATH\) cannot be used: SQLITE_FULL/,
      );
      expect((await ask(gateway)).status).toBe("degraded");
    },
  );
});

test("a config on the disk that is not valid: since when, and what is wrong with it, until it is corrected", async () => {
  const { gateway, clock } = await open();
  gateway.write({ providers: demo, server: { prot: 1 } });
  const sinceMs = clock.nowMs();
  await gateway.app.reload("file");
  await clock.advance(5_000);
  await gateway.app.reload("signal");
  const told = await ask(gateway);
  expect(told.status).toBe("degraded");
  expect(told.config.invalid_since).toBe(new Date(sinceMs).toISOString());
  expect(told.config.problems.join("\n")).toContain("server.prot: unknown key");
  expect(told.problems[0]?.message).toContain(`is not valid since ${told.config.invalid_since}`);
  gateway.write({ providers: demo });
  await gateway.app.reload("file");
  expect(await ask(gateway)).toMatchObject({ status: "ok", config: { invalid_since: null, problems: [] } });
});

describe("NODE_EXTRA_CA_CERTS", () => {
  test("that is not there: told at the start and to readers", async () => {
    const path = join(folder(), "ca.pem");
    const { gateway, clock } = await open({}, { NODE_EXTRA_CA_CERTS: path });
    expect(await problemsOf(gateway)).toEqual([`certificates: NODE_EXTRA_CA_CERTS: ${path} does not exist`]);
    expect(logged(gateway, `NODE_EXTRA_CA_CERTS: ${path} does not exist`)).toBe(1);
    if (!hasOpenssl) return;
    writeFileSync(path, selfSigned().cert);
    await clock.advance(31_000);
    expect((await problemsOf(gateway))[0]).toContain("could not be used at the start; restart to use it");
  });

  test("what a file can lack", async () => {
    const dir = folder();
    const path = join(dir, "ca.pem");
    const now = Date.now();
    expect(await certificateProblem(dir, now)).toBe("is not a file");
    writeFileSync(path, "hello");
    expect(await certificateProblem(path, now)).toBe("contains no certificate (PEM)");
    if (process.getuid?.() !== 0) {
      chmodSync(path, 0);
      expect(await certificateProblem(path, now)).toBe("cannot be read (EACCES)");
    }
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    expect(problemIn(broken, now)).toBe("its certificate cannot be parsed");
  });

  test.skipIf(!hasOpenssl)("which of several is not valid today, and since when", () => {
    const { cert } = selfSigned();
    const day = 86_400_000;
    const now = Date.now();
    expect(problemIn(cert, now + 1_000)).toBeNull();
    expect(problemIn(cert + cert, now + 1_000)).toBeNull();
    expect(problemIn(cert + cert, now + 3 * day)).toMatch(
      /^certificate 1 of 2 \(localhost\) expired on \d{4}-\d\d-\d\d$/,
    );
    // A system's bundle holds some that nobody uses any more.
    expect(problemIn(cert.repeat(21), now + 3 * day)).toBeNull();
    expect(problemIn(cert, now - 3 * day)).toMatch(
      /^its certificate \(localhost\) is not valid before \d{4}/,
    );
  });
});

test("a machine that does not answer holds up one asker for a second, nobody after, and that is told", async () => {
  const { gateway, clock } = await open();
  const answer = Promise.withResolvers<ReadonlyMap<string, string | null>>();
  const { services } = gateway.app;
  const machineChecks = createMachineChecks({
    services: { ...services, claudePrograms: { ...services.claudePrograms, problems: () => answer.promise } },
    environment: {},
    workingDirectory: folder(),
    state: { path: folder(), from: "HOME" },
    isRecorded: false,
  });
  const first = machineChecks.check();
  await clock.advance(1_000);
  const told = [expect.objectContaining({ id: "premises" })];
  expect((await first).problems).toEqual(told);
  // Without the clock.
  expect((await machineChecks.check()).problems).toEqual(told);
  answer.resolve(new Map());
  await first;
  while ((await machineChecks.check()).problems.length > 0) await Bun.sleep(1);
});

test.skipIf(process.platform !== "linux")(
  "a file system that counts no blocks is not a full one",
  async () => {
    expect(await freeSpaceAt("/proc")).toBeNull();
  },
);
