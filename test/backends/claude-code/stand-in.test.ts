import { afterEach, describe, expect, test } from "bun:test";
import type { ClaudeCodeBackend } from "../../../src/backends/claude-code/backend.ts";
import { startAgentProcess } from "../../../src/backends/agent-process/child-process.ts";
import { launchOf } from "../../../src/backends/claude-code/launch.ts";
import type { FailureKind } from "../../../src/canon/failure.ts";
import { Failure } from "../../../src/canon/failure.ts";
import type { ChatRequest } from "../../../src/canon/request.ts";
import { isAlive } from "../../../src/system/process.ts";
import { type Faults, scriptedClaude, type ScriptedClaude } from "../../support/claude.ts";
import {
  after,
  asking,
  callOf,
  nothingLeft,
  openHarness,
  result,
  type Harness,
  textOf,
  tool,
  user,
} from "./backend-harness.ts";

const programs: ScriptedClaude[] = [];
const backends: ClaudeCodeBackend[] = [];

afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.stop()));
  for (const each of programs.splice(0)) each.remove();
});

type Opened = Harness & { readonly claude: ScriptedClaude; alive(): number };

/** The backend over real processes of the scripted stand-in. */
function open(faults: Faults = {}, serverTools: "none" | readonly string[] = "none"): Opened {
  const claude = scriptedClaude(faults);
  programs.push(claude);
  const launch = launchOf({
    model: "opus",
    thinking: "default",
    serverTools,
    environment: { PATH: process.env["PATH"] },
    gatewayId: "test",
    workspace: {
      tenant: null,
      bin: claude.bin,
      home: claude.dir,
      configDir: claude.dir,
      workingDir: claude.dir,
      env: { ANTHROPIC_API_KEY: "dummy" },
      pluginDirs: [],
      addDirs: [],
      permissionMode: null,
      jail: null,
    },
  });
  const pids = new Set<number>();
  const stage = openHarness({
    prepared: {
      order: { launch, mcp: null },
      runsTools: serverTools !== "none",
      ownTools: serverTools === "none" ? [] : ["Bash"],
    },
    async startChild(order) {
      const child = await startAgentProcess(order.launch);
      pids.add(child.pid);
      return child;
    },
  });
  backends.push(stage.backend);
  return { ...stage, claude, alive: () => [...pids].filter(isAlive).length };
}
const gone = async ({ backend, alive }: Opened): Promise<void> => {
  await backend.stop();
  expect(alive()).toBe(0);
  expect(backend.counts()).toEqual(nothingLeft);
};

