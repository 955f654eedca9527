// The real `gemini` program as a client of the gateway: a text turn and a tool turn, to a provider of every format.
// Run it by path: bun test ./test/heavy/gemini-cli.heavy.ts. It has a home of its own, never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientVersion } from "../../scripts/client-versions.ts";
import { openTimeoutMs, targetKinds } from "../clients/targets.ts";
import type { Target } from "../clients/targets.ts";
import type { Recorded } from "../support/upstream.ts";
import { installed, offlineEnvironment } from "./install.ts";
import { runProgram } from "../support/program-run.ts";
import { printSeen, requireSuccess } from "./vendor-log.ts";

const version = clientVersion("gemini");
const nodePackage = `node-${process.platform}-${process.arch}`;
const limitMs = 90_000;

type Program = { readonly node: string; readonly script: string };

function geminiProgram(): Program {
  const packages = [`${nodePackage}@24.21.0`, `@google/gemini-cli@${version}`];
  const script = join("node_modules", "@google", "gemini-cli", "bundle", "gemini.js");
  const folder = installed("gemini-cli", packages, script);
  return { node: join(folder, "node_modules", nodePackage, "bin", "node"), script: join(folder, script) };
}

/** Without the chosen way of logging in it would ask for one; the rest keeps it from calling home. */
const settings = {
  security: { auth: { selectedType: "gemini-api-key" } },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, maxAttempts: 1 },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
};

type Turn = { readonly said: string; readonly seen: readonly Recorded[] };

describe.each([...targetKinds])("gemini as a client, $name", ({ open }) => {
  let target: Target;
  let program: Program;
  let dir: string;

  beforeAll(async () => {
    program = geminiProgram();
    target = await open();
    dir = mkdtempSync(join(tmpdir(), "gemini-client-"));
    mkdirSync(join(dir, "work"));
    mkdirSync(join(dir, ".gemini"));
    writeFileSync(join(dir, ".gemini", "settings.json"), JSON.stringify(settings));
    writeFileSync(join(dir, "work", "note.txt"), "the heron stands still\n");
  }, openTimeoutMs + 300_000);
  afterAll(async () => {
    await target?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const ask = async (prompt: string): Promise<Turn> => {
    const env = {
      PATH: `${dirname(program.node)}:${process.env["PATH"] ?? ""}`,
      HOME: dir,
      TMPDIR: dir,
      LANG: "C.UTF-8",
      GEMINI_API_KEY: target.key,
      GOOGLE_GEMINI_BASE_URL: target.url,
      // One process, so that nothing can be left behind when it is stopped.
      GEMINI_CLI_NO_RELAUNCH: "true",
      ...offlineEnvironment,
    };
    const flags = ["--skip-trust", "--approval-mode", "yolo", "--output-format", "json"];
    const command = [program.node, program.script, "-m", target.model, ...flags, "-p", prompt];
    const before = target.upstream.requests.length;
    const done = await runProgram(command, { cwd: join(dir, "work"), env, timeoutMs: limitMs - 10_000 });
    const seen = target.upstream.requests.slice(before);
    printSeen(`gemini-cli ${version}`, done, seen);
    requireSuccess(done);
    const { response } = JSON.parse(done.stdout) as { readonly response: string };
    return { said: response, seen };
  };
  const breaches = (turn: Turn) => turn.seen.map((request) => request.breach).filter(Boolean);

  test(
    "a text turn",
    async () => {
      const turn = await ask("[[say:good morning from the vendor]]");
      expect(turn.said).toBe("good morning from the vendor");
      expect(breaches(turn)).toEqual([]);
    },
    limitMs,
  );

  test(
    "a tool turn: it reads a file and sends the result back",
    async () => {
      const turn = await ask('[[tool:read_file {"file_path":"note.txt"}]]');
      expect(turn.said).toContain("the heron stands still");
      expect(breaches(turn)).toEqual([]);
    },
    limitMs,
  );
});
