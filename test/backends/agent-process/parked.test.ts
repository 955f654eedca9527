import { describe, expect, test } from "bun:test";
import type { Block, Message } from "../../../src/canon/request.ts";
import { fakeClock, settleQueues } from "../../support/clock.ts";
import { fakeProgram } from "../claude-code/fake-child.ts";
import {
  after,
  asking,
  callOf,
  echo,
  model,
  openHarness,
  result,
  textOf,
  tool,
  user,
} from "../claude-code/backend-harness.ts";

const pixel = "iVBORw0KGgo=";
const calling = asking(["use:look toolu_a_1 toolu_a_2"], { tools: [tool] });

describe("calls of the client's tools", () => {
  test.each([false, true])(
    "are held until the client's results, answered in the same process (one after the other: %p)",
    async (callsInTurn) => {
      const { backend, program, ask } = openHarness({ fake: { callsInTurn } });
      const reply = await ask(calling);
      expect(reply.finish).toBe("tool-calls");
      expect(reply.content.map((block) => block.type)).toEqual(["text", "tool-call", "tool-call"]);
      await settleQueues();
      expect(program.upstream).toHaveLength(1);
      expect(backend.counts().parked).toEqual({ calls: 1, idle: 0 });
      const image: Block = {
        type: "tool-result",
        callId: "toolu_a_2",
        content: [{ type: "image", source: { kind: "base64", mediaType: "image/png", data: pixel } }],
        isError: false,
      };
      // Clients give ids back without punctuation, results in any order and in several messages.
      const second = after(calling, reply, user(image), user(result("toolua1", "broken", true)));
      expect(textOf(await ask(second))).toBe("got 2 results");
      expect(program.started()).toBe(1);
      expect(program.upstream).toHaveLength(2);
      expect(program.upstream[1]?.messages.at(-1)?.content).toEqual([
        {
          type: "tool_result",
          tool_use_id: "toolu_a_1",
          content: [{ type: "text", text: "broken" }],
          is_error: true,
        },
        {
          type: "tool_result",
          tool_use_id: "toolu_a_2",
          content: [{ type: "image", data: pixel, mimeType: "image/png" }],
          is_error: false,
        },
      ]);
      expect(backend.counts().parked).toEqual({ calls: 0, idle: 1 });
    },
  );

  test("large results arrive whole; larger ones than the program takes go to a fresh one", async () => {
    const { program, ask } = openHarness();
    const large = "x".repeat(400_000);
    const first = await ask(asking(["use:look t1"], { tools: [tool] }));
    await ask(after(asking(["use:look t1"], { tools: [tool] }), first, user(result("t1", large))));
    expect(JSON.stringify(program.upstream[1]?.messages.at(-1))).toContain(large);
    expect(program.started()).toBe(1);
    const again = asking(["use:look t2"], { tools: [tool] });
    const reply = await ask(again);
    await ask(after(again, reply, user(result("t2", `${large}x`))));
    expect(program.started()).toBe(3);
    expect(program.upstream).toHaveLength(4);
  });

  test("several rounds stay in one process, and what was forced once is not forced again", async () => {
    const { program, ask } = openHarness({
      fake: {
        model: (messages) =>
          messages.length < 5 ? { calls: [{ id: `t${messages.length}`, name: "look" }] } : { text: "end" },
      },
    });
    const forced = asking(["q"], { tools: [tool], toolChoice: { type: "tool", name: "look" } });
    const one = await ask(forced);
    const second = { ...after(forced, one, user(result("t1"))), toolChoice: null };
    const two = await ask(second);
    expect(two.finish).toBe("tool-calls");
    const three = await ask(after(second, two, user(result("t3"))));
    expect(textOf(three)).toBe("end");
    expect(program.started()).toBe(1);
    const bodies = program.upstream.map(({ settings }) => settings["CLAUDE_CODE_EXTRA_BODY"]);
    expect(bodies).toEqual(['{"tool_choice":{"type":"tool","name":"look"}}', "{}", "{}"]);
    expect(program.upstream.map(({ settings }) => settings["thinking"])).toEqual([0, null, null]);
  });

  const fitting = (): Message[] => [user(result("toolu_a_1"), result("toolu_a_2"))];
  test.each<[string, (base: typeof calling) => typeof calling, Message[]]>([
    ["another prompt", (base) => ({ ...base, system: [{ type: "text", text: "You are Y." }] }), fitting()],
    ["other tools", (base) => ({ ...base, tools: [{ ...tool, description: "Stares" }] }), fitting()],
    [
      "an edited history",
      (base) => ({ ...base, messages: [user("something else"), ...base.messages.slice(1)] }),
      fitting(),
    ],
    ["more text", (base) => base, [user(result("toolu_a_1"), result("toolu_a_2"), "and hurry")]],
    ["a result too few", (base) => base, [user(result("toolu_a_1"))]],
    [
      "a result too many",
      (base) => base,
      [user(result("toolu_a_1"), result("toolu_a_2"), result("toolu_a_3"))],
    ],
    [
      "a result that only a message can carry",
      (base) => base,
      [
        user(result("toolu_a_1"), {
          type: "tool-result",
          callId: "toolu_a_2",
          content: [{ type: "image", source: { kind: "url", url: "https://x.example/a" } }],
          isError: false,
        }),
      ],
    ],
    [
      "a turn more",
      (base) => base,
      [user(result("toolu_a_1"), result("toolu_a_2")), model("so"), user("and?")],
    ],
  ])(
    "%s: a fresh process is told everything, and the old one is stopped unasked",
    async (_, change, tail) => {
      const { backend, program, ask } = openHarness();
      const reply = await ask(calling);
      const [old] = program.lines.keys();
      await ask(change(after(calling, reply, ...tail)));
      expect(program.started()).toBe(2);
      expect(program.upstream.map(({ pid }) => pid)).toEqual([1, 2]);
      expect(
        program.lines.get(old ?? 0)?.filter((line) => JSON.stringify(line).includes('"isError"')),
      ).toEqual([]);
      await settleQueues();
      expect(program.alive()).toBe(1);
      expect(backend.counts().parked).toEqual({ calls: 0, idle: 1 });
    },
  );

  test("wrong ids leave the process to the request with the right ones", async () => {
    const { program, ask } = openHarness();
    const reply = await ask(calling);
    await ask(after(calling, reply, user(result("other_1"), result("other_2"))));
    expect(program.started()).toBe(2);
    await ask(after(calling, reply, user(result("toolu_a_1"), result("toolu_a_2"))));
    expect(program.started()).toBe(2);
  });

  test("another tenant or another model never gets it", async () => {
    const { program, ask } = openHarness();
    const reply = await ask(calling, callOf({ tenant: "a" }));
    const second = after(calling, reply, ...fitting());
    await ask(second, callOf({ tenant: "b" }));
    await ask(second, callOf({ tenant: "a", model: "haiku" }));
    expect(program.started()).toBe(3);
  });

  test("two requests for the same calls: one continues, the other starts anew", async () => {
    const { program, ask } = openHarness();
    const reply = await ask(calling);
    const second = after(calling, reply, ...fitting());
    const texts = await Promise.all([ask(second), ask(second)]);
    expect(texts.map(textOf)).toEqual(["got 2 results", "got 2 results"]);
    expect(program.upstream.map(({ pid }) => pid).toSorted()).toEqual([1, 1, 2]);
  });

  test("a process that continued by itself, or ended, is given up immediately", async () => {
    const clock = fakeClock();
    const { backend, program, ask } = openHarness({ clock });
    const reply = await ask(calling);
    program.kill();
    await settleQueues();
    expect(backend.counts().parked.calls).toBe(0);
    expect(textOf(await ask(after(calling, reply, ...fitting())))).toBe("got 2 results");
    // A name that the program does not know as ours: it answers the call itself and asks again.
    const strange = openHarness({
      fake: {
        model: (messages) =>
          messages.length === 1
            ? { calls: [{ id: "t1", name: "mcp__client__look" }] }
            : { text: "by myself" },
      },
    });
    expect((await strange.ask(calling)).finish).toBe("tool-calls");
    for (let round = 0; round < 5; round++) await settleQueues();
    expect(strange.backend.counts().parked.calls).toBe(0);
    expect(strange.program.alive()).toBe(0);
    await backend.stop();
    expect(clock.waiting()).toBe(0);
  });
});

