// The real `codex` whose conversation grows beyond its limit, before a model of another format: with its built-in provider it asks the
// gateway for a compaction, with a provider of its own it makes a summary itself. Run it by path: bun test
// ./test/heavy/codex-compaction.heavy.ts. It has a home of its own, never logs in and never leaves loopback but for npm.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { runProgram } from "../support/program-run.ts";
import { type Scripted, startUpstream, type Upstream } from "../support/upstream.ts";
import { codexProgram } from "./codex-program.ts";
import { offlineEnvironment } from "./install.ts";

const limitMs = 120_000;

let upstream: Upstream;
let gateway: RunningBinary;
let program: string;
let dir: string;

beforeAll(async () => {
  program = codexProgram();
  upstream = startUpstream();
  gateway = await startBinary({
    config: {
      providers: {
        fake: { backend: "openai-compat", base_url: `${upstream.url}/v1`, api_key: "k", models: ["gpt-5.5"] },
      },
    },
  });
  dir = mkdtempSync(join(tmpdir(), "codex-compaction-"));
  mkdirSync(join(dir, "work"));
  mkdirSync(join(dir, "codex"));
  writeFileSync(join(dir, "work", "note.txt"), "the heron stands still\n");
}, openTimeoutMs + 300_000);
afterEach(() => upstream.reset());
afterAll(async () => {
  await gateway?.stop();
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const common = `
model_auto_compact_token_limit = 5000
model_context_window = 60000
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[history]
persistence = "none"
[analytics]
enabled = false
[features]
apps = false
plugins = false
`;

const chunk = (delta: object, more: object = {}): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-5.5", choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;

const said = (text: string): Scripted => ({
  chunks: [
    chunk({ role: "assistant", content: text }),
    chunk({}, { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    chunk({}, { choices: [], usage: { prompt_tokens: 200, completion_tokens: 5, total_tokens: 205 } }),
    "data: [DONE]\n\n",
  ],
});

test.each([
  [
    "its built-in provider",
    () => `openai_base_url = "${gateway.url}/v1"${common}`,
    "Summarise the conversation",
  ],
  [
    "a provider of its own",
    () => `model_provider = "clawgate"${common}
[model_providers.clawgate]
name = "ClawGate"
base_url = "${gateway.url}/v1"
wire_api = "responses"
env_key = "CLAWGATE_KEY"
`,
    "handoff summary",
  ],
])(
  "%s goes on after a compaction",
  async (_what, config, question) => {
    // The turn's own words decide until the conversation has grown; then a summary is asked for, and the answer follows it.
    upstream.script(({ rawBody }) => {
      if (rawBody.includes("SUMMARY-4711")) return said("went on after the compaction");
      return rawBody.includes(question) ? said("SUMMARY-4711: the note was read") : undefined;
    });
    writeFileSync(join(dir, "codex", "config.toml"), config());
    const last = join(dir, "last.txt");
    rmSync(last, { force: true });
    const flags = ["--skip-git-repo-check", "--ephemeral", "--json", "--color", "never", "-o", last];
    const prompt = '[[tool:exec_command {"cmd":"cat note.txt"}]] [[usage:9000,0,0,10]]';
    const done = await runProgram([program, "exec", "-m", "gpt-5.5", ...flags, prompt], {
      cwd: join(dir, "work"),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: dir,
        TMPDIR: dir,
        CODEX_HOME: join(dir, "codex"),
        CLAWGATE_KEY: "none",
        OPENAI_API_KEY: "none",
        CODEX_API_KEY: "none",
        LANG: "C.UTF-8",
        ...offlineEnvironment,
      },
      timeoutMs: limitMs - 20_000,
    });
    if (done.code !== 0) throw new Error(`${done.stdout.slice(-1500)}\n${done.stderr.slice(-1500)}`);
    expect(readFileSync(last, "utf8")).toBe("went on after the compaction");
    expect(upstream.requests.filter(({ rawBody }) => rawBody.includes(question)).length).toBeGreaterThan(0);
  },
  limitMs,
);
