// Properties that hold for every answer: declared loss, cuts, one closing event.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { foldReply } from "../../../src/canon/reply.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { lose } from "./loss.ts";
import { chunk, decodeBytes, decodeText, encodeText, facts, plain, sse, validEvents } from "./recorded.ts";

const recording = sse(
  chunk([{ text: "Hm, ", thought: true }]),
  chunk([{ text: "ünïcode 🦞", thought: true }]),
  chunk([{ text: "Héllo " }, { text: "wörld\n" }]),
  chunk([{ functionCall: { name: "read", args: { path: "a.txt" } }, thoughtSignature: "c2ln" }]),
  chunk([{ functionCall: { id: "given", name: "ls" } }]),
  chunk([{ executableCode: { language: "PYTHON", code: "1+1" } }]),
  chunk([{ text: "", thoughtSignature: "bGFzdA==" }], "STOP", {
    usageMetadata: {
      promptTokenCount: 10,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 2,
      totalTokenCount: 17,
    },
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

  test("the loss is lost once", () => {
    const finished = validEvents.filter((events) => events.at(-1)?.type === "finish");
    fc.assert(
      fc.property(finished, (events) => {
        const once = lose(events);
        expect(lose(once)).toEqual(once);
      }),
    );
  });

  test("a whole reply that is written is read back", () => {
    const finished = validEvents.filter((events) => events.at(-1)?.type === "finish");
    fc.assert(
      fc.property(finished, (events) => {
        const sent = foldReply(lose(events));
        const body: unknown = JSON.parse(JSON.stringify(googleGenai.client.encodeReply(sent, facts)));
        expect(foldReply(googleGenai.backend.decodeReply(body))).toEqual(sent);
      }),
    );
  });

  test("cut at every offset, the bytes mean the same", () => {
    const bytes = Buffer.from(recording);
    const whole = plain(decodeText(recording));
    for (let at = 1; at < bytes.length; at++)
      expect(plain(decodeBytes([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(whole);
  });

  test("ended at every offset, there is exactly one closing event, and it is no finish before the reason came", () => {
    const bytes = Buffer.from(recording);
    const reasonAt = recording.indexOf('"finishReason"');
    for (let at = 0; at < reasonAt; at += 7) {
      const closings = decodeBytes([bytes.subarray(0, at)]).filter(
        ({ type }) => type === "finish" || type === "failure",
      );
      expect(closings.map(({ type }) => type)).toEqual(["failure"]);
    }
  });

  test("anything at all in a frame is an event or a failure, never an exception", () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { maxLength: 3 }), (bodies) => {
        const closings = decodeText(sse(...bodies)).filter(
          ({ type }) => type === "finish" || type === "failure",
        );
        expect(closings).toHaveLength(1);
      }),
    );
  });
});
