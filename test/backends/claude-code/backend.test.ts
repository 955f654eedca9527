import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { fakeClock, settleQueues } from "../../support/clock.ts";
import type { Stage as FaultStage } from "./fake-child.ts";
import { recordOf } from "../../support/upstream/json.ts";
import type { FakeOptions } from "./fake-child.ts";
import {
  after,
  asking,
  callOf,
  echo,
  model,
  nothingLeft,
  openHarness,
  result,
  textOf,
  tool,
  user,
} from "./backend-harness.ts";

describe("an answer", () => {
  test("comes from one process, with prompt, history and settings", async () => {
    const { backend, program, ask } = openHarness();
    let status = 0;
    const request = asking(["a", model("b"), "c"], { maxTokens: 4_000, stop: ["X"] });
    const reply = await ask(request, callOf({ onHeaders: (code) => void (status = code) }));
    expect(textOf(reply)).toBe("said c");
    expect(reply.usage).toMatchObject({ input: 10, output: 5 });
    expect(status).toBe(200);
    expect(program.upstream).toHaveLength(1);
    expect(program.upstream[0]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    // Under another model's name the program would leave its thinking out.
    const assistant = program.lines.get(1)?.find((line) => line["type"] === "assistant");
    expect(assistant?.["message"]).toMatchObject({ model: "claude-fake-1" });
    expect(program.upstream[0]?.settings).toMatchObject({
      systemPrompt: ["You are X."],
      CLAUDE_CODE_MAX_OUTPUT_TOKENS: "4000",
      CLAUDE_CODE_EXTRA_BODY: '{"stop_sequences":["X"]}',
    });
    expect(backend.counts().parked).toEqual({ calls: 0, idle: 1 });
    await backend.stop();
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
  });

  test("ends at its limit, and the process that would continue is killed before the client sees the end", async () => {
    const stops: (object | undefined)[] = [];
    let isHeard = false;
    const { program, backend } = openHarness({
      fake: { model: () => ({ text: "a b c", stop: "max_tokens" }) },
      startChild: async () => {
        const child = await program.start();
        return {
          ...child,
          stop(how) {
            stops.push({ ...how, isHeard });
            return child.stop(how);
          },
        };
      },
    });
    for await (const batch of backend.generate(asking(["q"]), callOf()))
      isHeard ||= batch.some((event) => event.type === "finish" && event.reason === "length");
    expect(isHeard).toBe(true);
    await settleQueues();
    expect(stops[0]).toEqual({ atOnce: true, isHeard: false });
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
  });

  test("an option that cannot be followed and a program that cannot start are reported", async () => {
    const refusing = openHarness({
      prepare: () =>
        Promise.reject(new Failure("invalid-request", "no such server", { param: "mcp_servers" })),
    });
    expect((await refusing.failure(asking(["q"]))).param).toBe("mcp_servers");
    const missing = openHarness({
      startChild: () => Promise.reject(new Failure("unreachable", "not found")),
    });
    expect((await missing.failure(asking(["q"]))).kind).toBe("unreachable");
    expect(missing.backend.counts()).toEqual(nothingLeft);
  });

  test("after stop there is none", async () => {
    const { backend, failure } = openHarness();
    await backend.stop();
    expect((await failure(asking(["q"]))).kind).toBe("shutting-down");
  });
});

const history = asking(["a", model("b"), "use:look t1"], { tools: [tool], maxTokens: 100 });
const beginnings: readonly FaultStage[] = ["initialize", "settings", "history", "turn", "stream", "calls"];
const stages: readonly FaultStage[] = [...beginnings, "resume"];

describe("faults", () => {
  test.each(beginnings)("a process that dies at %s is a failure and leaves nothing", async (at) => {
    const { backend, program, ask, failure } = openHarness();
    program.setFault({ at, how: "dies" });
    if (at === "history") {
      // Only its lines were not taken: the history is sent in another way.
      const notes: string[] = [];
      const reply = await ask(history, callOf({ note: (word) => void notes.push(word) }));
      expect(reply.finish).toBe("tool-calls");
      expect(notes).toContain("history-as-transcript");
      expect(program.upstream).toHaveLength(1);
      expect(JSON.stringify(program.upstream[0]?.messages)).toContain("</conversation>");
      await backend.stop();
    } else expect((await failure(history)).kind).toBe("bad-output");
    await settleQueues();
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
  });

  test.each(["dies", "hangs"] as const)(
    "a parked process that %s without a word has asked nobody, and a fresh one is told the conversation",
    async (how) => {
      const clock = fakeClock();
      const { backend, program, ask } = openHarness({ clock });
      program.setFault({ at: "resume", how });
      const reply = await ask(history);
      expect(reply.finish).toBe("tool-calls");
      const resumed = ask(after(history, reply, user(result("t1"))));
      await clock.advance(5_000);
      expect(textOf(await resumed)).toBe("got 1 results");
      expect(program.upstream.map(({ pid }) => pid)).toEqual([1, 2]);
      await settleQueues();
      expect(program.alive()).toBe(1);
      await backend.stop();
      expect(backend.counts()).toEqual(nothingLeft);
    },
  );

  test("one that runs tools of its own is not replaced: what they did must not be repeated", async () => {
    const clock = fakeClock();
    const { program, ask, failure } = openHarness({ clock, prepared: { runsTools: true } });
    program.setFault({ at: "resume", how: "hangs" });
    const failed = failure(after(history, await ask(history), user(result("t1"))));
    await clock.advance(30_000);
    expect((await failed).kind).toBe("timed-out");
    expect(program.started()).toBe(1);
  });

  test.each(beginnings)("a process that hangs at %s is stopped when its time is over", async (at) => {
    const clock = fakeClock();
    const { backend, program, failure } = openHarness({ clock });
    program.setFault({ at, how: "hangs" });
    const failed = failure(history);
    await clock.advance(29_000);
    expect(program.alive()).toBe(1);
    await clock.advance(900_000);
    expect((await failed).kind).toBe("timed-out");
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
    expect(clock.waiting()).toBe(0);
  });

  test.each(stages)("lines that mean nothing at %s do no harm", async (at) => {
    const { program, ask } = openHarness();
    program.setFault({ at, how: "garbage" });
    const reply = await ask(history);
    expect(textOf(reply)).toBe("calling");
    expect(textOf(await ask(after(history, reply, user(result("t1")))))).toBe("got 1 results");
    expect(program.started()).toBe(1);
  });

  test.each(["dies", "hangs"] as const)(
    "a complete answer is one although its process %s then",
    async (how) => {
      const clock = fakeClock();
      const { backend, program, ask } = openHarness({ clock });
      program.setFault({ at: "result", how });
      const reply = ask(asking(["q"]));
      await clock.advance(5_000);
      expect(await reply).toMatchObject({ finish: "stop", content: [{ type: "text", text: "said q" }] });
      await settleQueues();
      expect(program.alive()).toBe(0);
      expect(backend.counts()).toEqual(nothingLeft);
      expect(clock.waiting()).toBe(0);
    },
  );

  test("a setting that the program refuses is a failure, never ignored", async () => {
    const { program, backend, failure } = openHarness({
      startChild: async () => {
        const child = await program.start();
        return {
          ...child,
          async next() {
            const line = await child.next();
            return line?.["type"] === "control_response"
              ? { ...line, response: { ...Object(line["response"]), subtype: "error", error: "no" } }
              : line;
          },
        };
      },
    });
    expect((await failure(asking(["q"]))).kind).toBe("bad-output");
    await settleQueues();
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
  });
});

describe("aborts", () => {
  const reason = new Failure("cancelled", "The client left.");

  test.each(stages)("at %s the process is stopped immediately and the reason is reported", async (at) => {
    const { backend, program, ask, failure } = openHarness();
    program.setFault({ at, how: "hangs" });
    let request = history;
    if (at === "resume") request = after(history, await ask(history), user(result("t1")));
    const abort = new AbortController();
    const failed = failure(request, callOf({ signal: abort.signal }));
    for (let round = 0; round < 5; round++) await settleQueues();
    expect(program.alive()).toBe(1);
    abort.abort(reason);
    expect(await failed).toBe(reason);
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
  });

  test("before it began nothing is started", async () => {
    const { program, failure } = openHarness();
    expect(await failure(asking(["q"]), callOf({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(program.started()).toBe(0);
  });

  test("while a process is being started it is stopped when it comes", async () => {
    const gate = Promise.withResolvers<void>();
    const { program, backend, failure } = openHarness({
      startChild: async () => {
        await gate.promise;
        return program.start();
      },
    });
    const abort = new AbortController();
    const failed = failure(asking(["q"]), callOf({ signal: abort.signal }));
    await settleQueues();
    abort.abort(reason);
    expect(await failed).toBe(reason);
    gate.resolve();
    await settleQueues();
    expect(program.started()).toBe(1);
    expect(program.alive()).toBe(0);
    expect(backend.counts()).toEqual(nothingLeft);
  });

  test("while the events are not read the process is stopped too", async () => {
    const { program, backend } = openHarness();
    const abort = new AbortController();
    const events = backend.generate(asking(["one two three"]), callOf({ signal: abort.signal }));
    await events.next();
    expect(program.alive()).toBe(1);
    abort.abort(reason);
    expect(program.alive()).toBe(0);
    await events.return();
    expect(backend.counts()).toEqual(nothingLeft);
  });

  test("a client that leaves after the end does not take the parked process with it", async () => {
    const { program, backend } = openHarness();
    const abort = new AbortController();
    const events = backend.generate(asking(["q"]), callOf({ signal: abort.signal }));
    for (;;) {
      const { value } = await events.next();
      if (value?.some((event) => event.type === "finish")) break;
    }
    abort.abort(reason);
    await events.return();
    expect(program.alive()).toBe(1);
    expect(backend.counts().parked.idle).toBe(1);
    await backend.stop();
    expect(program.alive()).toBe(0);
  });

  test("1,000 requests that are aborted at random leave no process, no place and no timer", async () => {
    const clock = fakeClock();
    const limits = { max: 6, maxPerTenant: 3, callsTtlMs: 180_000, idleTtlMs: 60_000 };
    const { backend, program } = openHarness({
      clock,
      parked: limits,
      warm: { size: 1, max: 2, idleMs: 60_000 },
      fake: { pace: settleQueues },
    });
    // A generator of its own, so that a failure can be seen again.
    let seed = 4711;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const kinds = new Set<string>();
    const one = async (number: number): Promise<void> => {
      const abort = new AbortController();
      const call = callOf({ signal: abort.signal, tenant: `t${number % 3}`, model: `m${number % 2}` });
      const request =
        number % 2 === 0
          ? asking(["a", model("b"), `one two ${number}`])
          : asking([`use:look t${number}`], { tools: [tool] });
      let turns = random(30);
      const tick = async (): Promise<void> => {
        while (turns-- > 0) await settleQueues();
        abort.abort(reason);
      };
      const aborting = tick();
      let last: StreamEvent | undefined;
      for await (const batch of backend.generate(request, call)) last = batch.at(-1);
      kinds.add(last?.type ?? "none");
      await aborting;
      const { parked } = backend.counts();
      expect(parked.calls + parked.idle).toBeLessThanOrEqual(limits.max);
    };
    for (let batch = 0; batch < 50; batch++) {
      await Promise.all(Array.from({ length: 20 }, (_, at) => one(batch * 20 + at)));
      await clock.advance(random(3_000));
    }
    expect([...kinds].toSorted()).toEqual(["failure", "finish"]);
    await settleQueues();
    const { parked, warm, running } = backend.counts();
    expect(running).toBe(0);
    expect(program.alive()).toBe(parked.calls + parked.idle + warm);
    await clock.advance(400_000);
    expect(program.alive()).toBe(0);
    await backend.stop();
    expect(backend.counts()).toEqual(nothingLeft);
    expect(clock.waiting()).toBe(0);
  });
});

describe("a tool that must be called, of a model that always thinks", () => {
  const forced = { tools: [tool], toolChoice: { type: "tool", name: tool.name } } as const;
  const held: FakeOptions["model"] = (messages) =>
    JSON.stringify(messages.at(-1)).includes("StructuredOutput")
      ? { text: "I call", calls: [{ id: "s1", name: "StructuredOutput", input: { city: "A" } }] }
      : echo(messages);

  test("is called by its own name, in a fresh process that is not used again", async () => {
    const stops: unknown[] = [];
    const { program, backend, ask } = openHarness({
      prepared: { alwaysThinks: true },
      fake: { model: held },
      startChild: async () => {
        const child = await program.start();
        return { ...child, stop: (how) => (stops.push(how), child.stop(how)) };
      },
    });
    const first = asking(["q"], { tools: [tool] });
    const begun = await ask(first);
    expect(backend.counts().parked.idle).toBe(1);
    const next = { ...first, messages: [...first.messages, model(textOf(begun)), user("and now")] };
    expect(await backend.continues(next, callOf())).toBe(true);
    expect(await backend.continues({ ...next, ...forced }, callOf())).toBe(false);
    const notes: string[] = [];
    const reply = await ask({ ...next, ...forced }, callOf({ note: (word) => void notes.push(word) }));
    expect(reply.content).toMatchObject([{ type: "tool-call", name: tool.name, input: '{"city":"A"}' }]);
    expect([reply.finish, notes]).toEqual(["tool-calls", ["tool-choice-by-schema"]]);
    expect(program.started()).toBe(2);
    const [, fresh = []] = [...program.lines.values()];
    expect(fresh.map((line) => recordOf(line["request"])["jsonSchema"]).find(Boolean)).toEqual(tool.schema);
    // It would continue with what it takes for its own answer.
    expect([backend.counts().parked.calls, stops[0]]).toEqual([0, { atOnce: true }]);
    await backend.stop();
    expect(program.alive()).toBe(0);
  });

  test("and is not called, is a failure", async () => {
    const { program, backend, failure } = openHarness({ prepared: { alwaysThinks: true } });
    const failed = await failure(asking(["q"], { ...forced }));
    expect(failed).toMatchObject({ kind: "bad-output", maybeBilled: true });
    await backend.stop();
    expect(program.alive()).toBe(0);
  });

  test("continues from there as from any call", async () => {
    const { backend, ask } = openHarness({ prepared: { alwaysThinks: true }, fake: { model: held } });
    const first = asking(["q"], forced);
    const { content } = await ask(first);
    const call = content.at(-1);
    if (call?.type !== "tool-call") throw new Error("no call");
    const messages = [
      ...first.messages,
      { role: "assistant", content } as const,
      user(result(call.id, "1C")),
    ];
    expect(textOf(await ask({ ...first, messages, toolChoice: null }))).toBe("got 1 results");
    await backend.stop();
  });
});

describe("tools of the program's own", () => {
  test("their rounds are not shown, and silence is broken by heartbeats", async () => {
    const clock = fakeClock();
    const gate = Promise.withResolvers<void>();
    let rounds = 0;
    const stage = openHarness({
      clock,
      prepared: { runsTools: true },
      fake: {
        model: (messages) =>
          messages.length === 1
            ? { text: "I will look", calls: [{ id: "b1", name: "Bash" }] }
            : { text: "The end." },
        pace: () => (++rounds > 5 ? gate.promise : Promise.resolve()),
      },
    });
    const events: StreamEvent[] = [];
    const reading = (async () => {
      for await (const batch of stage.backend.generate(asking(["q"]), callOf())) events.push(...batch);
    })();
    await clock.advance(35_000);
    expect(events.map(({ type }) => type)).toEqual(["start", "heartbeat", "heartbeat", "heartbeat"]);
    gate.resolve();
    await reading;
    const shown = events
      .filter(({ type }) => type === "text-delta")
      .map((event) => event.type === "text-delta" && event.text);
    expect(shown.join("")).toBe("The end.");
    expect(events.filter(({ type }) => type === "start")).toHaveLength(1);
    await stage.backend.stop();
  });

  test("text that waits for a second is shown", async () => {
    const clock = fakeClock();
    const gate = Promise.withResolvers<void>();
    let pieces = 0;
    const stage = openHarness({
      clock,
      prepared: { runsTools: true },
      fake: {
        model: () => ({ text: "slow words here" }),
        pace: () => (++pieces > 3 ? gate.promise : Promise.resolve()),
      },
    });
    const events: StreamEvent[] = [];
    const reading = (async () => {
      for await (const batch of stage.backend.generate(asking(["q"]), callOf())) events.push(...batch);
    })();
    await clock.advance(900);
    expect(events.map(({ type }) => type)).toEqual(["start"]);
    await clock.advance(200);
    expect(events.map(({ type }) => type)).toEqual(["start", "text-start", "text-delta", "text-delta"]);
    gate.resolve();
    await reading;
    expect(events.at(-1)?.type).toBe("finish");
    await stage.backend.stop();
  });
});
