import { describe, expect, test } from "bun:test";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import {
  type DecodeOptions,
  type TurnEnd,
  turnDecoder,
} from "../../../src/dialects/claude-code/decode-turn.ts";
import type { ProtocolLine } from "../../../src/dialects/claude-code/protocol-lines.ts";
import { toolNames } from "../../../src/dialects/claude-code/client-tool-names.ts";
import {
  errorLines,
  rateLimited,
  renamed,
  textTurn,
  thinkingBlock,
  toolMessage,
  toolResult,
} from "./recordings.ts";

const nowMs = 1_795_231_000_000;
const plain: DecodeOptions = {
  names: toolNames([], []),
  showsThinking: true,
  runsTools: false,
  wantsJson: false,
  costBefore: 0,
  nowMs: () => nowMs,
};

type Run = { readonly events: StreamEvent[]; readonly end: TurnEnd | null };

function run(lines: readonly ProtocolLine[], options: Partial<DecodeOptions> = {}): Run {
  const decoder = turnDecoder({ ...plain, ...options });
  const events: StreamEvent[] = [];
  for (const line of lines) {
    const taken = decoder.take(line);
    events.push(...taken.events);
    if (taken.end !== null) return { events, end: taken.end };
  }
  return { events, end: null };
}
const reply = ({ events, end }: Run) => {
  if (end === null || end.kind === "failed") throw new Error(`no finish: ${JSON.stringify(end)}`);
  return foldReply([...events, end.finish]);
};
const failure = (lines: readonly ProtocolLine[], options: Partial<DecodeOptions> = {}) => {
  const { end } = run(lines, options);
  if (end?.kind !== "failed") throw new Error(`no failure: ${JSON.stringify(end)}`);
  return end.failure;
};
/** The recording with a thinking block before its text. */
const thinkingTurn = [
  ...textTurn.slice(0, 3),
  ...thinkingBlock,
  ...renamed(textTurn.slice(3), { '"index":0': '"index":1' }),
];
const result = textTurn.at(-1) ?? {};

describe("a plain answer", () => {
  test("text, usage and cost of this turn alone", () => {
    const done = run(textTurn, { costBefore: 0.008 });
    expect(reply(done)).toMatchObject({
      id: "msg_fake000133",
      model: "claude-opus-4-8",
      content: [{ type: "text", text: "ECHO: no tools" }],
      finish: "stop",
      usage: { input: 1684, output: 11 },
    });
    expect(done.end).toMatchObject({ kind: "finished", mustStop: false });
    expect(done.end?.kind === "finished" && done.end.finish.costUsd).toBeCloseTo(0.000695);
    expect(done.events.filter(({ type }) => type === "text-delta")).toHaveLength(3);
  });

  test("thinking with its signature, or none at all where it is not shown", () => {
    expect(reply(run(thinkingTurn)).content).toEqual([
      {
        type: "thinking",
        text: "Let it.",
        signature: "c2lnbmF0dXJlLWZha2U=",
        // Google's clients keep it under our mark: Google itself would refuse it.
        extras: { "google-genai": { signature: btoa("clawgate.signature.c2lnbmF0dXJlLWZha2U=") } },
      },
      { type: "text", text: "ECHO: no tools" },
    ]);
    const hidden = run(thinkingTurn, { showsThinking: false });
    expect(reply(hidden).content).toEqual([{ type: "text", text: "ECHO: no tools" }]);
    expect(hidden.events).toContainEqual({ type: "text-start", index: 0 });
  });

  test.each([
    ["text", textTurn],
    ["thinking", thinkingTurn],
  ] as const)("%s: cut at every line there is no end, and no word twice", (_, lines) => {
    const whole = run(lines).events;
    for (let cut = 0; cut < lines.length; cut++) {
      const { events, end } = run(lines.slice(0, cut));
      expect(end).toBeNull();
      expect(events).toEqual(whole.slice(0, events.length));
    }
  });

  test("unknown lines, types and members are ignored, and so are a subagent's words", () => {
    const strange: ProtocolLine[] = [
      { type: "brand_new", data: 1 },
      { type: "system", subtype: "brand_new" },
      { type: "stream_event", event: "nonsense", parent_tool_use_id: null },
      {
        type: "stream_event",
        parent_tool_use_id: "toolu_1",
        event: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "agent" } },
      },
      {
        type: "assistant",
        parent_tool_use_id: "toolu_1",
        message: { id: "msg_agent", model: "m", content: [{ type: "text", text: "agent" }] },
      },
      { type: "user", isReplay: true },
    ];
    const lines = textTurn.flatMap((line) => [...strange, line]);
    expect(reply(run(lines)).content).toEqual([{ type: "text", text: "ECHO: no tools" }]);
  });

  test("a message that was really empty is an answer, a turn without a message is none", () => {
    const empty = textTurn.filter(
      (line) => !JSON.stringify(line).includes("content_block") && line["type"] !== "assistant",
    );
    expect(reply(run(empty)).content).toEqual([]);
    expect(failure([result]).kind).toBe("bad-output");
  });

  test("the program's own text in the model's place is never shown", () => {
    const unknownCommand: ProtocolLine[] = [
      {
        type: "assistant",
        message: {
          id: "x",
          model: "<synthetic>",
          content: [{ type: "text", text: "Unknown command: /zzz" }],
        },
        parent_tool_use_id: null,
      },
      { ...result, num_turns: 0, result: "Unknown command: /zzz" },
    ];
    const { events, end } = run(unknownCommand);
    expect(events).toEqual([]);
    expect(end?.kind).toBe("failed");
  });
});

