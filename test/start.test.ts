// `npm start` from a checkout, with the real npm: what it installs, what it says, and that it ends with npm however npm ends.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { cleanEnvironment } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

const root = dirname(import.meta.dir);
const cleanups = cleanupsAfterEach();

/** A checkout of its own, so that nothing is installed into this one. Its sources are ours. */
function checkout(): string {
  const dir = cleanups.folder("clawgate-checkout-");
  for (const name of ["package.json", "bun.lock", "bunfig.toml"]) cpSync(join(root, name), join(dir, name));
  mkdirSync(join(dir, "scripts"));
  cpSync(join(root, "scripts", "setup.mjs"), join(dir, "scripts", "setup.mjs"));
  symlinkSync(join(root, "src"), join(dir, "src"));
  return dir;
}

/** In the place of Bun: tells what it was asked to install. */
function bunThatTells(dir: string, install = "exit 0"): string {
  const folder = join(dir, "fake");
  mkdirSync(folder);
  const script = `#!/bin/sh
case $1 in
  --version) echo ${Bun.version} ;;
  install) echo "chatter of an installation"; echo "$@" >> '${dir}/installed'; ${install} ;;
  *) echo "$@" >> '${dir}/started' ;;
esac
`;
  writeFileSync(join(folder, "bun"), script);
  chmodSync(join(folder, "bun"), 0o755);
  return folder;
}

function environmentOf(dir: string, firstOnPath: string): Record<string, string> {
  const { PATH, ...rest } = cleanEnvironment(dir);
  return { ...rest, PATH: `${firstOnPath}${delimiter}${PATH}`, NPM_CONFIG_UPDATE_NOTIFIER: "false" };
}

/** What was installed before: the tests must not depend on the network. */
function stampAsInstalled(dir: string): void {
  const stamp = new Bun.CryptoHasher("sha256");
  for (const name of ["package.json", "bun.lock"]) stamp.update(readFileSync(join(dir, name)));
  mkdirSync(join(dir, "node_modules"));
  writeFileSync(join(dir, "node_modules", ".clawgate-setup"), `${stamp.digest("hex")} runtime`);
}

function setup(dir: string, bunFolder: string, ...args: string[]) {
  const done = Bun.spawnSync(["node", join(dir, "scripts", "setup.mjs"), ...args], {
    cwd: dir,
    env: environmentOf(dir, bunFolder),
  });
  const installed = join(dir, "installed");
  const asked = existsSync(installed) ? readFileSync(installed, "utf8").trim().split("\n") : [];
  rmSync(installed, { force: true });
  return { code: done.exitCode, stdout: done.stdout.toString(), stderr: done.stderr.toString(), asked };
}

describe("what is installed", () => {
  test("to run and to build: what the gateway needs; to test: all; and nothing twice", () => {
    const dir = checkout();
    const bun = bunThatTells(dir);
    const quiet = { code: 0, stdout: "", stderr: "", asked: [] };
    expect(setup(dir, bun, "run", "src/main.ts", "serve")).toEqual({
      code: 0,
      stdout: "",
      stderr: "setup: installing the locked packages that the gateway needs\n",
      asked: ["install --frozen-lockfile --production"],
    });
    expect(setup(dir, bun, "run", "src/main.ts", "serve")).toEqual(quiet);
    expect(setup(dir, bun, "run", "scripts/build.ts")).toEqual(quiet);
    expect(setup(dir, bun, "run", "scripts/check.ts")).toEqual({
      code: 0,
      stdout: "",
      stderr: "setup: installing the locked packages\n",
      asked: ["install --frozen-lockfile"],
    });
    for (const file of ["scripts/check.ts", "src/main.ts", "scripts/build.ts"])
      expect(setup(dir, bun, "run", file)).toEqual(quiet);
    expect(setup(dir, bun)).toEqual(quiet);
    writeFileSync(join(dir, "bun.lock"), "another one");
    expect(setup(dir, bun).asked).toEqual(["install --frozen-lockfile"]);
  });

  test("one that fails says all it had to say, and is tried again", () => {
    const dir = checkout();
    const bun = bunThatTells(dir, 'echo "no way to the packages" >&2; exit 7');
    for (let i = 0; i < 2; i++) {
      const { code, stderr } = setup(dir, bun, "run", "src/main.ts");
      expect(code).toBe(1);
      for (const words of ["chatter of", "no way to the packages", "exit code 7"])
        expect(stderr).toContain(words);
    }
    expect(existsSync(join(dir, "started"))).toBe(false);
  });

  test("packages that the sources name are packages to run with", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const named = new Set<string>();
    for (const path of new Bun.Glob("src/**/*.ts").scanSync(root)) {
      const text = readFileSync(join(root, path), "utf8");
      for (const [, name] of text.matchAll(
        /(?:from |import\()\s*"(?:(?:\.\.\/)+node_modules\/)?((?:@[a-z-]+\/)?[a-z0-9-]+)[/"]/g,
      ))
        if (name !== undefined && !["bun", "node"].includes(name)) named.add(name);
    }
    expect([...named].filter((name) => !(name in dependencies))).toEqual([]);
    expect(named.size).toBeGreaterThan(5);
  });
});