describe("answers of the stand-in", () => {
  test("text with a history, then the next turn in the same process", async () => {
    const stage = open();
    const first = asking(
      ["a", { role: "assistant", content: [{ type: "text", text: "b" }] }, "[[say:one two]]"],
      { maxTokens: 5_000 },
    );
    const reply = await stage.ask(first);
    expect(textOf(reply)).toBe("one two");
    expect(textOf(await stage.ask(after(first, reply, user("/x [[echo]]"))))).toContain("/x");
    expect(stage.claude.sessions()).toHaveLength(1);
    await gone(stage);
  });

  test("calls are parked and answered, also several together", async () => {
    const stage = open();
    const first = asking(['[[tools:look {"a":1};look {"a":2}]][[toolresult]]'], { tools: [tool] });
    const reply = await stage.ask(first);
    const ids = reply.content.flatMap((block) => (block.type === "tool-call" ? [block.id] : []));
    expect(ids).toHaveLength(2);
    const results = user(...ids.map((id, at) => result(id, `result ${at}`)));
    expect(textOf(await stage.ask(after(first, reply, results)))).toBe("result: result 0\nresult 1");
    expect(stage.claude.sessions()).toHaveLength(1);
    await gone(stage);
  });

  test("an answer with a schema is its JSON", async () => {
    const stage = open();
    const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
    const reply = await stage.ask(
      asking(['[[json:{"n":7}]]'], { format: { type: "json-schema", name: "n", schema, strict: null } }),
    );
    expect(JSON.parse(textOf(reply))).toEqual({ n: 7 });
    await gone(stage);
  });

  test.each(["noise", "garbage", "stderr", "whole", "limit-allowed", "limit-warning", "retry"])(
    "mode %s changes nothing",
    async (mode) => {
      const stage = open();
      expect(textOf(await stage.ask(asking([`[[say:one two three four]][[mode:${mode}]]`])))).toBe(
        "one two three four",
      );
      await gone(stage);
    },
  );

  test("a refusal is one", async () => {
    const stage = open();
    expect((await stage.ask(asking(["[[say:no]][[mode:refusal]]"]))).finish).toBe("refused");
    await gone(stage);
  });

  test("a limit that the program reports is shown as what is left", async () => {
    const stage = open();
    const told: unknown[] = [];
    const call = callOf({ onAllowance: (event) => void told.push(event["status"]) });
    await stage.events(asking(["[[mode:session-limit 4102444800]]"]), call);
    expect(told).toEqual(["rejected"]);
    await gone(stage);
  });

  test.each<[string, FailureKind]>([
    ["400", "invalid-request"],
    ["401", "credentials-rejected"],
    ["404", "model-missing"],
    ["429", "rate-limited"],
    ["500", "upstream-error"],
    ["529", "overloaded"],
    ["no-login", "credentials-rejected"],
    ["too-long", "context-exceeded"],
    ["session-limit 4102444800", "rate-limited"],
    ["cut", "upstream-error"],
    ["error-mid", "upstream-error"],
    ["die", "bad-output"],
    ["die killed", "bad-output"],
    ["die-mid", "bad-output"],
    ["half-line", "bad-output"],
    ["empty", "bad-output"],
    ["broken", "upstream-error"],
    ["max-turns", "bad-output"],
  ])("mode %s is %s, and names nothing of the inside", async (mode, kind) => {
    const stage = open();
    const failure = await stage.failure(asking([`[[say:one two three]][[mode:${mode}]]`]));
    expect(failure.kind).toBe(kind);
    expect(failure.message).not.toMatch(/secret-host|\/login|resets|ECONNRESET/);
    await gone(stage);
  });
});

describe("processes of the stand-in", () => {
  test.each(["start", "initialize", "turn"] as const)("one that dies at %s is a failure", async (at) => {
    const stage = open({ dies: { at, how: "killed" } });
    expect(
      (await stage.failure(asking(["a", { role: "assistant", content: [{ type: "text", text: "b" }] }, "c"])))
        .kind,
    ).toBe("bad-output");
    await gone(stage);
  });

  test("one that dies of history lines is replaced by one that gets the history", async () => {
    const stage = open({ dies: { at: "history", how: 1 } });
    const messages = [
      "a",
      { role: "assistant", content: [{ type: "text", text: "b" }] } as const,
      "[[echo]]c",
    ];
    expect(textOf(await stage.ask(asking(messages)))).toBe("c");
    const [first, second] = stage.claude.sessions();
    expect(first?.exitCode).toBe(1);
    expect(JSON.stringify(second?.lines)).toContain("You:\\nb");
    await gone(stage);
  });

  test("aborts at any time leave none", async () => {
    const stage = open();
    const requests: ChatRequest[] = [
      asking(["[[mode:hang]]"]),
      asking(["[[say:one two three]][[mode:hang-mid]]"]),
      asking(["a", { role: "assistant", content: [{ type: "text", text: "b" }] }, "[[long:500]][[pace:5]]"]),
      asking(["[[tool:look {}]][[mode:hang-end]]"], { tools: [tool] }),
    ];
    const reason = new Failure("cancelled", "The client left.");
    const abortAt = async (
      request: ChatRequest,
      fits: (events: readonly string[]) => boolean,
    ): Promise<void> => {
      const abort = new AbortController();
      const before = stage.claude.sessions().length;
      const last = stage.events(request, callOf({ signal: abort.signal }));
      await stage.claude.waitFor((runs) => {
        const own = runs[before];
        return own !== undefined && fits(own.events);
      });
      abort.abort(reason);
      expect((await last).at(-1)?.type).toMatch(/failure|finish/);
    };
    for (const request of requests)
      for (const name of ["in:control_request", "out:control_response", "in:user"])
        await abortAt(request, (events) => events.some((event) => event.startsWith(name)));
    await gone(stage);
  }, 30_000);
});
