// The real `codex` that asks for a WebSocket first: the gateway answers 426, and it goes on over HTTP within the same turn.
// Run it by path: bun test ./test/heavy/codex-websocket.heavy.ts. It has a home of its own, never logs in and never leaves
// loopback but for npm.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { codexProgram, codexVersion } from "./codex-program.ts";
import { offlineEnvironment } from "./install.ts";
import { runProgram } from "../support/program-run.ts";

const limitMs = 120_000;

let upstream: Upstream;
let gateway: RunningBinary;
let program: string;
let dir: string;
/** A wire between the two, to see what is asked for and what the gateway says to it. */
let wire: Server;
let wirePort = 0;
let asked: string[] = [];
let upgrades = 0;

function listen(near: Socket): void {
  const far = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  near.on("data", (chunk) => {
    const text = chunk.toString("latin1");
    if (/^[A-Z]+ \/\S* HTTP\/1\.1\r\n/.test(text) && /\r\nupgrade: websocket\r\n/i.test(text)) upgrades++;
  });
  far.on("data", (chunk) => {
    const status = /^HTTP\/1\.1 (\d+) /.exec(chunk.toString("latin1"))?.[1];
    if (status !== undefined) asked.push(status);
  });
  for (const each of [near, far]) {
    each.on("error", () => undefined);
    each.on("close", () => (each === near ? far : near).destroy());
  }
  near.pipe(far);
  far.pipe(near);
}

beforeAll(async () => {
  program = codexProgram();
  upstream = startUpstream({ strict: true });
  gateway = await startBinary({
    config: {
      providers: {
        fake: {
          backend: "openai-responses",
          base_url: `${upstream.url}/v1`,
          api_key: "k",
          models: ["gpt-5"],
        },
      },
    },
  });
  dir = mkdtempSync(join(tmpdir(), "codex-websocket-"));
  mkdirSync(join(dir, "work"));
  mkdirSync(join(dir, "codex"));
  writeFileSync(join(dir, "work", "note.txt"), "the heron stands still\n");
  wire = createServer(listen);
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
  const address = wire.address();
  wirePort = typeof address === "object" && address !== null ? address.port : 0;
}, openTimeoutMs + 300_000);
afterEach(() => {
  asked = [];
  upgrades = 0;
  upstream.reset();
});
afterAll(async () => {
  wire?.close();
  await gateway?.stop();
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const quiet = `
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

async function ask(config: string, prompt: string): Promise<{ readonly said: string; readonly ms: number }> {
  writeFileSync(join(dir, "codex", "config.toml"), config);
  const last = join(dir, "last.txt");
  rmSync(last, { force: true });
  const flags = ["--skip-git-repo-check", "--ephemeral", "--json", "--color", "never", "-o", last];
  const begunMs = performance.now();
  const done = await runProgram([program, "exec", "-m", "gpt-5", ...flags, prompt], {
    cwd: join(dir, "work"),
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      TMPDIR: dir,
      CODEX_HOME: join(dir, "codex"),
      CLAWGATE_KEY: "none",
      OPENAI_API_KEY: "none",
      LANG: "C.UTF-8",
      ...offlineEnvironment,
    },
    timeoutMs: limitMs - 20_000,
  });
  const ms = Math.round(performance.now() - begunMs);
  console.log(
    `codex ${codexVersion}: exit ${done.code}, ${ms} ms, ${upgrades} upgrades, answers ${asked.join(" ")}`,
  );
  if (done.code !== 0) throw new Error(`${done.stdout.slice(-1500)}\n${done.stderr.slice(-1500)}`);
  return { said: readFileSync(last, "utf8"), ms };
}

describe.each([
  [
    "a provider of its own that says it has WebSockets",
    () => `model_provider = "clawgate"${quiet}
[model_providers.clawgate]
name = "ClawGate"
base_url = "http://127.0.0.1:${wirePort}/v1"
wire_api = "responses"
env_key = "CLAWGATE_KEY"
supports_websockets = true
request_max_retries = 0
stream_max_retries = 0
`,
  ],
  [
    "its built-in provider at our address",
    () => `openai_base_url = "http://127.0.0.1:${wirePort}/v1"${quiet}`,
  ],
])("%s", (_what, config) => {
  test(
    "is refused with 426 and goes on over HTTP",
    async () => {
      const { said } = await ask(config(), "[[say:good morning from the vendor]]");
      expect(said).toBe("good morning from the vendor");
      expect(upgrades).toBeGreaterThan(0);
      expect(asked).toContain("426");
      expect(upstream.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
      expect(upstream.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
    },
    limitMs,
  );

  test(
    "does not ask again for each message of a tool turn",
    async () => {
      const { said } = await ask(config(), '[[tool:exec_command {"cmd":"cat note.txt"}]]');
      expect(said).toContain("the heron stands still");
      expect(upgrades).toBeGreaterThan(0);
      expect(upgrades).toBeLessThanOrEqual(2);
    },
    limitMs,
  );
});