test("a bunfig.toml of the folder it is started in loads nothing", () => {
  const dir = checkout();
  const elsewhere = join(dir, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(elsewhere, "preload.ts"), 'await Bun.write("preloaded", "yes");\n');
  const bun = join(dir, "bun");
  mkdirSync(bun);
  symlinkSync(process.execPath, join(bun, "bun"));
  stampAsInstalled(dir);
  const done = Bun.spawnSync(["node", join(dir, "scripts", "setup.mjs"), "run", "src/main.ts", "version"], {
    cwd: elsewhere,
    env: environmentOf(dir, bun),
  });
  expect(done.stdout.toString()).toStartWith("clawgate ");
  expect(existsSync(join(elsewhere, "preloaded"))).toBe(false);
});

test("from the sources, too, the runtime reads no .env of a folder before our own rules do", () => {
  const dir = cleanups.folder("clawgate-folder-");
  writeFileSync(join(dir, ".env"), `CLAWGATE_STATE_DIR=${dir}/elsewhere\n`, { mode: 0o600 });
  const { CLAWGATE_STATE_DIR: _, ...env } = cleanEnvironment(dir);
  const done = Bun.spawnSync([process.execPath, "--no-env-file", join(root, "src", "main.ts"), "reload"], {
    cwd: dir,
    env,
  });
  expect(done.stderr.toString()).toContain("CLAWGATE_STATE_DIR is not taken from");
  expect(done.stderr.toString()).not.toContain("no run.json in " + join(dir, "elsewhere"));
});

describe("npm start", () => {
  type Chain = { readonly npm: number; readonly between: number; readonly gateway: number };
  type Start = Chain & {
    readonly dir: string;
    readonly runPath: string;
    said(): string;
    /** True when none of them is left. */
    isOver(): boolean;
  };

  const parentOf = (pid: number): number => {
    const done = Bun.spawnSync(["ps", "-o", "ppid=", "-p", String(pid)]);
    return Number(done.stdout.toString().trim());
  };
  const isAlive = (pid: number): boolean => {
    const state = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
      .stdout.toString()
      .trim();
    return state !== "" && !state.startsWith("Z");
  };
  const until = async (what: string, holds: () => boolean, said: () => string): Promise<void> => {
    const endMs = performance.now() + 20_000;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`never: ${what}\n${said()}`);
      await Bun.sleep(50);
    }
  };

  async function start(): Promise<Start> {
    const dir = checkout();
    stampAsInstalled(dir);
    const bun = join(dir, "bun");
    mkdirSync(bun);
    symlinkSync(process.execPath, join(bun, "bun"));
    const output = join(dir, "output");
    const child = Bun.spawn(["npm", "start", "--", "--demo", "--port", "0"], {
      cwd: dir,
      env: environmentOf(dir, bun),
      stdio: ["ignore", Bun.file(output), Bun.file(`${output}-errors`)],
      detached: true,
    });
    const said = (): string =>
      [output, `${output}-errors`]
        .map((path) => (existsSync(path) ? readFileSync(path, "utf8") : ""))
        .join("");
    cleanups.push(() => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // Nobody of its group is left, which is as it should be.
      }
    });
    const runPath = join(dir, "clawgate-state", "run.json");
    await until("it listens", () => existsSync(runPath), said);
    const gateway = (JSON.parse(readFileSync(runPath, "utf8")) as { pid: number }).pid;
    const between = parentOf(gateway);
    const all = [child.pid, between, gateway];
    return { dir, runPath, npm: child.pid, between, gateway, said, isOver: () => !all.some(isAlive) };
  }

  const ways: readonly (readonly [string, (chain: Chain) => number, NodeJS.Signals])[] = [
    ["SIGTERM to npm", ({ npm }) => npm, "SIGTERM"],
    ["SIGTERM to npm, once more", ({ npm }) => npm, "SIGTERM"],
    ["SIGTERM to npm, a third time", ({ npm }) => npm, "SIGTERM"],
    ["SIGINT to npm", ({ npm }) => npm, "SIGINT"],
    ["Ctrl-C: SIGINT to the whole group", ({ npm }) => -npm, "SIGINT"],
    ["SIGTERM to the whole group", ({ npm }) => -npm, "SIGTERM"],
    ["a terminal that is closed: SIGHUP to the whole group", ({ npm }) => -npm, "SIGHUP"],
    ["SIGHUP to npm alone", ({ npm }) => npm, "SIGHUP"],
    ["SIGKILL to npm", ({ npm }) => npm, "SIGKILL"],
    ["SIGKILL to what stands between", ({ between }) => between, "SIGKILL"],
  ];

  test.each(ways)("%s: nothing is left, and the gateway has stopped in order", async (_, whom, signal) => {
    const started = await start();
    expect(started.said()).not.toContain("setup:");
    process.kill(whom(started), signal);
    await until("all have ended", started.isOver, started.said);
    expect(started.said()).toContain('"message":"stopped"');
    expect(existsSync(started.runPath)).toBe(false);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "%s to npm ends an installation, and nothing is started after it",
    async (signal) => {
      const dir = checkout();
      const bun = bunThatTells(dir, `echo $$ > '${dir}/installer'; exec sleep 30`);
      const child = Bun.spawn(["npm", "start"], {
        cwd: dir,
        env: environmentOf(dir, bun),
        stdio: ["ignore", "ignore", "ignore"],
        detached: true,
      });
      const pidPath = join(dir, "installer");
      const installer = (): number => (existsSync(pidPath) ? Number(readFileSync(pidPath, "utf8")) : 0);
      await until(
        "it installs",
        () => installer() > 0,
        () => "",
      );
      const between = parentOf(installer());
      process.kill(child.pid, signal);
      await until(
        "all have ended",
        () => ![child.pid, between, installer()].some(isAlive),
        () => "",
      );
      expect(existsSync(join(dir, "started"))).toBe(false);
    },
  );
});
