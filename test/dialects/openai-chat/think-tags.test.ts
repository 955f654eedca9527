// Thinking between tags: however the stream is cut, the same thinking and the same text; tags inside the answer are left alone.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { thinkTags } from "../../../src/dialects/openai-chat/think-tags.ts";

function read(pieces: readonly string[]): { thinking: string; text: string } {
  const tags = thinkTags();
  const heard = { thinking: "", text: "" };
  for (const { kind, text } of [...pieces.flatMap((each) => tags.take(each)), ...tags.end()])
    heard[kind] += text;
  return heard;
}

/** The text cut at random places. */
const cut = (text: string): fc.Arbitrary<string[]> =>
  fc.array(fc.nat({ max: text.length }), { maxLength: 8 }).map((places) => {
    const at = [0, ...places, text.length].toSorted((left, right) => left - right);
    return at.slice(1).map((end, i) => text.slice(at[i], end));
  });

describe("tags", () => {
  test.each([
    ["<think>\nhm\n</think>\n\nyes", "hm", "yes"],
    ["  \n<think>a < b</think>yes", "a < b", "yes"],
    ["<think></think>yes", "", "yes"],
    ["<think>cut", "cut", ""],
    ["<think>cut </thi", "cut </thi", ""],
    ["<thin", "", "<thin"],
    ["<thing>x</thing>", "", "<thing>x</thing>"],
    ["say <think>x</think>", "", "say <think>x</think>"],
    ["<think>a</think>b<think>c</think>", "a", "b<think>c</think>"],
    ["", "", ""],
    ["   ", "", "   "],
  ])("%j", (all, thinking, text) => {
    expect(read([all])).toEqual({ thinking, text });
    expect(read([...all])).toEqual({ thinking, text });
  });

  test("pieces change nothing", () => {
    const words = fc.array(fc.constantFrom("<think>", "</think>", "<", "/", "think", ">", " ", "\n", "a"), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        words.chain((each) => fc.tuple(fc.constant(each.join("")), cut(each.join("")))),
        ([all, pieces]) => expect(read(pieces)).toEqual(read([all])),
      ),
    );
  });
});
