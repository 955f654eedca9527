// The compiled program updates itself: three real versions, a release server, a gateway that a service manager keeps running, and
// requests all the while. Also install.sh with a real program.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildBinary } from "../../scripts/build.ts";
import { isAlive } from "../../src/system/process.ts";
import { cleanEnvironment } from "../support/binary.ts";
import { Cleanups } from "../support/cleanups.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalRelease, type LocalRelease } from "../support/local-release.ts";
import { runProgram } from "../support/program-run.ts";
import { installer } from "../install/install-run.ts";

const minuteMs = 60_000;
const cleanups = new Cleanups();
const work = mkdtempSync(join(tmpdir(), "clawgate-real-update-"));
cleanups.push(() => rmSync(work, { recursive: true, force: true }));
let release: LocalRelease;
const programs: Record<string, Uint8Array> = {};
const target = `linux-${process.arch}`;

beforeAll(async () => {
  release = cleanups.stopAtEnd(startLocalRelease());
  const releaseKeyPath = join(work, "key.pem");
  writeFileSync(releaseKeyPath, release.key.publicPem);
  for (const version of ["1.0.0", "1.1.0"]) {
    const path = buildBinary({ output: join(work, version, "clawgate"), version, releaseKeyPath });
    programs[version] = readFileSync(path);
  }
}, 5 * minuteMs);

afterAll(() => cleanups.run(), minuteMs);

const bytesOf = (version: string): Uint8Array => programs[version] ?? new Uint8Array(0);

/** Answers as a program should, until it is to serve. */
const failing = (version: string): string =>
  `#!/bin/sh\ncase $1 in\nversion) echo 'clawgate ${version} (0)' ;;\ndoctor) echo '{"findings":[]}' ;;\n*) sleep 0.2; exit 1 ;;\nesac\n`;

const publish = (version: string, program: Uint8Array | string) =>
  release.publish({ version, programs: { [target]: program } });

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** The process that says it is the gateway. */
function announced(stateDir: string): number | null {
  try {
    return (JSON.parse(readFileSync(join(stateDir, "run.json"), "utf8")) as { pid: number }).pid;
  } catch {
    return null;
  }
}

/** The program in a folder of its own, kept running as a service manager does, with a `systemctl` that knows it. */
async function startService() {
  const dir = mkdtempSync(join(work, "service-"));
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const program = join(bin, "clawgate");
  writeFileSync(program, bytesOf("1.0.0"), { mode: 0o755 });
  const tools = join(dir, "tools");
  mkdirSync(tools);
  const pidFile = join(dir, "pid");
  const systemctl = [
    "#!/bin/sh",
    '[ "$1" = --user ] && shift || exit 1',
    "case $1 in",
    `show) cat '${pidFile}' ;;`,
    "restart)",
    `  old=$(cat '${pidFile}'); kill "$old"`,
    "  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do",
    `    sleep 0.5; new=$(cat '${pidFile}')`,
    '    [ "$new" = "$old" ] || { sleep 1.5; kill -0 "$new" && exit 0; echo "the main process ended" >&2; exit 1; }',
    "  done",
    "  exit 1 ;;",
    "esac",
  ];
  writeFileSync(join(tools, "systemctl"), `${systemctl.join("\n")}\n`, { mode: 0o755 });
  const config = join(dir, "config.yaml");
  writeFileSync(config, JSON.stringify({ providers: { demo: { backend: "demo" } } }), { mode: 0o600 });
  const port = await freePort();
  const env = {
    ...cleanEnvironment(dir),
    PATH: `${tools}:${process.env["PATH"] ?? ""}`,
    CLAWGATE_RELEASE_URL: release.url,
    CLAWGATE_CONTAINER: "0",
  };
  const stateDir = join(dir, "clawgate-state");
  let isOver = false;
  let pid = 0;
  const noted = (number: number): void => {
    pid = number;
    writeFileSync(pidFile, `${number}\n`);
  };
  const keepRunning = async (): Promise<void> => {
    while (!isOver) {
      const child = Bun.spawn([program, "serve", "--config", config, "--port", String(port)], {
        cwd: dir,
        env,
        stdout: "ignore",
        stderr: "ignore",
      });
      noted(child.pid);
      await child.exited;
      // A gateway that hands over goes on as another process.
      while (!isOver) {
        const other = announced(stateDir);
        if (other === null || !isAlive(other)) break;
        if (other !== pid) noted(other);
        await Bun.sleep(50);
      }
      await Bun.sleep(100);
    }
  };
  const kept = keepRunning();
  cleanups.push(async () => {
    isOver = true;
    for (const each of new Set([pid, announced(stateDir) ?? pid])) if (isAlive(each)) process.kill(each);
    await kept;
  });
  const url = `http://127.0.0.1:${port}`;
  const version = async (): Promise<string> => {
    const answer = await fetch(`${url}/health`);
    return ((await answer.json()) as { version: string }).version;
  };
  // While it is started again its connections are refused or cut.
  const isVersion = (wanted: string): Promise<void> =>
    eventually(async () => expect(await version()).toBe(wanted), 30_000);
  await isVersion("1.0.0");
  return {
    program,
    url,
    isVersion,
    env,
    dir,
    stateDir,
    files: () => readdirSync(bin).toSorted(),
    run: (...args: readonly string[]) =>
      runProgram([program, ...args], { cwd: dir, env, timeoutMs: 2 * minuteMs }),
  };
}

