// The real `codex` program as a client of the gateway: a text turn and tool turns, to a provider of every format.
// Run it by path: bun test ./test/heavy/codex.heavy.ts. It has a home of its own, never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs, targetKinds } from "../clients/targets.ts";
import type { Target } from "../clients/targets.ts";
import type { Recorded } from "../support/upstream.ts";
import { codexProgram, codexVersion } from "./codex-program.ts";
import { offlineEnvironment } from "./install.ts";
import { runProgram } from "../support/program-run.ts";
import { printSeen, requireSuccess } from "./vendor-log.ts";

const limitMs = 90_000;

/** The provider is what a user writes; the rest keeps a test from waiting, asking or calling home. */
function codexConfig(target: Target): string {
  return `
model_provider = "clawgate"
approval_policy = "never"
# A container's root may not be able to make the sandbox; the folder is a temporary one.
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[model_providers.clawgate]
name = "ClawGate"
base_url = "${target.url}/v1"
wire_api = "responses"
env_key = "CLAWGATE_KEY"
request_max_retries = 0
stream_max_retries = 0

[history]
persistence = "none"

[analytics]
enabled = false

[features]
apps = false
plugins = false
`;
}

type Turn = { readonly said: string; readonly events: string; readonly seen: readonly Recorded[] };

describe.each([...targetKinds])("codex as a client, $name", ({ open }) => {
  let target: Target;
  let program: string;
  let dir: string;

  beforeAll(async () => {
    program = codexProgram();
    target = await open();
    dir = mkdtempSync(join(tmpdir(), "codex-client-"));
    mkdirSync(join(dir, "work"));
    mkdirSync(join(dir, "codex"));
    writeFileSync(join(dir, "codex", "config.toml"), codexConfig(target));
    writeFileSync(join(dir, "work", "note.txt"), "the heron stands still\n");
  }, openTimeoutMs + 300_000);
  afterAll(async () => {
    await target?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const ask = async (prompt: string, model = target.model): Promise<Turn> => {
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      TMPDIR: dir,
      CODEX_HOME: join(dir, "codex"),
      CLAWGATE_KEY: target.key,
      LANG: "C.UTF-8",
      ...offlineEnvironment,
    };
    const last = join(dir, "last.txt");
    rmSync(last, { force: true });
    const flags = ["--skip-git-repo-check", "--ephemeral", "--json", "--color", "never", "-o", last];
    const before = target.upstream.requests.length;
    const done = await runProgram([program, "exec", "-m", model, ...flags, prompt], {
      cwd: join(dir, "work"),
      env,
      timeoutMs: limitMs - 10_000,
    });
    const seen = target.upstream.requests.slice(before);
    printSeen(`codex ${codexVersion}`, done, seen);
    requireSuccess(done);
    return { said: readFileSync(last, "utf8"), events: done.stdout, seen };
  };
  const breaches = (turn: Turn) => turn.seen.map((request) => request.breach).filter(Boolean);

  test(
    "a text turn",
    async () => {
      const turn = await ask("[[say:good morning from the vendor]]");
      expect(turn.said).toBe("good morning from the vendor");
      expect(turn.events).toContain('"turn.completed"');
      expect(breaches(turn)).toEqual([]);
    },
    limitMs,
  );

  test(
    "a tool turn: it runs a command and sends the result back",
    async () => {
      const turn = await ask('[[say:let me look]][[tool:exec_command {"cmd":"cat note.txt"}]]');
      expect(turn.said).toContain("the heron stands still");
      expect(turn.seen.filter((request) => request.method === "POST")).toHaveLength(2);
      expect(breaches(turn)).toEqual([]);
    },
    limitMs,
  );

  test(
    "a tool of free text: it patches a file",
    async () => {
      const patch = '*** Begin Patch\n*** Add File: made.txt\n+the heron "flies"\n*** End Patch\n';
      const prompt = `[[tool:apply_patch ${JSON.stringify({ input: patch })}]][[then:patched]]`;
      // It offers this tool to models that it knows by name.
      const turn = await ask(prompt, target.famousModel);
      expect(turn.said).toBe("patched");
      expect(readFileSync(join(dir, "work", "made.txt"), "utf8")).toBe('the heron "flies"\n');
      expect(breaches(turn)).toEqual([]);
    },
    limitMs,
  );

  test(
    "two tool rounds with thinking before them",
    async () => {
      const second = '[[tool:exec_command {"cmd":"cat second.txt"}]]';
      const first = '[[tool:exec_command {"cmd":"tr a-z A-Z < note.txt > second.txt"}]]';
      const turn = await ask(`[[think:a plan]]${first}${second}`);
      expect(turn.said).toContain("THE HERON STANDS STILL");
      expect(breaches(turn)).toEqual([]);
    },
    limitMs,
  );
});
