// The real `claude` with sixty tools, connected by `clawgate connect` to a gateway with another vendor's model: how many tokens arrive
// there in a session of three turns, with tool search as `connect` switches it on and without. What was held back is found and called.
// Run it by path: bun test ./test/heavy/tool-search.heavy.ts. It never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tiktoken } from "js-tiktoken/lite";
import o200kBase from "js-tiktoken/ranks/o200k_base";
import { openTimeoutMs } from "../clients/targets.ts";
import { binaryPath, type RunningBinary, startBinary } from "../support/binary.ts";
import { type Finished, runProgram } from "../support/program-run.ts";
import { type ScriptedCall, scriptedAnswer } from "../support/scripted-answers.ts";
import { type Json, listOf, parsed, recordOf, textOf } from "../support/upstream/json.ts";
import { breachOfGoogle } from "../support/upstream/strict-google.ts";
import { breachOfOpenai } from "../support/upstream/strict-openai.ts";
import { breachOfResponses } from "../support/upstream/strict-responses.ts";
import { claudeProgram, claudeVersion } from "./claude-program.ts";
import { offlineEnvironment } from "./install.ts";
import { requireSuccess } from "./vendor-log.ts";
import { workTools } from "./work-tools.ts";

const serverFile = "work-tool-server.ts";
const turnMs = 60_000;
/** What a session has to cost less, in tokens of each request. */
const leastSaved = 20_000;

type Target = {
  readonly backend: string;
  breachOf(body: Json): string | null;
  /** Names of the tools that a request declares. */
  toolsOf(body: Json): readonly string[];
};

const named = (list: unknown): readonly string[] => listOf(list).map((each) => textOf(recordOf(each).name));

const targets: readonly Target[] = [
  {
    backend: "openai-compat",
    breachOf: breachOfOpenai,
    toolsOf: (body) => named(listOf(body.tools).map((each) => recordOf(each).function)),
  },
  { backend: "openai-responses", breachOf: breachOfResponses, toolsOf: (body) => named(body.tools) },
  {
    backend: "google-genai",
    breachOf: breachOfGoogle,
    toolsOf: (body) => listOf(body.tools).flatMap((each) => named(recordOf(each).functionDeclarations)),
  },
];

const tool = "mcp__work__list_pull_requests";
const query = "pull requests, list them";
const turns = [
  { prompt: "Good morning to all of you", state: null, result: "Good morning." },
  { prompt: "Which pull requests wait for a review", state: "open", result: "Seven wait." },
  { prompt: "And which of them are drafts", state: "draft", result: "Two are drafts." },
] as const;

type Asked = {
  readonly text: string;
  readonly tools: readonly string[];
  readonly breach: string | null;
  readonly said: string | ScriptedCall;
};

/** What a model would do: it calls the tool if it sees it, else it searches for it, once. */
function answerTo(text: string, tools: readonly string[]): string | ScriptedCall {
  const turn = turns.findLast(({ prompt }) => text.includes(prompt));
  // Requests beside the conversation, for a title.
  if (turn === undefined || tools.length === 0) return "Pull requests";
  const { state, result } = turn;
  if (state === null || text.includes(`list_pull_requests owner=acme repo=crm state=${state}`)) return result;
  if (tools.includes(tool)) return { name: tool, input: { owner: "acme", repo: "crm", state } };
  if (tools.includes("ToolSearch") && !text.includes(query))
    return { name: "ToolSearch", input: { query, max_results: 3 } };
  return "There is no such tool.";
}

const tokenizer = new Tiktoken(o200kBase);
const tokensOf = (text: string): number => tokenizer.encode(text, [], []).length;

type Session = {
  readonly results: readonly unknown[];
  /** Requests of the conversation, in their order. */
  readonly asked: readonly Asked[];
  readonly requests: number;
  readonly bytes: number;
  readonly tokens: number;
  /** Tokens of the first and the last request of the conversation. */
  readonly first: number;
  readonly last: number;
};

let program: string;
beforeAll(() => {
  program = claudeProgram();
}, 300_000);