describe("how an answer ends", () => {
  test.each([
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "refused"],
  ] as const)("after %s the program would go on by itself, so the answer ends there", (reason, finish) => {
    const lines = renamed(textTurn, { '"end_turn"': `"${reason}"` });
    const at = lines.findIndex((line) => JSON.stringify(line).includes("message_delta"));
    const done = run(lines.slice(0, at + 1));
    expect(done.end).toMatchObject({ kind: "finished", mustStop: true, asksAgain: true });
    expect(reply(done)).toMatchObject({
      finish,
      content: [{ type: "text", text: "ECHO: no tools" }],
      usage: { output: 11 },
    });
  });

  test("a stop sequence is told", () => {
    const lines = renamed(textTurn, {
      '"end_turn","stop_sequence":null': '"stop_sequence","stop_sequence":"ZZ"',
    });
    expect(reply(run(lines))).toMatchObject({ finish: "stop-sequence", stopSequence: "ZZ" });
  });

  describe("a stream that breaks on 2.1.329: the message is closed without a reason, and asked for again", () => {
    const said = textTurn.slice(0, 6);
    const closed = [...textTurn.slice(8, 9), ...textTurn.slice(10, 11)];
    const retry = { type: "system", subtype: "api_retry", attempt: 1, error_status: null, error: "unknown" };
    const again = renamed(textTurn.slice(2), { msg_fake000133: "msg_fake000134" });

    test("what was shown is never said twice", () => {
      for (const lines of [
        [...said, ...closed, retry, ...again],
        [...said, ...closed, ...again],
      ]) {
        const done = run(lines);
        expect(done.end).toMatchObject({
          kind: "failed",
          failure: { kind: "upstream-error", maybeBilled: true },
        });
        expect(JSON.stringify(done.events).match(/ECHO/g)).toHaveLength(1);
      }
    });

    test("what the client has not seen is dropped, and the second message is the answer", () => {
      const done = run([...said, ...closed, retry, ...again], { runsTools: true });
      expect(reply(done).content).toEqual([{ type: "text", text: "ECHO: no tools" }]);
    });

    test("it is no whole answer when the program ends there, and it is when the program calls it one", () => {
      const decoder = turnDecoder(plain);
      for (const line of [...said, ...closed]) decoder.take(line);
      expect(decoder.complete()).toBeNull();
      expect(reply(run([...textTurn.slice(0, 9), ...textTurn.slice(10)])).finish).toBe("stop");
    });
  });

  test("a whole message after a broken stream adds only what was not shown", () => {
    const broken = textTurn.slice(0, 6);
    const again: ProtocolLine = {
      type: "assistant",
      message: {
        id: "msg_again",
        model: "m",
        content: [{ type: "text", text: "ECHO: no tools at all" }],
        usage: { input_tokens: 5, output_tokens: 7 },
      },
      parent_tool_use_id: null,
    };
    expect(reply(run([...broken, again, result])).content).toEqual([
      { type: "text", text: "ECHO: no tools at all" },
    ]);
    // It may also come under the message's own id: then only the result tells that the stream never ended.
    const same = renamed([again], { msg_again: "msg_fake000133" });
    expect(reply(run([...broken, ...same, result])).content).toEqual([
      { type: "text", text: "ECHO: no tools at all" },
    ]);
    const other = renamed([again], { "ECHO: no": "Something" });
    expect(failure([...broken, ...other, result])).toMatchObject({ kind: "bad-output", maybeBilled: true });
    expect(reply(run([again, result])).content).toEqual([{ type: "text", text: "ECHO: no tools at all" }]);
  });
});

