// The user's own Claude Code program behind the gateway: the time to the first token, cold, with a warm process, and in a continued
// conversation. The real program against a fake Anthropic API on loopback; only ratios within one run count.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { childrenOf } from "../../test/support/claude-children.ts";
import { startUpstream, type Upstream } from "../../test/support/upstream.ts";
import { median } from "./slices.ts";
import { type BenchSetup, url } from "./targets.ts";
import { cpuMs, freePort, type Runner, untilAnswering } from "./processes.ts";

export type CliCase = "cold" | "warm" | "warm-tools" | "next-words" | "next-result";

export type CliRow = {
  readonly id: CliCase;
  readonly title: string;
  readonly firstWordMs: number;
  /** Relative to the cold start of the same run. */
  readonly ratio: number;
  readonly measured: number;
};

export const cliTitles: Readonly<Record<CliCase, string>> = {
  cold: "cold start",
  warm: "process from the stock, plain question",
  "warm-tools": "process from the stock, tools and 20 messages",
  "next-words": "next question of a conversation",
  "next-result": "tool result to the process that waits",
};

const rounds = 9;
const readyLimitMs = 30_000;
const settledMs = 400;

/** $CLAUDE_BIN, else the newest version that the client tests have installed; null: none. */
export async function findClaude(): Promise<string | null> {
  const named = process.env["CLAUDE_BIN"];
  if (named) return named;
  const cwd = join(import.meta.dir, "../..");
  const below = `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`;
  const glob = new Bun.Glob(`.cache/clients/claude-code-*/${below}`);
  const found = await Array.fromAsync(glob.scan({ cwd, dot: true, absolute: true }));
  const dated = found.map((path) => ({ path, at: Bun.file(path).lastModified }));
  return dated.toSorted((left, right) => right.at - left.at)[0]?.path ?? null;
}

type Gateway = { readonly port: number; readonly home: string; readonly runner: Runner };

export async function measureCli(setup: BenchSetup, bin: string): Promise<CliRow[]> {
  const upstream = startUpstream();
  const started: Gateway[] = [];
  // The program's processes have their own groups: however this run ends, none of them may remain.
  const killChildren = (): void => {
    for (const { home } of started) for (const pid of childrenOf(home)) process.kill(pid, "SIGKILL");
  };
  process.on("exit", killChildren);
  const start = async (stock: object): Promise<Gateway> => {
    const gateway = await startGateway(setup, bin, upstream, stock);
    started.push(gateway);
    return gateway;
  };
  try {
    const cold = await start({ warm: 0, parked: 0 });
    const stocked = await start({
      warm: { size: 1, max: 1, idle_s: 3600, min_free_mb: 0 },
      parked: { max: 1, idle_s: 3600 },
    });
    return await measureRounds(cold, stocked);
  } finally {
    await Promise.all(started.map(end));
    process.removeListener("exit", killChildren);
    killChildren();
    upstream.stop();
  }
}

async function measureRounds(cold: Gateway, stocked: Gateway): Promise<CliRow[]> {
  const times: Record<CliCase, number[]> = {
    cold: [],
    warm: [],
    "warm-tools": [],
    "next-words": [],
    "next-result": [],
  };
  // Files are cached, and the pool learns how many processes to keep.
  await firstWord(cold, { messages: [user("[[say:hello]]")] });
  await firstWord(stocked, { messages: [user("[[say:hello]]")] });
  for (let round = 0; round < rounds; round++) {
    const question = [user(`[[say:answer number ${round}]]`)];
    await settled(cold, 0);
    times.cold.push((await firstWord(cold, { messages: question })).ms);

    await settled(stocked, 2);
    const first = await firstWord(stocked, { messages: question });
    times.warm.push(first.ms);
    await settled(stocked, 2);
    const more = [...question, { role: "assistant", content: first.text }, user("[[say:and on]]")];
    times["next-words"].push((await firstWord(stocked, { messages: more })).ms);

    await settled(stocked, 2);
    const long = [...history, user(`[[say:round ${round}]][[tool:tool_3 {"path":"a"}]][[then:it is done]]`)];
    const called = await firstWord(stocked, { messages: long, tools });
    times["warm-tools"].push(called.ms);
    await settled(stocked, 2);
    const call = {
      id: called.callId,
      type: "function",
      function: { name: "tool_3", arguments: '{"path":"a"}' },
    };
    const results = [
      ...long,
      { role: "assistant", content: called.text, tool_calls: [call] },
      { role: "tool", tool_call_id: called.callId, content: "what the tool found" },
    ];
    times["next-result"].push((await firstWord(stocked, { messages: results, tools })).ms);
  }
  const base = median(times.cold);
  return Object.entries(cliTitles).map(([name, title]) => {
    const id = name as CliCase;
    const firstWordMs = median(times[id]);
    return { id, title, firstWordMs, ratio: firstWordMs / base, measured: times[id].length };
  });
}

