// The scan of a body against JSON.parse. Deliberately not checked, and left to whoever parses: what stands inside nested
// values but for strings and brackets (`[1 2]`, `{"a"}`), and the characters and escapes inside string values.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BrokenJson,
  placesOf,
  readString,
  scanObject,
  searchPlaces,
  spliceObject,
  watchedWords,
} from "../../src/wire/json.ts";

const deepest = 128;
const scan = (text: string) => scanObject(Buffer.from(text), deepest);

/** JSON text of an object with blanks and escapes in all the places where they may stand. */
const objectText = fc
  .tuple(
    fc.dictionary(fc.string({ unit: "grapheme", maxLength: 12 }), fc.jsonValue({ maxDepth: 4 }), {
      maxKeys: 8,
    }),
    fc.constantFrom("", " ", "\n", "\t\r\n "),
    fc.boolean(),
  )
  .map(([value, blank, isEscaped]) => {
    const json = (each: unknown): string => {
      const text = JSON.stringify(each, null, blank === "" ? 0 : 1);
      return isEscaped
        ? text.replaceAll(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
        : text;
    };
    const members = Object.entries(value).map(
      ([key, each]) => `${blank}${json(key)}${blank}:${blank}${json(each)}${blank}`,
    );
    return `${blank}{${members.join(",")}${members.length === 0 ? blank : ""}}${blank}`;
  });

/** Like the object of JSON.parse, but with every member and without a prototype. */
function membersOf(text: string): [string, unknown][] {
  const bytes = Buffer.from(text);
  return scanObject(bytes, deepest).members.map(({ key, start, end }) => [
    key,
    JSON.parse(bytes.toString("utf8", start, end)) as unknown,
  ]);
}

describe("scanning", () => {
  test("any object: the same keys, and slices that parse to the same values", () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const parsed: unknown = JSON.parse(text);
        const found = membersOf(text);
        expect(Object.fromEntries(found)).toEqual(parsed as Record<string, unknown>);
        for (const { kind, start } of scan(text).members) {
          const value = text.length === Buffer.byteLength(text) ? text[start] : undefined;
          if (value !== undefined)
            expect(kind).toBe(
              value === '"'
                ? "string"
                : value === "{"
                  ? "object"
                  : value === "["
                    ? "array"
                    : value === "n"
                      ? "null"
                      : value === "t" || value === "f"
                        ? "boolean"
                        : "number",
            );
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("names that are usual, nearly so, or written with escapes are read as they stand", () => {
    const names = [
      "model",
      "modex",
      "nodel",
      "mode",
      "models",
      "Model",
      "stream",
      "strean",
      "streams",
      "n",
      "m",
      "",
    ];
    for (const name of names)
      expect(membersOf(`{${JSON.stringify(name)}:1}`).map(([key]) => key)).toEqual([name]);
    expect(membersOf('{"\\u006dodel":1,"m\\u006fdel":2}').map(([key]) => key)).toEqual(["model", "model"]);
  });

  test("changed by chance: what it takes has the structure that JSON.parse sees", () => {
    let taken = 0;
    fc.assert(
      fc.property(
        objectText,
        fc.nat(),
        fc.constantFrom("", ",", ":", '"', "{", "}", "[", "]", "\\", "0", "-", "e", "x", " ", "\u0000"),
        (text, seed, put) => {
          const at = seed % (text.length + 1);
          const changed = text.slice(0, at) + put + text.slice(at + (seed % 2));
          const bytes = Buffer.from(changed);
          let members: readonly { start: number; end: number; key: string; kind: string }[];
          try {
            members = scanObject(bytes, deepest).members;
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(BrokenJson);
            return;
          }
          taken++;
          // Every member stands where it is said to stand: with harmless values in the places of the unchecked ones it is JSON.
          const skeleton = members.map(
            ({ key, start, end, kind }) =>
              `${JSON.stringify(key)}:${kind === "object" || kind === "array" || kind === "string" ? "0" : bytes.toString("utf8", start, end)}`,
          );
          expect(() => JSON.parse(`{${skeleton.join(",")}}`)).not.toThrow();
          let from = 0;
          let rest = "";
          for (const { start, end } of members) {
            rest += `${bytes.toString("utf8", from, start)}0`;
            from = end;
          }
          expect(() => JSON.parse(rest + bytes.toString("utf8", from))).not.toThrow();
        },
      ),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test.each([
    "",
    " ",
    "[]",
    "null",
    '"text"',
    "1",
    "{",
    "}",
    "{}}",
    "{} {}",
    '{"a":1,}',
    '{,"a":1}',
    '{"a"}',
    '{"a":}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{"a":1"b":2}',
    "{a:1}",
    "{'a':1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":-}',
    '{"a":1e}',
    '{"a":0x1}',
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":True}',
    '{"a":nul}',
    '{"a":truefalse}',
    '{"a":"b}',
    '{"a":"b\\"}',
    '{"a":[1}',
    '{"a":{"b":1]}',
    '{"a":[}]}',
    '{"a":1}//',
    '{"a":/**/1}',
    '{"\\x":1}',
    '{"a\nb":1}',
    "\ufeff{}",
    '{"a":1}\u0000',
    '\u00a0{"a":1}',
  ])("%j is broken, here as for JSON.parse", (text) => {
    expect(() => scan(text)).toThrow(BrokenJson);
    expect(text === "\ufeff{}" || isRefusedAsObject(text)).toBe(true);
  });

  test("keys of prototypes are names like others, and every one of two equal ones is told", () => {
    const found = scan('{"__proto__":{"polluted":1},"constructor":2,"a":1,"a":2,"\\u0061":3}').members.map(
      (each) => each.key,
    );
    expect(found).toEqual(["__proto__", "constructor", "a", "a", "a"]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  test("quotes behind any number of backslashes", () => {
    for (let slashes = 0; slashes < 60; slashes++) {
      const text = `{"a":"${"\\\\".repeat(slashes)}\\"${"x".repeat(slashes)}","b":1}`;
      expect(membersOf(text).map(([key]) => key)).toEqual(["a", "b"]);
      if (slashes % 2 === 1) expect(() => scan(`{"a":"${"\\".repeat(slashes)}"}`)).toThrow(BrokenJson);
    }
  });

  test("depth: 128 levels pass, 129 and a million do not", () => {
    const nested = (levels: number): string => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    expect(scan(nested(128)).members).toHaveLength(1);
    expect(() => scan(nested(129))).toThrow("nested deeper");
    expect(() => scan(`{"a":${"[".repeat(1_000_000)}`)).toThrow("nested deeper");
    expect(() => scan(`{"a":${'{"a":'.repeat(100_000)}`)).toThrow("nested deeper");
    expect(scan(`{"a":"${"[".repeat(10_000)}"}`).members).toHaveLength(1);
  });
});

function isRefusedAsObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value !== "object" || value === null || Array.isArray(value);
  } catch {
    return true;
  }
}

describe("watched words", () => {
  const words = ['"role"', '"tool"', '"ab"', '"a longer one"'].map((text) => Buffer.from(text));

  test("what the scan notes on its way is what a search through the bytes finds", () => {
    const piece = fc.constantFrom(
      "role",
      "tool",
      "ab",
      "a longer one",
      "rol",
      "roles",
      'a "role" in it',
      "\\",
    );
    const nested = fc.array(fc.dictionary(piece, fc.oneof(piece, fc.array(piece)), { maxKeys: 4 }));
    fc.assert(
      fc.property(nested, fc.boolean(), (value, isSpaced) => {
        const bytes = Buffer.from(JSON.stringify({ x: value }, null, isSpaced ? 1 : 0));
        const watched = scanObject(bytes, deepest, watchedWords(words));
        const unwatched = scanObject(bytes, deepest);
        for (const word of words) {
          expect(placesOf(watched, bytes, word)).toEqual(searchPlaces(bytes, word));
          expect(placesOf(unwatched, bytes, word)).toEqual(searchPlaces(bytes, word));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("the top level is the members' business", () => {
    const bytes = Buffer.from('{"role":"tool","x":[{"role":1}]}');
    const scanned = scanObject(bytes, deepest, watchedWords(words));
    expect(words.map((word) => placesOf(scanned, bytes, word))).toEqual([[27], [], [], []]);
  });
});

describe("splicing", () => {
  test("any object with edits parses to the same object with these members", () => {
    fc.assert(
      fc.property(
        objectText,
        fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
        (text, changes) => {
          const bytes = Buffer.from(text);
          const scanned = scanObject(bytes, deepest);
          const present = scanned.members.slice(0, 2).map((member) => [member.key, "changed"] as const);
          // As JSON knows them: it has no -0.
          const known = JSON.parse(JSON.stringify(changes)) as Record<string, unknown>;
          const wanted = new Map<string, unknown>([...Object.entries(known), ...present]);
          const edits = [...wanted].map(([key, value]) => ({ key, json: JSON.stringify(value) }));
          const result: unknown = JSON.parse(
            Buffer.from(spliceObject(bytes, scanned, edits)).toString("utf8"),
          );
          const expected = new Map([
            ...Object.entries(JSON.parse(text) as Record<string, unknown>),
            ...wanted,
          ]);
          expect(new Map(Object.entries(result as Record<string, unknown>))).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("what is not edited keeps its bytes, and no edit is no copy", () => {
    const bytes = Buffer.from('{ "a" : 1.50 ,"b":"\\u00e9" , "c":[ 1,2 ]}');
    const scanned = scanObject(bytes, deepest);
    expect(spliceObject(bytes, scanned, [])).toBe(bytes);
    const edited = spliceObject(bytes, scanned, [
      { key: "b", json: '"x"' },
      { key: "d", json: "true" },
    ]);
    expect(Buffer.from(edited).toString()).toBe('{"d":true, "a" : 1.50 ,"b":"x" , "c":[ 1,2 ]}');
    const empty = Buffer.from("{}");
    const filled = spliceObject(empty, scanObject(empty, deepest), [
      { key: "a", json: "1" },
      { key: "b", json: "2" },
    ]);
    expect(Buffer.from(filled).toString()).toBe('{"a":1,"b":2}');
  });
});

test("strings are read with their escapes or refused", () => {
  const read = (text: string): string => readString(Buffer.from(text), 0, Buffer.byteLength(text));
  expect(read('"a\\n\\u00e9🦞"')).toBe("a\né🦞");
  for (const broken of ['"\\x"', '"a\nb"', '"\\u12"', '"']) expect(() => read(broken)).toThrow(BrokenJson);
});
