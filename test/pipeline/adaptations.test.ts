// The words of one try: each once, never many, and a header of whole words.

import { describe, expect, test } from "bun:test";
import { adaptedHeader, noteInto } from "../../src/pipeline/adaptations.ts";

describe("collecting", () => {
  test("a word that comes again is one word, in the order of the first time", () => {
    const adapted: string[] = [];
    const note = noteInto(adapted);
    for (const word of ["b", "a", "b"]) note(word);
    expect(adapted).toEqual(["b", "a"]);
  });

  test("no more than 32, whatever a client sends", () => {
    const adapted: string[] = [];
    const note = noteInto(adapted);
    for (let i = 0; i < 1_000; i++) note(`hosted-tools-dropped:${i}`);
    expect(adapted).toHaveLength(32);
  });
});

describe("the header", () => {
  test("is absent when nothing was adapted", () => expect(adaptedHeader([])).toBeNull());
  test("is a list", () => expect(adaptedHeader(["a", "b:1"])).toBe("a, b:1"));
  test("keeps whole words within 500 characters", () => {
    const words = Array.from({ length: 32 }, (_, i) => `hosted-tools-dropped:tool_${i}_${"x".repeat(20)}`);
    const header = adaptedHeader(words) ?? "";
    expect(header.length).toBeLessThanOrEqual(500);
    expect(words.slice(0, header.split(", ").length)).toEqual(header.split(", "));
    expect(header.length).toBeGreaterThan(440);
  });
});