test.each([
  [7_000, 429, 7_000],
  [571.7, 429, null],
  [7_000, 529, null],
])("a retry after %p ms of a %p ends the answer at once: %p", (retry_delay_ms, error_status, waitMs) => {
  const line = { type: "system", subtype: "api_retry", attempt: 1, retry_delay_ms, error_status };
  const { end } = turnDecoder(plain).take(line);
  if (waitMs === null) expect(end).toBeNull();
  else expect(end).toMatchObject({ kind: "failed", failure: { kind: "rate-limited", retryAfterMs: waitMs } });
});

describe("tools", () => {
  const clientTurn = renamed(toolMessage, { Bash: "get_weather" });
  const names = toolNames(["get_weather"], []);

  test("a client's call ends the answer at the message's end, before any result", () => {
    const done = run(clientTurn, { names });
    expect(done.end).toMatchObject({ kind: "tool-calls", ids: ["toolu_fake_18_0"] });
    expect(reply(done)).toMatchObject({
      finish: "tool-calls",
      content: [
        { type: "text", text: "Let me look." },
        { type: "tool-call", id: "toolu_fake_18_0", name: "get_weather", input: '{"command":"echo one"}' },
      ],
      usage: { input: 2825, output: 31 },
    });
    for (let cut = 0; cut < clientTurn.length; cut++)
      expect(run(clientTurn.slice(0, cut), { names }).end).toBeNull();
  });

  test("the program's prefix is taken off, the client's own names come back", () => {
    const prefixed = renamed(clientTurn, { get_weather: "mcp__client__get_weather" });
    expect(reply(run(prefixed, { names })).content[1]).toMatchObject({ name: "get_weather" });
    const odd = toolNames(["get.weather"], []);
    expect(reply(run(clientTurn, { names: odd })).content[1]).toMatchObject({ name: "get.weather" });
  });

  test("a round of the program's own is not shown: one message, usage of both, text of the last", () => {
    const turn = [...toolMessage, ...toolResult, ...textTurn.slice(2)];
    const done = run(turn, { runsTools: true });
    expect(reply(done)).toMatchObject({
      content: [{ type: "text", text: "ECHO: no tools" }],
      usage: { input: 2825 + 1684, output: 42 },
    });
    expect(done.events.filter(({ type }) => type === "start")).toHaveLength(1);
  });

  test("text that is long or waits too long is shown although a tool follows", () => {
    const long = "x".repeat(500);
    const turn = [...renamed(toolMessage, { "Let me look.": long }), ...toolResult, ...textTurn.slice(2)];
    const done = run(turn, { runsTools: true });
    expect(reply(done).content).toEqual([
      { type: "text", text: long },
      { type: "text", text: "\n\nECHO: no tools" },
    ]);
    const decoder = turnDecoder({ ...plain, runsTools: true });
    const events = toolMessage.slice(0, 3).flatMap((line) => decoder.take(line).events);
    expect(events.map(({ type }) => type)).toEqual(["start"]);
    expect(decoder.isHolding()).toBe(true);
    expect(decoder.release()).toEqual([
      { type: "text-start", index: 0 },
      { type: "text-delta", index: 0, text: "Let me look." },
    ]);
    expect(decoder.isHolding()).toBe(false);
  });

  test("a client's call beside one of the program's own is the only one shown", () => {
    const second = renamed(toolMessage.slice(4, 9), {
      '"index":1': '"index":2',
      toolu_fake_18_0: "toolu_fake_18_1",
      Bash: "get_weather",
    });
    const both = [...toolMessage.slice(0, 9), ...second, ...toolMessage.slice(9)];
    const done = run(both, { names, runsTools: true });
    expect(done.end).toMatchObject({ kind: "tool-calls", ids: ["toolu_fake_18_1"] });
    expect(reply(done).content.map((block) => block.type)).toEqual(["tool-call"]);
  });

  test("an answer with a schema is the result's JSON, never a call", () => {
    const call = renamed(toolMessage, { Bash: "StructuredOutput" });
    const last: ProtocolLine = { ...result, result: '{"n":7}', structured_output: { n: 7 } };
    const done = run([...call, ...toolResult, ...textTurn.slice(2, -1), last], { wantsJson: true });
    expect(reply(done)).toMatchObject({ content: [{ type: "text", text: '{"n":7}' }], finish: "stop" });
    expect(failure([...textTurn], { wantsJson: true }).kind).toBe("bad-output");
  });
});

