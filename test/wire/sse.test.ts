// The event stream format (WHATWG HTML 9.2), however its bytes are cut.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createParser } from "eventsource-parser";
import {
  encodeFrame,
  FrameTooLarge,
  lastFrameEnd,
  readFrame,
  readFrames,
  splitFrames,
  type SseFrame,
  sseDecoder,
} from "../../src/wire/sse.ts";

const plain = (data: string): SseFrame => ({ event: null, data });

const table: readonly (readonly [what: string, text: string, frames: readonly SseFrame[]])[] = [
  ["one frame", "data: a\n\n", [plain("a")]],
  ["no space after the colon", "data:a\n\n", [plain("a")]],
  ["only the first space is taken", "data:  a \n\n", [plain(" a ")]],
  ["several data lines", "data: a\ndata: b\ndata:\n\n", [plain("a\nb\n")]],
  ["an empty data line is an event", "data\n\n", [plain("")]],
  ["a named event", "event: ping\ndata: {}\n\n", [{ event: "ping", data: "{}" }]],
  [
    "the name does not outlive its event",
    "event: x\ndata: 1\n\ndata: 2\n\n",
    [{ event: "x", data: "1" }, plain("2")],
  ],
  ["an event without data is none", "event: x\n\ndata: 2\n\n", [plain("2")]],
  ["comments, ids and retries are skipped", ": hi\nid: 7\nretry: 10\ndata: a\n:\n\n: bye\n\n", [plain("a")]],
  ["unknown fields are skipped", "dat: a\nDATA: b\n data: c\ndata: d\n\n", [plain("d")]],
  ["CRLF", "data: a\r\nevent: x\r\n\r\ndata: b\r\n\r\n", [{ event: "x", data: "a" }, plain("b")]],
  ["CR", "data: a\r\rdata: b\r\r", [plain("a"), plain("b")]],
  ["mixed line ends", "data: a\n\r\ndata: b\r\n\ndata: c\r\rdata: d\n\n", ["a", "b", "c", "d"].map(plain)],
  ["a BOM at the front", "\ufeffdata: a\n\n", [plain("a")]],
  ["a BOM elsewhere is data", "data: \ufeffa\n\n", [plain("\ufeffa")]],
  ["blank lines in front", "\n\n\ndata: a\n\n\n\n", [plain("a")]],
  ["characters of 2, 3 and 4 bytes", "data: é✓🦞\n\n", [plain("é✓🦞")]],
  ["colons in the data", 'data: {"a":"b:c"}\n\n', [plain('{"a":"b:c"}')]],
  ["a last frame without its blank line", "data: a\n\ndata: b", [plain("a"), plain("b")]],
  ["nothing", "", []],
];

function decodeIn(pieces: readonly Uint8Array[]): SseFrame[] {
  const decoder = sseDecoder();
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()];
}

