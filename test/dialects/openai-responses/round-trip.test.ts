// Properties that hold for every answer: declared loss, cuts, one closing event, an order that clients can follow.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { foldReply } from "../../../src/canon/reply.ts";
import { openaiResponses } from "../../../src/dialects/openai-responses/dialect.ts";
import { readFrames } from "../../../src/wire/sse.ts";
import { lose } from "./loss.ts";
import {
  added,
  completed,
  created,
  decodeBytes,
  decodeText,
  done,
  encodeText,
  facts,
  inputDelta,
  plain,
  sse,
  textDelta,
  validEvents,
} from "./recorded.ts";

const message = (text: string): object => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  phase: "commentary",
  content: [{ type: "output_text", text, annotations: [{ type: "url_citation", url: "https://a.example" }] }],
});
const recording = sse(
  created,
  added(0, { id: "rs_1", type: "reasoning", summary: [] }),
  {
    type: "response.reasoning_summary_text.delta",
    output_index: 0,
    summary_index: 0,
    delta: "Hm, ünïcode 🦞",
  },
  {
    type: "response.reasoning_summary_text.delta",
    output_index: 0,
    summary_index: 1,
    delta: "and more",
  },
  done(0, { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAA:B=" }),
  added(1, { id: "msg_1", type: "message", role: "assistant", content: [] }),
  textDelta(1, "Héllo "),
  textDelta(1, "wörld"),
  done(1, message("Héllo wörld")),
  added(2, { id: "fc_1", type: "function_call", call_id: "call_a", name: "read", arguments: "" }),
  inputDelta(2, '{"path":'),
  inputDelta(2, '"a.txt"}'),
  done(2, {
    id: "fc_1",
    type: "function_call",
    call_id: "call_a",
    name: "read",
    arguments: '{"path":"a.txt"}',
  }),
  added(3, { id: "ctc_1", type: "custom_tool_call", call_id: "call_b", name: "apply_patch", input: "" }),
  done(3, { id: "ctc_1", type: "custom_tool_call", call_id: "call_b", name: "apply_patch", input: "***\n" }),
  completed({
    usage: { input_tokens: 10, output_tokens: 5, output_tokens_details: { reasoning_tokens: 2 } },
  }),
);

describe("round trips", () => {
  test("what comes back is what the declared loss leaves", () => {
    fc.assert(
      fc.property(validEvents, (events) => {
        expect(plain(decodeText(encodeText(events)))).toEqual(plain(lose(events)));
      }),
      { numRuns: 600 },
    );
  });

  test("the loss is lost once: losing again changes nothing", () => {
    fc.assert(
      fc.property(
        validEvents.filter((events) => events.at(-1)?.type === "finish"),
        (events) => {
          const once = lose(events);
          expect(lose(once)).toEqual(once);
        },
      ),
    );
  });

  test("a whole reply read back is the same reply", () => {
    fc.assert(
      fc.property(
        validEvents.filter((events) => events.at(-1)?.type === "finish"),
        (events) => {
          const sent = foldReply(lose(events));
          const body: unknown = JSON.parse(JSON.stringify(openaiResponses.client.encodeReply(sent, facts)));
          expect(foldReply(openaiResponses.backend.decodeReply(body))).toEqual(sent);
        },
      ),
    );
  });

  test("events are numbered without a gap, and items are announced, closed and repeated at the end", () => {
    fc.assert(
      fc.property(
        validEvents.filter((events) => events.at(-1)?.type === "finish"),
        (events) => {
          const frames = readFrames(encodeText(events)).map(
            ({ data }) => JSON.parse(data) as Record<string, unknown>,
          );
          expect(frames.map((frame) => frame["sequence_number"])).toEqual(frames.map((_, at) => at));
          expect(frames.slice(0, 2).map((frame) => frame["type"])).toEqual([
            "response.created",
            "response.in_progress",
          ]);
          const of = (type: string) => frames.filter((frame) => frame["type"] === type);
          const opened = of("response.output_item.added").map((frame) => frame["output_index"]);
          expect(opened).toEqual(opened.map((_, at) => at));
          const items = of("response.output_item.done").map((frame) => frame["item"]);
          const last = frames.at(-1)?.["response"] as Record<string, unknown>;
          expect(last["output"]).toEqual(items);
          const ids = (list: readonly unknown[]): unknown[] =>
            list.map((item) => (item as Record<string, unknown>)["id"]);
          expect(ids(of("response.output_item.added").map((frame) => frame["item"]))).toEqual(ids(items));
        },
      ),
    );
  });

  test("decoding what was encoded from a recording gives the recording's events", () => {
    const events = decodeText(recording);
    expect(decodeText(encodeText(events))).toEqual(lose(events));
    expect(events.find((event) => event.type === "thinking-end")).toEqual({
      type: "thinking-end",
      index: 0,
      signature: null,
      extras: { "openai-responses": { id: "rs_1", encrypted_content: "gAAA:B=" } },
    });
  });

  test("bytes cut anywhere, in UTF-8 too, give the same events", () => {
    const whole = decodeText(recording);
    expect(whole.at(-1)).toMatchObject({
      type: "finish",
      reason: "tool-calls",
      usage: { input: 10, output: 5, outputReasoning: 2 },
    });
    const bytes = Buffer.from(recording);
    for (let cut = 1; cut < bytes.length; cut++)
      expect(decodeBytes([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  });

  test("a stream that stops after any frame has exactly one closing event, a failure", () => {
    const frames = recording.split("\n\n").slice(0, -1);
    for (let k = 0; k <= frames.length; k++) {
      const events = decodeText(`${frames.slice(0, k).join("\n\n")}\n\n`);
      const closings = events.filter((event) => event.type === "finish" || event.type === "failure");
      expect(closings).toHaveLength(1);
      expect(closings[0]?.type).toBe(k < frames.length ? "failure" : "finish");
    }
  });
});