describe("failures", () => {
  test("a limit tells when it ends, in the program's own fields", () => {
    expect(failure(rateLimited)).toMatchObject({
      kind: "rate-limited",
      status: 429,
      upstreamStatus: 429,
      retryAfterMs: 302_000,
      details: { status: "rejected", rateLimitType: "five_hour", resetsAt: 1795231302 },
    });
    expect(failure(rateLimited).message).not.toContain("3:21am");
    expect(failure(errorLines("rate_limit", { api_error_status: 429 })).retryAfterMs).toBeNull();
  });

  test.each([
    ["authentication_failed", { api_error_status: 401 }, "credentials-rejected"],
    ["authentication_failed", {}, "credentials-rejected"],
    ["invalid_request", { api_error_status: 400, terminal_reason: "prompt_too_long" }, "context-exceeded"],
    ["model_not_found", { api_error_status: 404 }, "model-missing"],
    ["server_error", { api_error_status: 529 }, "overloaded"],
    ["server_error", { api_error_status: 500 }, "upstream-error"],
    ["server_error", {}, "unreachable"],
    ["unknown", {}, "upstream-error"],
    ["billing_error", {}, "quota-exhausted"],
    ["invalid_request", { api_error_status: 400 }, "invalid-request"],
    ["invalid_request", { api_error_status: 413 }, "too-large"],
    ["invalid_request", { stop_reason: "refusal" }, "refused"],
  ] as const)("%s %o is %s", (error, members, kind) => {
    expect(failure(errorLines(error, members)).kind).toBe(kind);
  });

  test.each([
    ["error_max_turns", "bad-output"],
    ["error_during_execution", "upstream-error"],
    ["error_max_budget_usd", "quota-exhausted"],
    ["error_max_structured_output_retries", "bad-output"],
  ] as const)("the result %s is %s", (subtype, kind) => {
    expect(failure([{ type: "result", subtype, is_error: true, errors: ["x"] }]).kind).toBe(kind);
  });

  test("after words were shown it may be billed, and a lost connection is the upstream's error", () => {
    const lines = [
      ...textTurn.slice(0, 5),
      ...errorLines("server_error", {}, "Connection to the API was lost (ECONNRESET)"),
    ];
    expect(failure(lines)).toMatchObject({ kind: "upstream-error", maybeBilled: true });
  });

  test.each([
    "API Error: 529 check your inference gateway (llm.internal.example)",
    "API Error: 400 cannot reach http://10.0.0.1:8080/v1",
    "API Error: 400 /home/user/secret is missing",
    "API Error: 400 localhost says no",
  ])("no host or path gets out: %s", (text) => {
    const { message } = failure(errorLines("invalid_request", { api_error_status: 400 }, text));
    expect(message).toBe("The API refused the request (400).");
  });

  test("what the API says about the request is the client's to know", () => {
    const text =
      'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"messages.3.content.1: image exceeds 5 MB maximum"}}';
    expect(failure(errorLines("invalid_request", { api_error_status: 400 }, text)).message).toBe(
      "messages.3.content.1: image exceeds 5 MB maximum",
    );
  });
});

test("each limit that the program tells of is handed on, whether or not it refuses", () => {
  const told: ProtocolLine[] = [];
  const event = (status: string): ProtocolLine => ({
    type: "rate_limit_event",
    rate_limit_info: { status, rateLimitType: "five_hour", resetsAt: 1_795_231_302 },
  });
  run([event("allowed"), event("rejected")], { onLimit: (info) => void told.push(info) });
  expect(told.map((info) => info["status"])).toEqual(["allowed", "rejected"]);
});