describe("conversations", () => {
  const first = asking(["q"], { tools: [tool] });

  test("continue in the same process, turn after turn", async () => {
    const { backend, program, ask } = openHarness();
    let request = first;
    for (let turn = 0; turn < 4; turn++) {
      const reply = await ask(request);
      // Clients trim and join the model's words, and drop its thinking.
      const said: Message = model({ type: "thinking", text: "x", signature: null }, ` ${textOf(reply)}\n`);
      request = { ...request, messages: [...request.messages, said, user(`/next ${turn}`)] };
    }
    expect(program.started()).toBe(1);
    expect(program.upstream.at(-1)?.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
    ]);
    expect(program.upstream.at(-1)?.messages.at(-1)?.content).toEqual([{ type: "text", text: "\n/next 2" }]);
    expect(backend.counts().parked).toEqual({ calls: 0, idle: 1 });
  });

  test("one whose jail was opened meanwhile is stopped, and a fresh one gets the whole conversation", async () => {
    const program = fakeProgram({ model: echo });
    let isIntact = true;
    const { ask, backend } = openHarness({
      startChild: async () => ({ ...(await program.start()), isIntact: async () => isIntact }),
    });
    const first = asking(["one"]);
    const second = after(first, await ask(first), user("two"));
    const third = after(second, await ask(second), user("three"));
    expect(program.started()).toBe(1);
    isIntact = false;
    expect(textOf(await ask(third))).toBe("said three");
    expect(program.started()).toBe(2);
    await backend.stop();
    expect(program.alive()).toBe(0);
  });

  test("the cost of each turn is its own", async () => {
    const { events } = openHarness();
    const costOf = async (request: typeof first): Promise<number> => {
      const last = (await events(request)).at(-1);
      return last?.type === "finish" ? (last.costUsd ?? 0) : 0;
    };
    expect(await costOf(first)).toBeCloseTo(0.01);
    expect(
      await costOf(
        after(
          first,
          {
            id: "",
            model: "",
            content: [{ type: "text", text: "said q" }],
            finish: "stop",
            stopSequence: null,
            usage: {
              input: null,
              inputUncached: null,
              inputCached: null,
              inputCacheWrite: null,
              output: null,
              outputReasoning: null,
            },
          },
          user("r"),
        ),
      ),
    ).toBeCloseTo(0.01);
  });

  test("an edited answer, a repeated question and other thinking start anew", async () => {
    const { program, ask } = openHarness();
    const reply = await ask(first);
    await ask({ ...first, messages: [...first.messages, model("other words"), user("r")] });
    expect(program.started()).toBe(2);
    await ask({ ...after(first, reply, user("r")), thinking: { mode: "off" } });
    expect(program.started()).toBe(3);
    await ask(first);
    expect(program.started()).toBe(4);
  });

  test("answers with a schema are not parked", async () => {
    const { backend, program, failure } = openHarness();
    await failure(asking(["q"], { format: { type: "json-schema", name: "n", schema: {}, strict: null } }));
    await settleQueues();
    expect(backend.counts().parked).toEqual({ calls: 0, idle: 0 });
    expect(program.alive()).toBe(0);
  });

  test("a process that is lost before it is asked is replaced", async () => {
    const { backend, program, ask } = openHarness();
    const reply = await ask(first);
    program.kill();
    expect(textOf(await ask(after(first, reply, user("r"))))).toBe("said r");
    expect(backend.counts().parked.idle).toBe(1);
  });
});

