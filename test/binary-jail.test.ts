import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findJail } from "../src/backends/agent-process/jail/bubblewrap.ts";
import {
  binaryPath,
  cleanEnvironment,
  type RunningBinary,
  runBinary,
  startBinary,
} from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

// The compiled program and its jails, with a shell script in the place of Claude Code; test/heavy/claude-jail.heavy.ts has the
// real one.

const isLinux = process.platform === "linux";
const bubblewrap = isLinux
  ? (
      await findJail({
        programName: "test program",
        mode: "auto",
        path: process.env["PATH"],
        platform: "linux",
      })
    ).program
  : null;

const cleanups = cleanupsAfterEach();

function newFolder(): string {
  const folder = mkdtempSync("/tmp/clawgate-binary-jail-");
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function script(folder: string, name: string, lines: readonly string[]): string {
  writeFileSync(join(folder, name), `${["#!/bin/bash", ...lines].join("\n")}\n`, { mode: 0o755 });
  return join(folder, name);
}

async function started(config: object, env: Readonly<Record<string, string>> = {}): Promise<RunningBinary> {
  return cleanups.stopAtEnd(await startBinary({ config, env }));
}

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "it started",
    (error: unknown) => String(error),
  );

test("what the gateway runs first inside a jail is no command for people", async () => {
  for (const args of [["inside-jail"], ["inside-jail", "--"], ["inside-jail", "--help"]]) {
    const { code, stderr } = await runBinary(args, newFolder());
    expect([code, stderr]).toEqual([64, expect.stringContaining("not meant for users")]);
  }
});

describe.if(bubblewrap !== null)("jail: required", () => {
  test("an ineffective jail stops the start, and says what was open and for whom", async () => {
    const folder = newFolder();
    const bin = script(folder, "claude", ["exit 0"]);
    const spoilt = join(folder, "bin");
    mkdirSync(spoilt);
    script(spoilt, "bwrap", [
      'words=(); for each in "$@"; do [ "$each" = --cap-drop ] && words+=(--share-net); words+=("$each"); done',
      `exec ${bubblewrap} "\${words[@]}"`,
    ]);
    const config = {
      providers: {
        claude: { backend: "claude-cli", bin, jail: "required", env: { ANTHROPIC_API_KEY: "k" } },
      },
    };
    const said = await messageOf(started(config, { PATH: `${spoilt}:${process.env["PATH"]}` }));
    expect(said).toContain('cli.jail is "required"');
    expect(said).toContain("requests without a tenant is not effective");
    expect(said).toContain("a port of this machine");
    expect((await fetch(`${(await started(config)).url}/health`)).status).toBe(200);
  }, 60_000);

  test("a tenant whose folder holds the config, the state or a neighbour's login stops the start by name", async () => {
    const folder = newFolder();
    const bin = script(folder, "claude", ["exit 0"]);
    mkdirSync(join(folder, "login"));
    const tenants = [
      { name: "anna", api_key: "key-of-anna-0123456789", add_dirs: [folder] },
      { name: "bert", api_key: "key-of-bert-0123456789", config_dir: join(folder, "login") },
    ];
    const config = { providers: { claude: { backend: "claude-cli", bin, jail: "required" } }, tenants };
    const said = await messageOf(started(config));
    expect(said).toContain(`tenant anna: add_dirs ${folder}`);
    expect(said).toContain(join(folder, "login"));
  }, 60_000);

  test("the program finds its folders and nothing of ours, and ends with a gateway that is killed", async () => {
    const folder = newFolder();
    const work = join(folder, "work");
    mkdirSync(work);
    // Says what it sees in a file of its own, and then hears nothing any more.
    const bin = script(folder, "claude", [
      "trap '' TERM HUP INT",
      "{ ls -A /; ls -d /proc/[0-9]* | wc -l; cat /etc/shadow; ls -A ~; } > report.new 2>&1; mv report.new report",
      "setsid sleep 600 & while :; do sleep 600; done",
    ]);
    const gateway = await started({
      providers: {
        claude: {
          backend: "claude-cli",
          bin,
          jail: "required",
          warm: 0,
          working_dir: work,
          env: { ANTHROPIC_API_KEY: "k" },
        },
      },
      server: { drain_s: 0 },
    });
    const client = new AbortController();
    const answer = fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "claude/sonnet",
        max_tokens: 5,
        messages: [{ role: "user", content: "x" }],
      }),
      signal: client.signal,
    }).catch(() => null);
    const report = Bun.file(join(work, "report"));
    while (!(await report.exists())) await Bun.sleep(20);
    const text = await report.text();
    expect(text).not.toContain("root:");
    expect(text).not.toContain(".bashrc");
    expect(text).not.toMatch(/^(?:home|root|srv|opt|sys|boot)$/m);
    const inside = (): number => readdirSync("/proc").filter((name) => isOf(name, work)).length;
    expect(inside()).toBeGreaterThan(0);
    process.kill(gateway.pid, "SIGKILL");
    await gateway.exited;
    await answer;
    while (inside() > 0) await Bun.sleep(20);
    // Nor is anything left of what the jail was made with.
    const [run = ""] = readdirSync(join(gateway.stateDir, "cli", "runs"));
    const rooms = [`/run/clawgate-${run}`, join(tmpdir(), `clawgate-${run}`)];
    while (run === "" || rooms.some((room) => existsSync(room))) await Bun.sleep(20);
  }, 60_000);

  test.if(Bun.which("curl") !== null)(
    "a process that was started ahead serves no request once a socket is in its folder",
    async () => {
      const folder = newFolder();
      const work = join(folder, "work");
      mkdirSync(work);
      const socket = join(work, "late.sock");
      const bin = script(folder, "claude", [
        "echo x > waits; read -r line || exit 0",
        `{ curl -s --http0.9 --max-time 5 --unix-socket ${socket} http://x/; echo "= $?"; } > answer.new; mv answer.new answer`,
      ]);
      const env = { ANTHROPIC_API_KEY: "k" };
      const claude = { backend: "claude-cli", bin, jail: "required", warm: 1, working_dir: work, env };
      const gateway = await started({ providers: { claude } });
      while (!existsSync(join(work, "waits"))) await Bun.sleep(20);
      const server = createServer((client) => client.end("REACHED\n"));
      cleanups.push(() => server.close());
      await new Promise<void>((resolve) => server.listen(socket, () => resolve()));
      const said = fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "claude/sonnet", messages: [{ role: "user", content: "x" }] }),
      }).then((response) => response.text());
      while (!existsSync(join(work, "answer"))) await Bun.sleep(20);
      expect(readFileSync(join(work, "answer"), "utf8")).toBe("= 7\n");
      await said;
    },
    60_000,
  );

  test("doctor has a line for each guarantee, and fails for an ineffective jail", async () => {
    const folder = newFolder();
    const bin = script(folder, "claude", ["echo '2.1.197 (Claude Code)'"]);
    const path = join(folder, "config.yaml");
    const config = {
      providers: { claude: { backend: "claude-cli", bin, jail: "auto", env: { ANTHROPIC_API_KEY: "k" } } },
      tenants: [{ name: "anna", api_key: "key-of-anna-0123456789", working_dir: folder }],
    };
    writeFileSync(path, JSON.stringify(config));
    const home = newFolder();
    const { stdout } = await runBinary(["doctor", "--quick", "--json", "--config", path], home);
    const { findings } = JSON.parse(stdout) as { findings: { id: string; state: string; detail: string }[] };
    const states = Object.fromEntries(
      findings.filter(({ id }) => id.startsWith("claude.jail")).map(({ id, state }) => [id, state]),
    );
    expect(states).toEqual({
      "claude.jail": "ok",
      "claude.jail.anna": "failed",
      "claude.jail.gateway": "ok",
      "claude.jail.tenants": "ok",
      "claude.jail.home": "ok",
      "claude.jail.sockets": "ok",
      "claude.jail.network": "ok",
      "claude.jail.rights": "ok",
    });
    expect(findings.find(({ id }) => id === "claude.jail.anna")?.detail).toContain(path);
  }, 60_000);
});

