// Stop sequences that a translation looks for itself: the text ends before the first one, however the vendor cut its deltas.

import { describe, expect, test } from "bun:test";
import type { StreamEvent } from "../../src/canon/event.ts";
import { unknownUsage } from "../../src/canon/usage.ts";
import { stopCutter, untilStop } from "../../src/pipeline/plans/stop-sequences.ts";

const usage = { ...unknownUsage, input: 7 };
const start: StreamEvent = { type: "start", id: "a", model: "m", usage };
const finish: StreamEvent = { type: "finish", reason: "stop", usage: unknownUsage };
const textOf = (...deltas: readonly string[]): StreamEvent[] => [
  { type: "text-start", index: 0 },
  ...deltas.map((text): StreamEvent => ({ type: "text-delta", index: 0, text })),
  { type: "text-end", index: 0 },
];
const said = (events: readonly StreamEvent[]): string =>
  events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");

/** Event by event, each a batch of its own. */
function run(stops: readonly string[], events: readonly StreamEvent[]): StreamEvent[] {
  const cutter = stopCutter(stops);
  const out: StreamEvent[] = [];
  for (const event of events) {
    if (cutter.isCut) break;
    out.push(...cutter.step([event]));
  }
  return out;
}

describe("cutting", () => {
  const text = "one two END three";
  test.each(Array.from({ length: text.length + 1 }, (_, at) => at))("a delta that ends at %d", (at) => {
    const out = run(["END"], [start, ...textOf(text.slice(0, at), text.slice(at)), finish]);
    expect(said(out)).toBe("one two ");
    expect(out.slice(-2)).toEqual([
      { type: "text-end", index: 0 },
      { type: "finish", reason: "stop-sequence", stopSequence: "END", usage: { ...unknownUsage, input: 7 } },
    ]);
  });

  test("letter by letter", () => {
    const out = run(["END"], [start, ...textOf(...text), finish]);
    expect(said(out)).toBe("one two ");
  });

  test.each([
    ["the first to be complete wins", ["bcd", "c"], "abcd", "ab", "c"],
    ["of two that end together the longer", ["c", "bc"], "abcd", "a", "bc"],
    ["one that begins twice", ["aab"], "aaab!", "a", "aab"],
    ["at the very beginning", ["\n"], "\nword", "", "\n"],
    ["letters outside of ASCII", ["終わり"], "これで終わり。", "これで", "終わり"],
  ] as const)("%s", (_what, stops, whole, left, stop) => {
    for (const deltas of [[whole], [...whole]]) {
      const out = run(stops, [start, ...textOf(...deltas), finish]);
      expect(said(out)).toBe(left);
      expect(out.at(-1)).toMatchObject({ reason: "stop-sequence", stopSequence: stop });
    }
  });

  test("without a stop sequence every letter comes, the beginning of one at the end included", () => {
    for (const whole of ["nothing", "nothing EN", "E EN E"]) {
      const events = [start, ...textOf(...whole), finish];
      const out = run(["END"], events);
      expect(said(out)).toBe(whole);
      expect(out.at(-1)).toEqual(finish);
    }
  });

  test("no more is held back than may be the beginning of one", () => {
    const cutter = stopCutter(["END"]);
    const show = (delta: string): string =>
      said(cutter.step([{ type: "text-delta", index: 0, text: delta }]));
    expect(["go E", "N", "X E", "E", "ND"].map(show)).toEqual(["go ", "", "ENX ", "E", ""]);
    expect(cutter.isCut).toBe(true);
  });

  test("thoughts and calls are not looked at, and blocks are not joined", () => {
    const events: StreamEvent[] = [
      start,
      { type: "thinking-start", index: 0 },
      { type: "thinking-delta", index: 0, text: "the END" },
      { type: "thinking-end", index: 0, signature: null },
      { type: "text-start", index: 1 },
      { type: "text-delta", index: 1, text: "E" },
      { type: "text-end", index: 1 },
      { type: "text-start", index: 2 },
      { type: "text-delta", index: 2, text: "ND" },
      { type: "text-end", index: 2 },
      { type: "tool-start", index: 3, id: "c", name: "n" },
      { type: "tool-delta", index: 3, input: '{"a":"END"}' },
      { type: "tool-end", index: 3 },
      finish,
    ];
    expect(run(["END"], events)).toEqual(events);
  });
});

describe("the stream", () => {
  /** Endless, and told when it is let go. */
  function endless(seen: { isClosed: boolean }): AsyncGenerator<readonly StreamEvent[], void, void> {
    return (async function* () {
      try {
        yield [start, { type: "text-start", index: 0 }];
        for (;;) yield [{ type: "text-delta", index: 0, text: "word END " }];
      } finally {
        seen.isClosed = true;
      }
    })();
  }

  test("the upstream is cut off with the stop sequence, before the last words are taken", async () => {
    const seen = { isClosed: false };
    let cutOffs = 0;
    const stream = untilStop(endless(seen), ["END"], () => (cutOffs += 1));
    expect((await stream.next()).done).toBe(false);
    const last = await stream.next();
    expect(cutOffs).toBe(1);
    expect(last.value?.at(-1)).toMatchObject({ type: "finish", reason: "stop-sequence" });
    expect((await stream.next()).done).toBe(true);
    expect(seen.isClosed).toBe(true);
  });

  test("who leaves early leaves nothing running", async () => {
    const seen = { isClosed: false };
    const stream = untilStop(endless(seen), ["never said"], () => undefined);
    await stream.next();
    await stream.return();
    expect(seen.isClosed).toBe(true);
  });
});
