// GET /api/claude: what the program says of itself, asked at most twice at once and once a minute.

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClaudeStatus } from "../../../src/operator/reports/claude-report.ts";
import type { CommandResult } from "../../../src/system/process.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { availableBackends } from "../../../src/app/providers/loaded-provider.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { fakeClock } from "../../support/clock.ts";

const cleanups = cleanupsAfterEach();

function configWith(tenants: readonly object[], hasProgram = true) {
  const folder = cleanups.folder("clawgate-claude-report-");
  const bin = join(folder, "claude");
  mkdirSync(join(folder, "state"));
  if (hasProgram) writeFileSync(bin, "#!/bin/sh\n");
  if (hasProgram) chmodSync(bin, 0o755);
  const path = join(folder, "config.yaml");
  const config = { providers: { claude: { backend: "claude-cli", bin } }, tenants };
  return loadConfig({
    argvConfigPath: path,
    environment: { HOME: folder, CLAWGATE_STATE_DIR: join(folder, "state"), PATH: process.env["PATH"] },
    workingDirectory: folder,
    homeDirectory: folder,
    readFile: (each) => (each === path ? JSON.stringify(config) : null),
    fileMode: () => 0o600,
    flags: {},
    availableBackends,
  });
}

const said = (stdout: string): CommandResult => ({
  code: 0,
  stdout,
  stderr: "",
  timedOut: false,
  wasCut: false,
});

function status(loginText: string, more: { readonly hold?: Promise<void> } = {}) {
  const seen = { asked: 0, atOnce: 0, most: 0 };
  const clock = fakeClock();
  const claude = new ClaudeStatus({
    clock,
    redact: (text) => text.replaceAll("secret", "***"),
    programs: {
      counts: () =>
        new Map([
          ["claude", { running: 2, warm: 1, starting: 1, parked: { calls: 3, idle: 4 }, stopping: 0 }],
        ]),
      problems: () => Promise.resolve(new Map([["claude", null]])),
    },
    async ask(argv) {
      seen.asked += 1;
      seen.atOnce += 1;
      seen.most = Math.max(seen.most, seen.atOnce);
      await more.hold;
      // Long enough for another one to be asked beside it.
      await Bun.sleep(5);
      seen.atOnce -= 1;
      return said(argv.includes("--version") ? "2.1.197 (Claude Code)\n" : loginText);
    },
  });
  return { claude, clock, seen };
}

const signedIn = JSON.stringify({
  loggedIn: true,
  authMethod: "claude.ai",
  email: "secret@example.com",
  subscriptionType: "max",
});

test("version, processes and login of requests with and without a tenant", async () => {
  const { claude } = status(signedIn);
  const { programs } = await claude.report(
    configWith([{ name: "team", keys: [{ key: "key-of-team-0123456789abcdef" }] }]),
  );
  expect(programs.map(({ tenant }) => tenant)).toEqual([null, "team"]);
  expect(programs[0]).toMatchObject({
    provider: "claude",
    version: "2.1.197",
    processes: { busy: 2, idle: 1, starting: 1, parked: 7 },
    login: { state: "signed-in", method: "claude.ai", account: "***@example.com", subscription: "max" },
    problem: null,
  });
});

test("nobody signed in, and a version that does not say", async () => {
  const config = configWith([]);
  const out = await status('{"loggedIn":false}').claude.report(config);
  expect(out.programs[0]?.login).toEqual({ state: "signed-out" });
  const silent = await status("Unknown command: auth").claude.report(config);
  expect(silent.programs[0]?.login).toEqual({ state: "unknown" });
});

test("a minute's answers are kept, and two programs at most run for them", async () => {
  const { claude, clock, seen } = status(signedIn);
  const tenants = Array.from({ length: 5 }, (_, at) => ({
    name: `t${at}`,
    keys: [{ key: `key-of-tenant-${at}-0123456789abcdef` }],
  }));
  const config = configWith(tenants);
  await Promise.all([claude.report(config), claude.report(config)]);
  expect(seen).toMatchObject({ asked: 12, most: 2 });
  await clock.advance(30_000);
  await claude.report(config);
  expect(seen.asked).toBe(12);
  await clock.advance(31_000);
  await claude.report(config);
  expect(seen.asked).toBe(24);
});

test("a program that does not answer does not hold up the page", async () => {
  const held = Promise.withResolvers<void>();
  const { claude, clock } = status(signedIn, { hold: held.promise });
  const report = claude.report(configWith([]));
  await clock.advance(5_000);
  expect((await report).programs[0]?.login).toEqual({ state: "checking" });
  held.resolve();
});

test("a program that is not there is the row's problem", async () => {
  const { programs } = await status(signedIn).claude.report(configWith([], false));
  expect(programs[0]?.version).toBeNull();
  expect(programs[0]?.problem).toContain("not installed");
});
