// The runtime inside the program obeys variables of its own. The program says so at every start, and hands none of them down.

import { beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, cleanEnvironment, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
function ownFolder(): string {
  const dir = cleanups.folder("clawgate-runtime-");
  mkdirSync(join(dir, "work"));
  return dir;
}

function run(dir: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const ran = Bun.spawnSync([binaryPath(), ...args], {
    cwd: join(dir, "work"),
    env: { ...cleanEnvironment(dir), ...env },
    timeout: 20_000,
  });
  return { code: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}

test("BUN_OPTIONS is obeyed, and every command says so loudly", () => {
  const dir = ownFolder();
  const mark = join(dir, "mark");
  writeFileSync(join(dir, "load.ts"), `await Bun.write(${JSON.stringify(mark)}, "loaded");`);
  const env = { BUN_OPTIONS: `--preload ${join(dir, "load.ts")}` };
  for (const args of [["version"], ["providers"], ["route", "Hello"], ["--help"]]) {
    const ran = run(dir, args, env);
    expect(ran.stderr).toContain(
      "clawgate: warning: BUN_OPTIONS is set: the runtime inside this program obeys it",
    );
    expect(ran.stdout).not.toContain("BUN_OPTIONS");
    expect(ran.code).toBe(0);
  }
  // What it is about: a build that no longer obeys makes this line, and the warning, superfluous.
  expect(existsSync(mark)).toBe(true);
  const doctor = JSON.parse(run(dir, ["doctor", "--quick", "--json"], env).stdout) as {
    findings: { id: string; state: string; title: string }[];
  };
  expect(doctor.findings.find(({ id }) => id === "runtime")).toMatchObject({
    state: "warning",
    title: expect.stringContaining("BUN_OPTIONS is set"),
  });
});

test("BUN_BE_BUN makes another program of it: then nothing can be said, else it is", () => {
  const dir = ownFolder();
  expect(run(dir, ["--version"], { BUN_BE_BUN: "1" }).stdout.trim()).toBe(Bun.version);
  const ran = run(dir, ["version"], { BUN_BE_BUN: "0" });
  expect(ran.stdout).toStartWith("clawgate ");
  expect(ran.stderr).toContain(
    "BUN_BE_BUN is set: with a value such as 1 this program runs as the bun command",
  );
});

test("a gateway logs it before anything else, however quiet its log, and no child has any of them", async () => {
  const dir = ownFolder();
  const seen = join(dir, "seen");
  const program = join(dir, "get-token");
  writeFileSync(program, `#!/bin/sh\nenv > ${seen}\necho a-token\n`);
  chmodSync(program, 0o755);
  const vendor = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("no", { status: 400 }),
  });
  cleanups.push(() => vendor.stop(true));
  const mine = {
    base_url: `http://127.0.0.1:${vendor.port}`,
    model: "m",
    auth: { type: "bearer-command", command: [program] },
  };
  const set = {
    BUN_CONFIG_VERBOSE_FETCH: "false",
    BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS: "30",
    BUN_BE_BUN: "0",
    BUN_JSC_forceGCSlowPaths: "0",
    NODE_OPTIONS: "--no-warnings",
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
    SSLKEYLOGFILE: join(dir, "keylog"),
    LD_BIND_NOW: "1",
    OPENAI_API_KEY: "sk-of-the-user",
  };
  const gateway = cleanups.stopAtEnd(
    await startBinary({
      config: { server: { log_level: "critical" }, providers: { mine } },
      dir,
      env: { ...set, PATH: `.:work:${process.env["PATH"]}` },
      args: ["--json-log"],
    }),
  );
  await gateway.waitForOutput("NODE_TLS_REJECT_UNAUTHORIZED is set: certificates are not checked");
  const [first = ""] = gateway.output().split("\n");
  expect(JSON.parse(first)).toMatchObject({ level: "warn", message: expect.stringContaining("is set: ") });
  await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "mine", messages: [{ role: "user", content: "Hello" }] }),
  });
  const names = readFileSync(seen, "utf8")
    .split("\n")
    .map((line) => line.split("=")[0] ?? "");
  const handedDown = names.filter(
    (name) => name in set || /^(?:BUN_|NODE_(?!EXTRA_CA_CERTS)|LD_|DYLD_|SSLKEY)/.test(name),
  );
  expect(handedDown).toEqual([]);
  const path = readFileSync(seen, "utf8")
    .split("\n")
    .find((line) => line.startsWith("PATH="));
  expect(
    path
      ?.slice("PATH=".length)
      .split(":")
      .filter((entry) => !entry.startsWith("/")),
  ).toEqual([]);
});
