import { expect, test } from "bun:test";
import fc from "fast-check";
import { readDotEnv } from "../../src/config/environment.ts";
import { removeFromDotEnv, setInDotEnv } from "../../src/openclaw/dot-env.ts";

const ours = { CLAWGATE_BASE_URL: "http://127.0.0.1:8090/v1", CLAWGATE_API_KEY: "0a".repeat(32) };
const names = Object.keys(ours);

test.each([
  ["", "K=v\n"],
  ["A=1", "A=1\nK=v\n"],
  ["A=1\r\n# c\r\n", "A=1\r\n# c\r\nK=v\r\n"],
  ["# K=old\nexport K = 'old' # note\nB=2\n", "# K=old\nK=v\nB=2\n"],
  ["K=1\nA='\nK=inside\n'\nK=2", "K=v\nA='\nK=inside\n'\nK=v"],
  ['K="two\nlines"\nB=2', "K=v\nB=2"],
  ["KK=1\nK.x=2\n", "KK=1\nK.x=2\nK=v\n"],
])("%j", (before, after) => {
  expect(setInDotEnv(before, { K: "v" })).toBe(after);
  expect(readDotEnv(after)["K"]).toBe("v");
});

test("a value that readers take differently is refused", () => {
  for (const value of ["a b", "a#b", "a\nb", "'", '"', "a\\n", "`x`"])
    expect(() => setInDotEnv("", { K: value })).toThrow("plain visible characters");
});

test("only our lines change, every other byte stays", () => {
  const line = fc.oneof(
    fc.constantFrom("", "# CLAWGATE_API_KEY=x", "A=1", "export B='two words'", 'C="a\\"b"', "no assignment"),
    fc.constantFrom(
      "CLAWGATE_API_KEY=old",
      " export CLAWGATE_BASE_URL='old'",
      "M='one\nCLAWGATE_API_KEY=x\n'",
    ),
    fc.string({ maxLength: 10 }).filter((text) => !/["'`]/.test(text)),
  );
  const files = fc
    .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom("\n", "\r\n"), fc.boolean())
    .map(([lines, end, isClosed]) => lines.join(end) + (isClosed && lines.length > 0 ? end : ""));
  fc.assert(
    fc.property(files, (text) => {
      const after = setInDotEnv(text, ours);
      expect(readDotEnv(after)).toMatchObject(ours);
      expect(setInDotEnv(after, ours)).toBe(after);
      const bare = removeFromDotEnv(text, names);
      const back = removeFromDotEnv(after, names);
      // A last line without an end has to get one before another can follow.
      expect([bare, `${bare}\n`, `${bare}\r\n`]).toContain(back);
    }),
    { numRuns: 500 },
  );
});