describe.if(bubblewrap !== null && process.getuid?.() === 0)(
  "a tenant that is another user of the machine",
  () => {
    test("doctor tries its jail as that user, finds what is open in it, and leaves nothing behind", async () => {
      const folder = newFolder();
      chmodSync(folder, 0o755);
      // Where root builds, another user may not look.
      const program = join(folder, "clawgate");
      copyFileSync(binaryPath(), program);
      chmodSync(program, 0o755);
      const bin = script(folder, "claude", ["echo '2.1.197 (Claude Code)'"]);
      const open = join(folder, "open");
      mkdirSync(open);
      const path = join(open, "config.yaml");
      const tenant = (name: string, more: object) => ({
        name,
        api_key: `key-of-${name}-0123456789`,
        uid: "nobody",
        ...more,
      });
      const config = {
        providers: { claude: { backend: "claude-cli", bin, jail: "auto", env: { ANTHROPIC_API_KEY: "k" } } },
        tenants: [tenant("anna", {}), tenant("ben", { working_dir: open })],
      };
      writeFileSync(path, JSON.stringify(config));
      const before = readdirSync("/tmp").filter((name) => name.startsWith("clawgate-doctor-"));
      const child = Bun.spawn([program, "doctor", "--quick", "--json", "--config", path], {
        cwd: folder,
        env: cleanEnvironment(newFolder()),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const { findings } = JSON.parse(await new Response(child.stdout).text()) as {
        findings: { id: string; state: string; detail: string }[];
      };
      const of = (id: string) => findings.find((each) => each.id === `claude.jail.${id}`);
      expect(of("anna")).toMatchObject({ state: "ok", detail: "checked as its user" });
      expect(of("ben")).toMatchObject({ state: "failed", detail: expect.stringContaining(path) });
      for (const promise of ["gateway", "home", "sockets", "network", "rights"])
        expect(of(promise)?.state).toBe("ok");
      const left = readdirSync("/tmp").filter((name) => name.startsWith("clawgate-doctor-"));
      expect(left.filter((name) => !before.includes(name))).toEqual([]);
    }, 60_000);
  },
);

/** A process whose working folder it is, from outside. */
function isOf(name: string, folder: string): boolean {
  if (!/^\d+$/.test(name)) return false;
  try {
    return readlinkSync(`/proc/${name}/cwd`) === folder;
  } catch {
    return false;
  }
}
