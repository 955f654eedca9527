// Newline-delimited JSON, however its bytes are cut.

import { expect, test } from "bun:test";
import { encodeLine, lineSplitter, LineTooLong, readObject } from "../../src/wire/ndjson.ts";

const table: readonly (readonly [what: string, text: string, lines: readonly string[]])[] = [
  ["one line", '{"a":1}\n', ['{"a":1}']],
  ["two lines", "1\n2\n", ["1", "2"]],
  ["a last line without its end", "1\n2", ["1", "2"]],
  ["CRLF", "1\r\n2\r\n", ["1", "2"]],
  ["blank lines are left out", "\n\n1\n \r\n2\n", ["1", "2"]],
  ["characters of 2, 3 and 4 bytes", '{"é":"✓🦞"}\n"🦞"\n', ['{"é":"✓🦞"}', '"🦞"']],
  ["a BOM at the front", "\ufeff1\n", ["1"]],
  ["line separators that are none here", '"\u2028\u2029\u0085"\n', ['"\u2028\u2029\u0085"']],
  ["nothing", "", []],
];

function splitIn(pieces: readonly Uint8Array[]): string[] {
  const splitter = lineSplitter();
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
}

test.each([...table])("%s, cut at every offset and byte by byte", (_, text, lines) => {
  const bytes = Buffer.from(text);
  for (let at = 0; at <= bytes.length; at++)
    expect(splitIn([bytes.subarray(0, at), bytes.subarray(at)])).toEqual([...lines]);
  expect(splitIn([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual([...lines]);
});

test("a broken byte spoils a character, not the line", () => {
  expect(splitIn([Uint8Array.of(0x22, 0xff, 0x22, 0x0a), Buffer.from("2\n")])).toEqual(['"\ufffd"', "2"]);
});

test("a line over the limit is refused before it is whole", () => {
  const splitter = lineSplitter(10);
  expect(splitter.push(Buffer.from("1234567890\n12345"))).toEqual(["1234567890"]);
  expect(() => splitter.push(Buffer.from("678901"))).toThrow(LineTooLong);
  expect(() => lineSplitter(3).push(Buffer.from("1234\n"))).toThrow(LineTooLong);
});

test("lines that came whole before an endless one in the same chunk are not lost with it", () => {
  const splitter = lineSplitter(5);
  expect(splitter.push(Buffer.from("1\n2\n1234567\n3\n"))).toEqual(["1", "2"]);
  expect(() => splitter.push(Buffer.from("4\n"))).toThrow(LineTooLong);
  expect(() => splitter.end()).toThrow(LineTooLong);
});

test("objects are read, everything else is null", () => {
  expect(readObject('{"a":[1]}')).toEqual({ a: [1] });
  for (const other of ["[1]", "1", "null", '"x"', "{", "", "Error: {}"]) expect(readObject(other)).toBeNull();
});

test("an object becomes one line whatever its texts hold", () => {
  const object = { text: "a\nb\r\n\u2028" };
  const line = encodeLine(object);
  expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(readObject(line)).toEqual(object);
});
