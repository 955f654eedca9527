import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Json5Problem, readJson5, removeFromJson5, setInJson5 } from "../../src/openclaw/json5-text.ts";

const path = ["models", "providers", "clawgate"];
const value = { baseUrl: "http://127.0.0.1:8090/v1", models: [{ id: "auto" }] };

/** Whether every character of `original` stands in `edited`, in order. */
function isKept(original: string, edited: string): boolean {
  let at = 0;
  for (const character of edited) if (character === original[at]) at += 1;
  return at === original.length;
}

describe("each layout keeps its own", () => {
  test("lines, comments, trailing commas", () => {
    const before = `// top\n{\n\tgateway: { port: 0x4965, }, // port\n\t/* models */ models: {\n\t\tproviders: {\n\t\t\t'x': { a: +1, },\n\t\t},\n\t},\n}\n`;
    const after = setInJson5(before, path, "K");
    expect(after).toBe(before.replace("\t\t},\n\t},\n}", '\t\t\t"clawgate": "K",\n\t\t},\n\t},\n}'));
  });

  test("strict JSON stays strict JSON", () => {
    const before = `{\n  "a": 1\n}`;
    const after = setInJson5(before, path, value);
    expect(JSON.parse(after)).toEqual({ a: 1, models: { providers: { clawgate: value } } });
    expect(JSON.parse(removeFromJson5(after, path))).toEqual({ a: 1, models: { providers: {} } });
    expect(removeFromJson5(after, ["models"])).toBe(before);
  });

  test.each([
    ["{a:1}", '{a:1, "k": 1}'],
    ["{a:1,}", '{a:1, "k": 1,}'],
    ["{}", '{\n  "k": 1\n}'],
    ["{ // none\n}", '{\n  "k": 1 // none\n}'],
    ["{a: 1 // one\n}", '{a: 1, // one\n  "k": 1\n}'],
    ["{\r\n    a: 1,\r\n}\r\n", '{\r\n    a: 1,\r\n    "k": 1,\r\n}\r\n'],
    ["\uFEFF{a: '}'/* , */}", "\uFEFF{a: '}', \"k\": 1/* , */}"],
    ["{k: /* old */ 0 /* note */, b: 2}", "{k: /* old */ 1 /* note */, b: 2}"],
    ["{k: 0, 'k': 2}", "{k: 0, 'k': 1}"],
  ])("%j", (before, after) => {
    expect(setInJson5(before, ["k"], 1)).toBe(after);
  });

  test.each([
    ["{k: 1, b: 2}", "{ b: 2}"],
    ["{b: 2, k: 1}", "{b: 2 }"],
    ["{\n  b: 2, // two\n  k: 1\n}", "{\n  b: 2 // two\n}"],
    ["{k: 1 /* mine */, b: 2}", "{ /* mine */ b: 2}"],
    ["{k: 0, b: 2, k: 1}", "{ b: 2 }"],
    ["{b: 2}", "{b: 2}"],
  ])("taken away: %j", (before, after) => {
    expect(removeFromJson5(before, ["k"])).toBe(after);
  });
});

test.each(["", "{a:1", "[1]", "{a:1,,}", "{models: 'x'}", "{models: {providers: []}}"])(
  "%j is refused without a word of its content",
  (text) => {
    expect(() => setInJson5(text, path, "secret")).toThrow(Json5Problem);
  },
);

const key = fc.oneof(
  fc.constantFrom("models", "providers", "clawgate", "agents", "it's"),
  fc.string({ maxLength: 6 }).filter((name) => name !== "__proto__"),
);
const blank = fc.constantFrom("", " ", "\n", "\n  ", "\t", "/* , } */", " // { , \n", "\r\n");
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom("1", "-.5", "0xFF", "true", "null", "'it\\'s // no'", '"}{,"', "Infinity", "[1,]", "[]"),
    fc
      .tuple(fc.array(fc.tuple(key, blank, tie("json"), blank), { maxLength: 4 }), fc.boolean(), blank)
      .map(([members, hasComma, end]) => {
        const texts = members.map(([name, before, inner, after]) => {
          const bare = /^[A-Za-z]+$/.test(name) && before.length % 2 === 0;
          return `${before}${bare ? name : JSON.stringify(name)}:${before}${inner}${after}`;
        });
        return `{${texts.join(",")}${hasComma && texts.length > 0 ? "," : ""}${end}}`;
      }),
  ),
}));
const documents = fc.tuple(blank, json, blank).map(([before, text, after]) => {
  return text.startsWith("{") ? before + text + after : `${before}{a: ${text}}${after}`;
});

function without(tree: unknown, [name = "", ...rest]: readonly string[]): unknown {
  if (typeof tree !== "object" || tree === null || Array.isArray(tree) || !Object.hasOwn(tree, name))
    return tree;
  const copy: Record<string, unknown> = { ...tree };
  if (rest.length === 0) delete copy[name];
  else copy[name] = without(copy[name], rest);
  return copy;
}

test("only our key changes, every other byte stays", () => {
  fc.assert(
    fc.property(documents, (text) => {
      let after: string;
      try {
        after = setInJson5(text, path, value);
      } catch (error) {
        // `models` or `providers` is no map here: refused, not overwritten.
        expect(error).toBeInstanceOf(Json5Problem);
        return;
      }
      const tree = readJson5(after) as { models: { providers: { clawgate: unknown } } };
      expect(tree.models.providers.clawgate).toEqual(value);
      const bare = removeFromJson5(text, path);
      const added = setInJson5(bare, path, value);
      expect(isKept(bare, added)).toBe(true);
      expect(setInJson5(after, path, value)).toBe(after);
      const back = removeFromJson5(after, path);
      expect(without(without(readJson5(back), ["models", "providers"]), ["models"])).toEqual(
        without(without(readJson5(text), ["models", "providers"]), ["models"]),
      );
      expect(isKept(back, after)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