/** Chat requests one after another until `stop`, which returns how many there were and how many failed. */
function keepAsking(url: string) {
  let isOver = false;
  let [asked, failed] = [0, 0];
  const loop = async (): Promise<void> => {
    while (!isOver) {
      asked += 1;
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hello" }] }),
      }).catch(() => null);
      const text = await answer?.text().catch(() => "");
      if (answer?.status !== 200 || text === undefined || !text.includes("choices")) failed += 1;
      await Bun.sleep(10);
    }
  };
  const done = loop();
  return {
    async stop() {
      isOver = true;
      await done;
      return { asked, failed };
    },
  };
}

describe("the compiled program", () => {
  test(
    "finds, installs, restarts, watches and keeps; rolls back and forward",
    async () => {
      await publish("1.1.0", bytesOf("1.1.0"));
      const service = await startService();
      const checked = await service.run("update", "--check");
      expect(checked).toMatchObject({ code: 2 });
      expect(checked.stdout).toContain("1.1.0 is newer than this version, 1.0.0");
      const asking = keepAsking(service.url);
      const updated = await service.run("update");
      const { asked, failed } = await asking.stop();
      expect(asked).toBeGreaterThan(5);
      // A service that is stopped and started refuses for a moment; one that hands over must not.
      if (updated.stderr.includes("no request was lost")) expect(failed).toBe(0);
      expect(updated.stderr).not.toContain("clawgate:");
      expect(updated.stdout).toContain(
        "Updated from 1.0.0 to 1.1.0. The gateway was restarted and works as before.",
      );
      expect(updated.code).toBe(0);
      await service.isVersion("1.1.0");
      expect(service.files()).toEqual(["clawgate", "clawgate.previous"]);
      expect((await service.run("update")).stdout).toContain("This is 1.1.0, the latest version.");
      const doctor = await service.run("doctor", "--quick");
      expect(doctor.stdout).toContain("a previous version is kept");
      expect(doctor.stdout).toContain(`built for ${target}`);
      const back = JSON.parse((await service.run("update", "--rollback", "--json")).stdout) as object;
      expect(back).toMatchObject({ ok: true, current: "1.1.0", version: "1.0.0", gateway: "restarted" });
      await service.isVersion("1.0.0");
      expect((await service.run("update", "--rollback")).code).toBe(0);
      await service.isVersion("1.1.0");
      const older = await service.run("update", "--version", "9.9.9");
      expect(older.code).toBe(1);
      expect(older.stderr).toContain("is there a version 9.9.9?");
    },
    4 * minuteMs,
  );

  test(
    "refused releases lose no request, and a version that does not serve is undone",
    async () => {
      await publish("1.2.0", failing("1.2.0"));
      const service = await startService();
      const asking = keepAsking(service.url);
      const spoiled = startLocalRelease();
      cleanups.push(() => spoiled.stop());
      // Signed by a stranger's key.
      await spoiled.publish({ version: "1.1.0", programs: { [target]: bytesOf("1.1.0") } });
      const run = (url: string) =>
        runProgram([service.program, "update"], {
          cwd: service.dir,
          env: { ...service.env, CLAWGATE_RELEASE_URL: url },
          timeoutMs: 2 * minuteMs,
        });
      const foreign = await run(spoiled.url);
      expect(foreign.stderr).toContain("the signature of the release is WRONG");
      expect(foreign.code).toBe(1);
      const unreachable = await run("http://127.0.0.1:9");
      expect(unreachable.stderr).toContain("could not be downloaded");
      const { asked, failed } = await asking.stop();
      expect(asked).toBeGreaterThan(5);
      expect(failed).toBe(0);
      const undone = await service.run("update");
      expect(undone.stderr).toContain("1.0.0 is back in its place");
      expect(undone.code).toBe(1);
      await service.isVersion("1.0.0");
      expect(service.files()).toEqual(["clawgate"]);
      expect(existsSync(join(service.stateDir, "update", "journal.json"))).toBe(false);
    },
    4 * minuteMs,
  );

  test(
    "interrupted by Ctrl-C while it watches, the old one is put back and serves",
    async () => {
      await publish("1.1.0", bytesOf("1.1.0"));
      const service = await startService();
      const child = Bun.spawn([service.program, "update"], {
        cwd: service.dir,
        env: service.env,
        stdout: "ignore",
        stderr: "pipe",
      });
      let said = "";
      const decoder = new TextDecoder();
      for await (const piece of child.stderr) {
        const wasWatching = said.includes("watching");
        said += decoder.decode(piece);
        if (!wasWatching && said.includes("watching")) child.kill("SIGINT");
      }
      expect(await child.exited).toBe(1);
      expect(said).toContain("interrupted");
      await service.isVersion("1.0.0");
      expect(service.files()).toEqual(["clawgate"]);
    },
    2 * minuteMs,
  );

  test(
    "killed after the replacement, the next update puts the old one back",
    async () => {
      await publish("1.1.0", bytesOf("1.1.0"));
      const service = await startService();
      const child = Bun.spawn([service.program, "update"], {
        cwd: service.dir,
        env: service.env,
        stdout: "ignore",
        stderr: "pipe",
      });
      let said = "";
      const decoder = new TextDecoder();
      for await (const piece of child.stderr) {
        said += decoder.decode(piece);
        if (said.includes("watching")) child.kill("SIGKILL");
      }
      await child.exited;
      await service.isVersion("1.1.0");
      const doctor = await service.run("doctor", "--quick");
      expect(doctor.stdout).toContain("an update from 1.0.0 to 1.1.0 has not ended");
      await publish("1.0.0", bytesOf("1.0.0"));
      const next = await service.run("update");
      expect(next.stderr).toContain("an update to 1.1.0 had been broken off; 1.0.0 is back");
      await service.isVersion("1.0.0");
      expect(service.files()).toEqual(["clawgate"]);
    },
    2 * minuteMs,
  );

  test(
    "what another installer put is left alone, and its command is said",
    async () => {
      const cellar = join(work, "Cellar", "clawgate", "1.0.0", "bin", "clawgate");
      mkdirSync(dirname(cellar), { recursive: true });
      copyFileSync(join(work, "1.0.0", "clawgate"), cellar);
      chmodSync(cellar, 0o755);
      const run = await runProgram([cellar, "update"], {
        cwd: work,
        env: { ...cleanEnvironment(work), CLAWGATE_RELEASE_URL: release.url },
        timeoutMs: minuteMs,
      });
      expect(run).toMatchObject({ code: 3, stderr: "" });
      expect(run.stdout).toContain("brew upgrade clawgate");
    },
    minuteMs,
  );

  test(
    "install.sh installs it and it serves",
    async () => {
      await publish("1.1.0", bytesOf("1.1.0"));
      const it = installer(release, cleanups);
      expect(await it.run([])).toMatchObject({ code: 0, stderr: "" });
      const run = await runProgram([join(it.bin, "clawgate"), "version"], {
        cwd: it.home,
        env: cleanEnvironment(it.home),
        timeoutMs: minuteMs,
      });
      expect(run.stdout).toStartWith("clawgate 1.1.0 ");
    },
    2 * minuteMs,
  );
});
