// The compiled program with the scripted stand-in behind it: whatever clients and the machine do to it, nothing is left over.
// Counted from outside, in /proc and on the disk, so on Linux alone.

import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, type RunningBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { leaveEarly, randomOf } from "./support/leaving-clients.ts";
import { childrenOf, filesBelow, handlesOf, rssMbOf, untilNull } from "./support/claude-children.ts";
import { type Faults, scriptedClaude, type ScriptedClaude } from "./support/claude.ts";
import { listOf, recordOf, textOf } from "./support/upstream/json.ts";
import type { Json } from "./support/upstream/json.ts";

// Building takes longer than a test may.
beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

type World = { readonly claude: ScriptedClaude; readonly dir: string; start(): Promise<RunningBinary> };

const usual = { warm: 0, parked: { max: 8, max_per_tenant: 8, ttl_s: 60, idle_s: 60 } };

function world(cli: object, faults: Faults = {}): World & { config(more?: object): object } {
  const claude = scriptedClaude(faults);
  cleanups.push(claude.remove);
  const dir = cleanups.folder("clawgate-test-");
  mkdirSync(join(dir, "tmp"));
  const env = { ANTHROPIC_API_KEY: "sk-ant-dummy" };
  const config = (more: object = {}): object => ({
    server: { drain_s: 0 },
    providers: {
      "claude-cli": { backend: "claude-cli", bin: claude.bin, env, ...usual, ...cli },
    },
    ...more,
  });
  return {
    claude,
    dir,
    config,
    async start() {
      return cleanups.stopAtEnd(
        await startBinary({ dir, config: config(), env: { TMPDIR: join(dir, "tmp") } }),
      );
    },
  };
}

const tools = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  function: { name, description: name, parameters: { type: "object", properties: {} } },
}));
const user = (content: string): Json => ({ role: "user", content });
const parisCall = '[[tool:get_weather {"city":"Paris"}]][[then:it is warm]]';
const endless = "[[long:100000]][[pace:20]]";

const ask = (gateway: RunningBinary, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "claude-cli/sonnet", ...body }),
    ...(signal === undefined ? {} : { signal }),
  });

async function messageOf(answer: Promise<Response>): Promise<Json> {
  const response = await answer;
  const body = recordOf(await response.json());
  if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
  return recordOf(recordOf(listOf(body["choices"])[0])["message"]);
}

/** What the client sends when its tools have worked. */
function answered(asked: readonly Json[], message: Json): Json[] {
  const results = listOf(message["tool_calls"]).map((call): Json => {
    return {
      role: "tool",
      tool_call_id: recordOf(call)["id"],
      content: `18C ${textOf(recordOf(call)["id"])}`,
    };
  });
  return [...asked, message, ...results];
}

const counts = async (gateway: RunningBinary): Promise<{ running: unknown; waiting: unknown }> => {
  const health = recordOf(await (await fetch(`${gateway.url}/health`)).json());
  const { running, waiting } = recordOf(recordOf(health["providers"])["claude-cli"]);
  return { running, waiting };
};
const countsAre = (gateway: RunningBinary, running: number, waiting: number): Promise<void> =>
  untilNull(async () => {
    const now = await counts(gateway);
    return now.running === running && now.waiting === waiting ? null : now;
  });
const childrenAre = (dir: string, wanted: number): Promise<void> =>
  untilNull(() => {
    const found = childrenOf(dir);
    return found.length === wanted ? null : found;
  });
/** The list of processes is being written for the last time when the last of them is gone, under another name at first. */
async function settledFiles(dir: string): Promise<readonly string[]> {
  let files = filesBelow(dir);
  await untilNull(async () => {
    const before = files;
    await Bun.sleep(200);
    files = filesBelow(dir);
    return Bun.deepEquals(files, before) ? null : files;
  });
  return files;
}

const opened = (claude: ScriptedClaude, times: number): Promise<void> =>
  claude.waitFor(
    (runs) => runs.flatMap(({ events }) => events).filter((event) => event === "in:user").length >= times,
  );