describe.each(targets)("sixty tools behind $backend", ({ backend, breachOf, toolsOf }) => {
  let asked: Asked[] = [];
  let vendor: ReturnType<typeof Bun.serve>;
  let gateway: RunningBinary;
  let dir: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "tool-search-"));
    vendor = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const text = await request.text();
        const body = recordOf(parsed(text));
        const tools = toolsOf(body);
        const said = answerTo(text, tools);
        asked.push({ text, tools, breach: breachOf(body), said });
        return scriptedAnswer(new URL(request.url).pathname, said, `call_${asked.length}`);
      },
    });
    const base_url = `http://127.0.0.1:${vendor.port}/v1`;
    gateway = await startBinary({
      config: { providers: { other: { backend, base_url, api_key: "k", models: ["m"] } } },
    });
  }, openTimeoutMs);
  afterAll(async () => {
    await gateway?.stop();
    await vendor?.stop(true);
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  async function session(name: string, change: (settings: string) => string): Promise<Session> {
    const home = join(dir, name);
    const work = join(home, "work");
    mkdirSync(work, { recursive: true });
    mkdirSync(join(home, "bin"));
    symlinkSync(program, join(home, "bin", "claude"));
    const server = { type: "stdio", command: process.execPath, args: [join(import.meta.dir, serverFile)] };
    writeFileSync(join(home, "mcp.json"), JSON.stringify({ mcpServers: { work: server } }));
    const env = {
      ...offlineEnvironment,
      PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`,
      HOME: home,
      LANG: "C.UTF-8",
      CLAWGATE_STATE_DIR: gateway.stateDir,
      CLAUDE_CODE_MAX_RETRIES: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_AUTOUPDATER: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      // It waits for its tools, as a person who reads before asking does; else the first search may come too early for them.
      MCP_CONNECTION_NONBLOCKING: "false",
    };
    const run = async (argv: readonly string[]): Promise<Finished> => {
      const done = await runProgram(argv, { cwd: work, env, timeoutMs: turnMs });
      requireSuccess(done);
      return done;
    };
    await run([binaryPath(), "connect", "claude-code", "--yes"]);
    const settings = join(home, ".claude", "settings.json");
    writeFileSync(settings, change(readFileSync(settings, "utf8")));

    asked = [];
    const results: unknown[] = [];
    let resume: readonly string[] = [];
    const servers = ["--mcp-config", join(home, "mcp.json"), "--strict-mcp-config"];
    const flags = ["--output-format", "json", "--allowedTools", tool, ...servers];
    for (const { prompt } of turns) {
      const done = await run([program, "-p", prompt, ...flags, ...resume]);
      const said = JSON.parse(done.stdout) as { readonly result: unknown; readonly session_id: string };
      results.push(said.result);
      resume = ["--resume", said.session_id];
    }
    await run([binaryPath(), "disconnect", "claude-code", "--yes"]);
    return summary(name, results);
  }

  function summary(name: string, results: readonly unknown[]): Session {
    const all = [...asked];
    const main = all.filter(({ tools }) => tools.length > 0);
    const sum = (list: readonly number[]): number => list.reduce((total, each) => total + each, 0);
    const measured = {
      requests: all.length,
      bytes: sum(all.map(({ text }) => Buffer.byteLength(text))),
      tokens: sum(all.map(({ text }) => tokensOf(text))),
      first: tokensOf(main[0]?.text ?? ""),
      last: tokensOf(main.at(-1)?.text ?? ""),
    };
    console.log(`claude ${claudeVersion}, ${backend}, tool search ${name}: ${JSON.stringify(measured)}`);
    return { results, asked: main, ...measured };
  }

  const isWork = (name: string): boolean => name.startsWith("mcp__work__");

  test(
    `cost ${leastSaved} tokens less in each request with tool search, and are found`,
    async () => {
      const off = await session("off", (text) =>
        text.replace('"ENABLE_TOOL_SEARCH": "true"', '"ENABLE_TOOL_SEARCH": "false"'),
      );
      const on = await session("on", (text) => {
        expect(text).toContain('"ENABLE_TOOL_SEARCH": "true"');
        return text;
      });
      for (const each of [off, on]) {
        expect(each.results).toEqual(turns.map(({ result }) => result));
        expect(each.asked.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
      }
      // The history comes in the order in which it was.
      for (const each of [off, on]) {
        const { text = "" } = each.asked.at(-1) ?? {};
        const places = turns
          .flatMap(({ prompt, state, result }) => [prompt, `state=${state}`, result])
          .filter((word) => word !== "state=null")
          .map((word) => text.indexOf(word));
        expect(places.slice(0, -1)).toEqual(places.slice(0, -1).toSorted((one, next) => one - next));
        expect(places.slice(0, -1)).not.toContain(-1);
      }
      for (const { tools } of off.asked) expect(tools.filter(isWork)).toHaveLength(workTools.length);

      const searches = on.asked.flatMap(({ said }, i) =>
        typeof said === "object" && said.name === "ToolSearch" ? [i] : [],
      );
      // The third turn has what the second one found.
      expect(searches).toHaveLength(1);
      for (const [i, { tools }] of on.asked.entries()) {
        const loaded = tools.filter(isWork);
        if (i <= (searches[0] ?? 0)) expect(loaded).toEqual([]);
        else {
          expect(loaded).toContain(tool);
          expect(loaded.length).toBeLessThanOrEqual(3);
        }
      }
      expect(off.first - on.first).toBeGreaterThanOrEqual(leastSaved);
      expect(off.last - on.last).toBeGreaterThanOrEqual(leastSaved);
      expect(off.tokens - on.tokens).toBeGreaterThanOrEqual(leastSaved * turns.length);
    },
    8 * turnMs,
  );
});

test("the tools are as large as those of real servers", () => {
  expect(workTools).toHaveLength(60);
  expect(new Set(workTools.map(({ name }) => name)).size).toBe(60);
  const tokens = tokensOf(JSON.stringify(workTools));
  expect(tokens).toBeGreaterThan(25_000);
  expect(tokens).toBeLessThan(40_000);
});