describe("decoding", () => {
  test.each([...table])("%s", (_, text, frames) => {
    expect(readFrames(text)).toEqual([...frames]);
  });

  test.each([...table])("%s, cut at every offset and byte by byte", (_, text, frames) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at <= bytes.length; at++)
      expect(decodeIn([bytes.subarray(0, at), bytes.subarray(at)])).toEqual([...frames]);
    expect(decodeIn([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual([...frames]);
  });

  test("agrees with eventsource-parser on any text of frames and noise", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "data: x",
        "data:",
        "data",
        "event: e",
        ": c",
        "id: 1",
        "retry: 5",
        "junk",
        "data: é🦞",
        "",
      ),
      fc.string({ maxLength: 8 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, "")}`),
    );
    const end = fc.constantFrom("\n", "\r\n");
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end), { maxLength: 30 }), fc.nat(), (lines, seed) => {
        const text = `${lines.map(([each, stop]) => each + stop).join("")}\n\n`;
        const expected: SseFrame[] = [];
        const parser = createParser({
          onEvent: ({ event, data }) => void expected.push({ event: event ?? null, data }),
        });
        parser.feed(text);
        const bytes = Buffer.from(text);
        const at = seed % (bytes.length + 1);
        const named = (frame: SseFrame): SseFrame => ({
          ...frame,
          event: frame.event === "" ? null : frame.event,
        });
        expect(decodeIn([bytes.subarray(0, at), bytes.subarray(at)]).map(named)).toEqual(expected.map(named));
      }),
      { numRuns: 500 },
    );
  });
});

describe("bounds", () => {
  const megabyte = Buffer.alloc(1_048_576, 0x61);

  test("one endless line is refused, and looking at it takes no square of its length", () => {
    const decoder = sseDecoder();
    decoder.push(Buffer.from("data: "));
    expect(() => {
      for (let i = 0; i < 20; i++) decoder.push(megabyte);
    }).toThrow(FrameTooLarge);
    const slow = sseDecoder();
    const small = Buffer.alloc(1_024, 0x61);
    for (let i = 0; i < 15_000; i++) slow.push(small);
    expect(slow.push(Buffer.from("\n\n"))).toEqual([]);
  });

  test("many lines of one frame are refused, empty ones too", () => {
    const long = sseDecoder(1_000);
    expect(() => long.push(Buffer.from(`data: ${"x".repeat(90)}\n`.repeat(12)))).toThrow(FrameTooLarge);
    const empty = sseDecoder(1_000);
    expect(() => empty.push(Buffer.from("data\n".repeat(1_001)))).toThrow(FrameTooLarge);
  });

  test("comments without end are refused, between frames they are not", () => {
    const idle = sseDecoder(100);
    expect(() => {
      for (let i = 0; i < 20; i++) idle.push(Buffer.from(": wait\n\n"));
    }).toThrow(FrameTooLarge);
    const alive = sseDecoder(100);
    for (let i = 0; i < 100; i++)
      expect(alive.push(Buffer.from(": wait\n\ndata: a\n\n: wait\n\n"))).toEqual([plain("a")]);
  });

  test("a frame over the limit is refused in one piece as well", () => {
    expect(() => sseDecoder(100).push(Buffer.from(`data: ${"x".repeat(101)}\n\n`))).toThrow(FrameTooLarge);
  });

  test("many small frames are no large one", () => {
    const decoder = sseDecoder(100);
    expect(decoder.push(Buffer.from("data: 0123456789\n\n".repeat(1_000)))).toHaveLength(1_000);
  });
});

describe("cutting without decoding", () => {
  test.each([
    ["data: a\n\ndata: b", 9],
    ["data: a\r\n\r\ndata: b\r\n", 11],
    ["data: a\r\rdata: b", 9],
    ["data: a\n\r\ndata: b", 10],
    ["data: a\n", 0],
    ["data: a\r\n\r", 0],
    ["", 0],
    ["data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d", 29],
  ])("%j ends its last whole frame at %p", (text, end) => {
    expect(lastFrameEnd(Buffer.from(text))).toBe(end);
  });

  test("slices are the frames and together the whole", () => {
    for (const [, text, frames] of table) {
      const bytes = Buffer.from(text);
      const slices = splitFrames(bytes);
      expect(Buffer.concat(slices)).toEqual(bytes);
      expect(slices.flatMap((slice, at) => (at === 0 ? readFrames(slice) : readFrames(slice)))).toEqual([
        ...frames,
      ]);
      for (const slice of slices) expect(readFrames(slice).length).toBeLessThanOrEqual(1);
    }
  });

  test("what stands before the last frame end decodes to whole frames, wherever the bytes stop", () => {
    for (const [, text] of table) {
      const bytes = Buffer.from(text);
      for (let at = 0; at <= bytes.length; at++) {
        const end = lastFrameEnd(bytes.subarray(0, at));
        const decoder = sseDecoder();
        const before = decoder.push(bytes.subarray(0, end));
        expect([...before, ...decoder.end()]).toEqual(readFrames(bytes.subarray(0, end)));
      }
    }
  });
});

test("an encoded frame is read as it was written", () => {
  expect(readFrames(encodeFrame('{"a":1}') + encodeFrame("[DONE]", "done"))).toEqual([
    plain('{"a":1}'),
    { event: "done", data: "[DONE]" },
  ]);
});

test("one slice is read as the decoder reads it", () => {
  const slices = [
    "data: {}\n\n",
    "data:{}\n\n",
    "event: ping\ndata: {}\n\n",
    "event: ping\ndata: a\ndata: b\n\n",
    "event:ping\ndata: {}\n\n",
    ": comment\n\n",
    "event: ping\n\n",
    "data: a\r\n\r\n",
    "id: 1\nevent: x\ndata: y\n\n",
    "data: a\nevent: late\n\n",
    "data: \n\n",
  ];
  for (const slice of slices) expect(readFrame(Buffer.from(slice))).toEqual(readFrames(slice)[0] ?? null);
});