describe.skipIf(process.platform !== "linux")("the program with Claude Code behind it", () => {
  test("1,000 random aborts leave no process, no turn, no file, no memory", async () => {
    const parked = { max: 4, max_per_tenant: 4, ttl_s: 1, idle_s: 1 };
    const warm = { size: 1, max: 2, idle_s: 1, min_free_mb: 0 };
    const here = world({ max_concurrent: 6, parked, warm });
    const gateway = await here.start();
    const seed = Number(process.env["CLAWGATE_SEED"] ?? Date.now() % 1_000_000);
    const random = randomOf(seed);
    await Promise.all(
      [1, 2, 3, 4].map(() => messageOf(ask(gateway, { messages: [user("[[say:warm up]]")] }))),
    );
    const isQuiet = async (): Promise<void> => {
      await countsAre(gateway, 0, 0);
      await childrenAre(here.dir, 0);
    };
    await isQuiet();
    // The thread that reads the records opens its files with the first report.
    expect((await fetch(`${gateway.url}/api/stats`)).status).toBe(200);
    const before = {
      files: await settledFiles(here.dir),
      rss: rssMbOf(gateway.pid),
      handles: handlesOf(gateway.pid),
    };

    const seen = { aborted: 0, finished: 0, stages: new Map<string, number>() };
    const odd: string[] = [];
    const worker = async (): Promise<void> => {
      while (seen.aborted < 1_000 && odd.length === 0) {
        // Impatient: whoever stays to the end is no abort, and costs as much time.
        const ending = await leaveEarly(gateway.url, "claude-cli/sonnet", random, 0.5);
        if (ending.wasAborted) {
          seen.aborted += 1;
          seen.stages.set(ending.stage, (seen.stages.get(ending.stage) ?? 0) + 1);
        } else seen.finished += 1;
        if (ending.odd !== null) odd.push(ending.odd);
      }
    };
    await Promise.all(Array.from({ length: 14 }, worker));
    console.log(`seed ${seed}: ${seen.finished} came to their end, ${JSON.stringify([...seen.stages])}`);
    expect(odd).toEqual([]);
    expect(Math.min(...seen.stages.values())).toBeGreaterThan(10);
    expect(seen.stages.size).toBe(6);
    await isQuiet();
    expect(await settledFiles(here.dir)).toEqual(before.files);
    // Connections close.
    await untilNull(() => {
      const handles = handlesOf(gateway.pid);
      return handles <= before.handles + 5 ? null : handles;
    });
    // The garbage of a thousand requests is collected while nothing runs.
    await untilNull(() => {
      const grownMb = rssMbOf(gateway.pid) - before.rss;
      return grownMb < 60 ? null : grownMb;
    });
    // And it still serves.
    const message = await messageOf(ask(gateway, { messages: [user("[[say:still here]]")] }));
    expect(message["content"]).toBe("still here");
    expect(gateway.output()).not.toContain('"level":"error"');
  }, 120_000);

  test("killed with 10 running it leaves none, and the next start has nothing to take away but the list", async () => {
    // They hang: one that wrote would notice that nobody reads any more.
    const here = world({ max_concurrent: 10 }, { hangs: { at: "turn" } });
    const gateway = await here.start();
    const asked = Array.from({ length: 10 }, () =>
      ask(gateway, { messages: [user("hello")] }).catch((error: unknown) => error),
    );
    await opened(here.claude, 10);
    process.kill(gateway.pid, "SIGKILL");
    await gateway.exited;
    await Promise.all(asked);
    // Nobody has started anew: the watch that outlives it has ended them.
    await untilNull(() => (childrenOf(here.dir).length === 0 ? null : childrenOf(here.dir)));
    const [place = ""] = here.claude.sessions().map(({ cwd }) => cwd);
    expect(place).toContain("/work-");
    await untilNull(() => (existsSync(place) ? place : null));
    const next = await here.start();
    expect(childrenOf(here.dir)).toEqual([]);
    expect(next.output()).not.toContain('"stopped":');
    expect(filesBelow(join(next.stateDir, "cli", "gateways"))).toEqual([]);
  }, 30_000);

  test("SIGTERM with running, parked and warm ones leaves none, even of those that do not hear it", async () => {
    const warm = { size: 1, max: 2, min_free_mb: 0 };
    const here = world({ max_concurrent: 10, warm }, { misbehaves: ["ignores-term"] });
    const gateway = await here.start();
    await messageOf(ask(gateway, { messages: [user(parisCall)], tools }));
    const asked = Array.from({ length: 4 }, async () => {
      const response = await ask(gateway, { stream: true, messages: [user(endless)] });
      return response.text();
    });
    await opened(here.claude, 5);
    await untilNull(() => (childrenOf(here.dir).length >= 6 ? null : childrenOf(here.dir)));
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    expect(childrenOf(here.dir)).toEqual([]);
    expect(filesBelow(join(gateway.stateDir, "cli"))).toEqual(["gateways", "no-tenant/work"]);
    for (const text of await Promise.all(asked)) expect(text).toContain("shutting");
  }, 30_000);

  test("a reload keeps the process that waits for its client's tools", async () => {
    const here = world({});
    const gateway = await here.start();
    const first = [user(parisCall)];
    const called = await messageOf(ask(gateway, { messages: first, tools }));
    const [waiting] = childrenOf(here.dir);
    writeFileSync(
      gateway.configPath,
      JSON.stringify(here.config({ aliases: { mine: "claude-cli/sonnet" } })),
    );
    await gateway.waitForOutput("config reloaded");
    expect(childrenOf(here.dir)).toEqual([waiting ?? 0]);
    const next = await messageOf(ask(gateway, { model: "mine", messages: answered(first, called), tools }));
    expect(next["content"]).toBe("it is warm");
    expect(here.claude.sessions().map(({ pid }) => pid)).toEqual([waiting ?? 0]);
  }, 30_000);

  test("only running answers take turns, and a tool's result goes before those that wait", async () => {
    const here = world({ max_concurrent: 1 });
    const gateway = await here.start();
    const first = [user(parisCall)];
    const called = [];
    // Each of them leaves a waiting process behind, and none of those keeps the only turn.
    for (let round = 0; round < 3; round++)
      called.push(await messageOf(ask(gateway, { messages: first, tools, user: `${round}` })));
    expect(await counts(gateway)).toEqual({ running: 0, waiting: 0 });
    expect(childrenOf(here.dir)).toHaveLength(3);

    const stopper = new AbortController();
    const running = await ask(gateway, { stream: true, messages: [user(endless)] }, stopper.signal);
    await countsAre(gateway, 1, 0);
    const order: string[] = [];
    const later = messageOf(ask(gateway, { messages: [user("[[say:a new one]]")] })).then(({ content }) =>
      order.push(textOf(content)),
    );
    await countsAre(gateway, 1, 1);
    const resumed = called.map(async (message) => {
      const next = await messageOf(ask(gateway, { messages: answered(first, message), tools }));
      order.push(textOf(next["content"]));
    });
    await countsAre(gateway, 1, 4);
    stopper.abort();
    await Promise.all([running.text().catch(() => ""), later, ...resumed]);
    expect(order).toEqual(["it is warm", "it is warm", "it is warm", "a new one"]);
    // Three that were resumed, the endless one, the new one: nobody was told its conversation again.
    expect(here.claude.sessions()).toHaveLength(5);
    await countsAre(gateway, 0, 0);
  }, 30_000);
});