type Message = Readonly<Record<string, unknown>>;
const user = (content: string): Message => ({ role: "user", content });
const sentence = "The heron stands still at the edge of the water and waits for what may come. ";
const history: readonly Message[] = Array.from({ length: 20 }, (_, index) => ({
  role: index % 2 === 0 ? "user" : "assistant",
  content: `${index}: ${sentence.repeat(4)}`,
}));
const tools = Array.from({ length: 8 }, (_, index) => ({
  type: "function",
  function: {
    name: `tool_${index}`,
    description: sentence.repeat(3),
    parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
  },
}));

type Heard = { readonly ms: number; readonly text: string; readonly callId: string };

/** The whole answer, and the time to its first token. Throws if there is no answer. */
async function firstWord({ port }: Gateway, body: Readonly<Record<string, unknown>>): Promise<Heard> {
  const payload = JSON.stringify({ model: "claude-cli/sonnet", stream: true, ...body });
  const startedMs = performance.now();
  const response = await fetch(url(port, "/v1/chat/completions"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: payload,
    signal: AbortSignal.timeout(readyLimitMs),
  });
  const decoder = new TextDecoder();
  let ms = NaN;
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (Number.isNaN(ms) && /"content":"[^"]/.test(text)) ms = performance.now() - startedMs;
  }
  if (Number.isNaN(ms)) throw new Error(`no word came (${response.status}): ${text.slice(0, 500)}`);
  const words = [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, word]) => word ?? "");
  return {
    ms,
    text: words.join(""),
    callId: /"id":"((?!msg|chatcmpl)[^"]+)","type":"function"/.exec(text)?.[1] ?? "",
  };
}

/** Settles when this many processes of the program exist and all of them are idle. */
async function settled({ home, runner }: Gateway, children: number): Promise<void> {
  const untilMs = performance.now() + readyLimitMs;
  let quietSinceMs = performance.now();
  let spent = -1;
  for (;;) {
    const pids = childrenOf(home);
    const now = cpuMs(runner.pid) + pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
    // An idle process still does something from time to time.
    if (pids.length !== children || Math.abs(now - spent) > 10) {
      quietSinceMs = performance.now();
      spent = now;
    }
    if (performance.now() - quietSinceMs >= settledMs) return;
    if (performance.now() > untilMs) throw new Error(`${pids.length} processes instead of ${children}`);
    await Bun.sleep(50);
  }
}

async function startGateway(
  { processes, directory, gatewayBinary }: BenchSetup,
  bin: string,
  upstream: Upstream,
  stock: object,
): Promise<Gateway> {
  const port = freePort();
  const home = join(directory, `cli-${port}`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const config = join(home, "config.yaml");
  const env = { ANTHROPIC_BASE_URL: upstream.url, ANTHROPIC_API_KEY: "bench-key" };
  const providers = { "claude-cli": { backend: "claude-cli", bin, env, ...stock } };
  const settings = {
    server: { host: "127.0.0.1", port, drain_s: 0 },
    providers,
    metrics: { db_path: join(home, "metrics.db") },
  };
  await Bun.write(config, JSON.stringify(settings));
  const command = [gatewayBinary, "serve", "--config", config];
  const runner = processes.start("gateway-cli", command, { CLAWGATE_STATE_DIR: home, HOME: home });
  await untilAnswering(url(port, "/health"), runner, 15_000);
  return { port, home, runner };
}

/** By a regular stop, which ends the program's processes. */
async function end({ runner }: Gateway): Promise<void> {
  process.kill(runner.pid, "SIGTERM");
  await Promise.race([runner.exited, Bun.sleep(10_000)]);
  await runner.stop();
}