describe("limits", () => {
  test("those that wait for tools wait longer than those that only may be asked again", async () => {
    const clock = fakeClock();
    const { backend, program, ask } = openHarness({ clock });
    const reply = await ask(calling);
    await ask(asking(["plain"]));
    expect(backend.counts().parked).toEqual({ calls: 1, idle: 1 });
    await clock.advance(60_000);
    expect(backend.counts().parked).toEqual({ calls: 1, idle: 0 });
    await clock.advance(119_000);
    expect(program.alive()).toBe(1);
    await clock.advance(2_000);
    expect(program.alive()).toBe(0);
    await ask(after(calling, reply, user(result("toolu_a_1"), result("toolu_a_2"))));
    expect(program.started()).toBe(3);
    await backend.stop();
    expect(clock.waiting()).toBe(0);
  });

  test("the places of a tenant and of all are counted; idle ones make room, the oldest first", async () => {
    const { backend, program, ask } = openHarness({
      parked: { max: 3, maxPerTenant: 2, callsTtlMs: 180_000, idleTtlMs: 60_000 },
    });
    const a = callOf({ tenant: "a" });
    await ask(asking(["one"]), a);
    await ask(asking(["use:look t1"], { tools: [tool] }), a);
    await ask(asking(["use:look t2"], { tools: [tool] }), a);
    await settleQueues();
    expect(backend.counts().parked).toEqual({ calls: 2, idle: 0 });
    await ask(asking(["two"]), a);
    await settleQueues();
    expect(backend.counts().parked).toEqual({ calls: 2, idle: 0 });
    await ask(asking(["use:look t3"], { tools: [tool] }), a);
    await ask(asking(["three"]), callOf({ tenant: "b" }));
    await ask(asking(["four"]), callOf({ tenant: "c" }));
    await settleQueues();
    expect(backend.counts().parked).toEqual({ calls: 2, idle: 1 });
    expect(program.alive()).toBe(3);
  });

  test("no places: nothing is kept", async () => {
    const { backend, program, ask } = openHarness({
      parked: { max: 0, maxPerTenant: 0, callsTtlMs: 180_000, idleTtlMs: 60_000 },
    });
    const reply = await ask(calling);
    await settleQueues();
    expect(program.alive()).toBe(0);
    expect(textOf(await ask(after(calling, reply, user(result("toolu_a_1"), result("toolu_a_2")))))).toBe(
      "got 2 results",
    );
    await settleQueues();
    expect(backend.counts().parked).toEqual({ calls: 0, idle: 0 });
    expect(program.upstream).toHaveLength(2);
  });

  test("a request that continues is known before it takes a slot", async () => {
    const { backend, ask } = openHarness();
    const second = async () =>
      after(calling, await ask(calling), user(result("toolu_a_1"), result("toolu_a_2")));
    const request = await second();
    expect(await backend.continues(request, callOf())).toBe(true);
    expect(await backend.continues(request, callOf({ tenant: "b" }))).toBe(false);
    expect(await backend.continues(calling, callOf())).toBe(false);
    await ask(request);
    expect(await backend.continues(request, callOf())).toBe(false);
  });
});
