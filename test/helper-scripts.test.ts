// The nine shell scripts of a checkout, by a real sh against stand-ins of systemctl, journalctl and curl; clawgate-update against a
// real Git checkout. They must never throw anything of the owner's away.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../src/system/process.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { type Finished, runProgram } from "./support/program-run.ts";

const scripts = join(import.meta.dir, "..", "scripts");
const names = ["health", "install", "logs", "restart", "start", "status", "stop", "uninstall", "update"];
const cleanups = cleanupsAfterEach();
const systemPath = "/usr/local/bin:/usr/bin:/bin";

type Desk = {
  readonly folder: string;
  readonly checkout: string;
  program(name: string, script?: string): void;
  calls(): readonly string[];
  run(name: string, args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
};

/** A checkout of only the scripts, and a PATH that begins with stand-ins. */
function desk(): Desk {
  const folder = cleanups.folder("clawgate-helpers-");
  const checkout = join(folder, "checkout");
  const bin = join(folder, "bin");
  const log = join(folder, "calls");
  mkdirSync(join(checkout, "scripts"), { recursive: true });
  mkdirSync(bin);
  for (const name of names)
    cpSync(join(scripts, `clawgate-${name}`), join(checkout, "scripts", `clawgate-${name}`));
  const put = (path: string, script: string): void => {
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  };
  const program = (name: string, script = ""): void =>
    put(join(bin, name), `#!/bin/sh\necho "${name} $*" >> "${log}"\n${script}\n`);
  for (const name of ["systemctl", "journalctl", "curl", "npm", "sudo"]) program(name);
  program("sudo", 'exec "$@"');
  program("id", "echo 0");
  return {
    folder,
    checkout,
    program,
    calls: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
    run: (name, args = [], env = {}) =>
      runProgram(["sh", join(checkout, "scripts", `clawgate-${name}`), ...args], {
        cwd: folder,
        env: {
          PATH: `${bin}:${systemPath}`,
          HOME: folder,
          PREFIX: join(folder, "usr"),
          CLAWGATE_HEALTH_PAUSE: "0",
          ...env,
        },
        timeoutMs: 20_000,
      }),
  };
}

test("there are nine, and each can be run", () => {
  const found = readdirSync(scripts).filter((name) => name.startsWith("clawgate-"));
  expect(found.toSorted()).toEqual(names.map((name) => `clawgate-${name}`));
  for (const name of found) expect(statSync(join(scripts, name)).mode & 0o111).toBe(0o111);
});

test.if(findOnPath("shellcheck", process.env["PATH"]) !== null)(
  "shellcheck finds nothing in them",
  async () => {
    const files = names.map((name) => join(scripts, `clawgate-${name}`));
    const said = await runProgram(["shellcheck", "--shell=sh", ...files], {
      cwd: scripts,
      env: { PATH: process.env["PATH"] },
      timeoutMs: 20_000,
    });
    expect(said).toEqual({ code: 0, stdout: "", stderr: "" });
  },
);

describe("one command each", () => {
  test.each([
    ["start", [], "systemctl start clawgate.service"],
    ["stop", [], "systemctl stop clawgate.service"],
    ["restart", ["--user"], "systemctl --user restart clawgate.service"],
    ["logs", [], "journalctl -u clawgate.service -f -o cat"],
    ["health", [], "curl -fsS -m 2 --noproxy * http://127.0.0.1:8090/health"],
  ] as const)("clawgate-%s %p", async (name, args, call) => {
    const { run, calls } = desk();
    expect((await run(name, args)).code).toBe(0);
    expect(calls()).toEqual([call]);
  });

  test("health fails where nobody answers, and takes another port", async () => {
    const { run, program, calls } = desk();
    program("curl", "exit 7");
    const ran = await run("health", [], { PORT: "3456" });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("no gateway answers at http://127.0.0.1:3456");
    expect(calls().at(-1)).toContain("http://127.0.0.1:3456/health");
  });

  test("status tells of the service and of the port", async () => {
    const { run, program, calls } = desk();
    program(
      "ss",
      'echo "LISTEN 0 512 127.0.0.1:18090 0.0.0.0:*"; echo "LISTEN 0 512 127.0.0.1:8090 0.0.0.0:*"',
    );
    const well = await run("status");
    expect(well.code).toBe(0);
    expect(well.stdout).toContain("Port 8090: somebody listens (127.0.0.1:8090");
    expect(calls()).toContain("systemctl status clawgate.service --no-pager -l");
    const silent = await run("status", [], { PORT: "9" });
    expect(silent.code).toBe(1);
    expect(silent.stdout).toContain("nobody listens");
    program("systemctl", "exit 3");
    expect((await run("status")).code).toBe(3);
  });
});

describe("install and uninstall", () => {
  test("program, links and service come and go", async () => {
    const { run, checkout, folder, calls } = desk();
    const program = join(folder, "usr/bin/clawgate");
    const link = join(folder, "usr/bin/clawgate-start");
    expect((await run("install")).stderr).toContain("npm run setup && npm run build");
    mkdirSync(join(checkout, "dist"));
    const built = join(checkout, "dist/clawgate");
    writeFileSync(built, `#!/bin/sh\necho "clawgate $*" >> "${folder}/calls"\n`);
    chmodSync(built, 0o755);
    mkdirSync(join(folder, "usr/bin"), { recursive: true });
    writeFileSync(join(folder, "usr/bin/clawgate-logs"), "mine");
    expect((await run("install", ["--no-start"])).code).toBe(0);
    expect(calls()).toContain("clawgate service install --system --no-start");
    expect(readFileSync(program, "utf8")).toBe(readFileSync(built, "utf8"));
    expect(readlinkSync(link)).toBe(join(checkout, "scripts/clawgate-start"));
    expect(readFileSync(join(folder, "usr/bin/clawgate-logs"), "utf8")).toBe("mine");
    expect((await run("uninstall")).code).toBe(0);
    expect(calls()).toContain("clawgate service uninstall --system");
    expect(existsSync(link)).toBe(false);
    expect(readFileSync(join(folder, "usr/bin/clawgate-logs"), "utf8")).toBe("mine");
  });

  test("without the program, uninstall still stops the service and removes the unit", async () => {
    const { run, folder, calls } = desk();
    const unit = join(folder, "clawgate.service");
    writeFileSync(unit, "[Service]\n");
    expect((await run("uninstall", [], { CLAWGATE_UNIT_DIR: folder })).code).toBe(0);
    expect(calls().filter((call) => call.startsWith("systemctl"))).toEqual([
      "systemctl disable --now clawgate.service",
      "systemctl daemon-reload",
    ]);
    expect(existsSync(unit)).toBe(false);
  });

  test("both need root", async () => {
    const { run, program, calls } = desk();
    program("id", "echo 1000");
    for (const name of ["install", "uninstall"]) {
      const ran = await run(name);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("needs root: sudo");
    }
    expect(calls().filter((call) => call.startsWith("systemctl"))).toEqual([]);
  });
});

describe("clawgate-update", () => {
  const gitEnv = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@example.org",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@example.org",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };

  async function withOrigin() {
    const each = desk();
    const { checkout, folder } = each;
    const origin = join(folder, "origin");
    const git = async (where: string, ...args: string[]): Promise<string> => {
      const ran = await runProgram(["git", ...args], {
        cwd: where,
        env: { PATH: systemPath, ...gitEnv },
        timeoutMs: 20_000,
      });
      if (ran.code !== 0) throw new Error(`git ${args.join(" ")}: ${ran.stderr}`);
      return ran.stdout.trim();
    };
    cpSync(checkout, origin, { recursive: true });
    writeFileSync(join(origin, ".gitignore"), "dist/\n");
    await git(origin, "init", "--quiet", "--initial-branch=main");
    await git(origin, "add", ".");
    await git(origin, "commit", "--quiet", "-m", "one");
    await runProgram(["rm", "-rf", checkout], { cwd: folder, env: { PATH: systemPath }, timeoutMs: 5_000 });
    await git(folder, "clone", "--quiet", origin, checkout);
    writeFileSync(join(origin, "two.txt"), "two\n");
    await git(origin, "add", ".");
    await git(origin, "commit", "--quiet", "-m", "two");
    mkdirSync(join(checkout, "dist"));
    writeFileSync(join(checkout, "dist/clawgate"), "#!/bin/sh\n");
    chmodSync(join(checkout, "dist/clawgate"), 0o755);
    return { ...each, git, origin };
  }

  test("fetches, builds, installs, restarts, and asks for health until it answers", async () => {
    const { run, calls, program, folder, checkout, git, origin } = await withOrigin();
    program("curl", `[ -e "${folder}/second" ] || { : > "${folder}/second"; exit 7; }`);
    const ran = await run("update");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("the gateway answers");
    expect(await git(checkout, "rev-parse", "HEAD")).toBe(await git(origin, "rev-parse", "HEAD"));
    expect(calls().filter((call) => /^(?:npm|systemctl|curl)/.test(call))).toEqual([
      "npm run --silent setup",
      "npm run --silent build",
      "systemctl restart clawgate.service",
      ...Array.from({ length: 2 }, () => "curl -fsS -m 2 --noproxy * http://127.0.0.1:8090/health"),
    ]);
    expect(existsSync(join(checkout, "dist/clawgate"))).toBe(true);
    expect((await run("update")).stdout).toContain("Already at");
  });

  test.each(["a change", "an untracked file", "a commit of its own"])(
    "refuses a checkout with %s, and touches nothing",
    async (what) => {
      const { run, calls, checkout, git } = await withOrigin();
      const mine = join(checkout, what === "a change" ? ".gitignore" : "mine.txt");
      writeFileSync(mine, "mine\n");
      if (what === "a commit of its own") {
        await git(checkout, "add", ".");
        await git(checkout, "commit", "--quiet", "-m", "mine");
      }
      const head = await git(checkout, "rev-parse", "HEAD");
      const ran = await run("update");
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("nothing was touched");
      expect(readFileSync(mine, "utf8")).toBe("mine\n");
      expect(await git(checkout, "rev-parse", "HEAD")).toBe(head);
      expect(calls().filter((call) => /^(?:npm|systemctl)/.test(call))).toEqual([]);
    },
  );

  test("a gateway that does not answer is said, with the way back", async () => {
    const { run, program, checkout, git } = await withOrigin();
    const before = await git(checkout, "rev-parse", "HEAD");
    program("curl", "exit 7");
    const ran = await run("update");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("does not answer");
    expect(ran.stderr).toContain(`git reset --hard ${before}`);
  });

  test("what is no checkout is told of clawgate update", async () => {
    const ran = await desk().run("update");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("clawgate update");
  });
});
