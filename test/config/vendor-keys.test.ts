// Several keys of one vendor: which of them count, what is said of those that are missing, and what is refused.

import { describe, expect, test } from "bun:test";
import { load, problems } from "./loading.ts";

const stanza = (rest: string): string => `providers:\n  a:\n    base_url: http://x\n    model: m\n${rest}`;
const keysOf = (rest: string, environment: Record<string, string> = {}) => {
  const { config, skippedProviders, notices } = load(stanza(rest), { environment });
  const provider = config.providers["a"];
  return {
    keys: provider?.api_keys,
    first: provider?.api_key,
    skipped: skippedProviders[0]?.reason ?? null,
    notices,
  };
};

describe("which keys count", () => {
  test.each<[string, string, readonly string[]]>([
    ["none at all: a server without keys", "", []],
    ["one", "    api_key: k1\n", ["k1"]],
    ["a list", "    api_keys: [k1, k2]\n", ["k1", "k2"]],
    ["both: api_key first", "    api_keys: [k2, k3]\n    api_key: k1\n", ["k1", "k2", "k3"]],
  ])("%s", (_, rest, keys) => {
    expect(keysOf(rest)).toEqual({ keys, first: keys[0], skipped: null, notices: [] });
  });

  test("entries that are empty, unset or nothing are left out, with one line", () => {
    const rest = '    api_key: ${K0}\n    api_keys: ["${K1}", "", "${K2}", "pre-${K3}", null, "${K4:-}"]\n';
    const { keys, first, skipped, notices } = keysOf(rest, { K1: "", K2: "k2" });
    expect({ keys, first, skipped }).toEqual({ keys: ["k2"], first: "k2", skipped: null });
    expect(notices).toEqual([
      "providers.a: 1 of 7 keys are used: K0 is not set; K1 is empty; api_keys[1] is empty; K3 is not set; " +
        "api_keys[4] is empty; K4 is not set",
    ]);
  });

  test("none is left: the provider is skipped", () => {
    const rest = '    api_key: ""\n    api_keys: ["${K1}", "${K2:-}"]\n';
    expect(keysOf(rest, { K2: "" })).toEqual({
      keys: undefined,
      first: undefined,
      skipped: "api_key is empty; K1 is not set; K2 is empty",
      notices: [],
    });
  });
});

describe("what is refused", () => {
  test.each<[string, string, number, string, string]>([
    [
      "a key twice in the list",
      "    api_keys:\n      - k1\n      - k2\n      - k1\n",
      8,
      "providers.a.api_keys[2]",
      "the same key is also used at providers.a.api_keys[0] on line 6",
    ],
    [
      "the list's key is api_key as well",
      "    api_key: k1\n    api_keys: [k2, k1]\n",
      6,
      "providers.a.api_keys[1]",
      "the same key is also used at providers.a.api_key on line 5",
    ],
    ["a number", "    api_keys: [k1, 7]\n", 5, "providers.a.api_keys[1]", "must be a text"],
    ["a key with a blank", '    api_keys: ["a b"]\n', 5, "providers.a.api_keys[0]", "printable ASCII"],
    ["an empty list", "    api_keys: []\n", 5, "providers.a.api_keys", "must not be empty"],
    ["one text", "    api_keys: k1\n", 5, "providers.a.api_keys", "list"],
  ])("%s", (_, rest, line, key, message) => {
    const [problem, ...others] = problems(stanza(rest));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ line, key });
    expect(problem?.message).toContain(message);
  });

  test("what is said of a key never holds it", () => {
    const [problem] = problems(stanza("    api_keys: [sk-very-secret, sk-very-secret]\n"));
    expect(JSON.stringify(problem)).not.toContain("sk-very-secret");
  });

  test("two providers may share a key", () => {
    const twice = `providers:\n${["a", "b"].map((id) => `  ${id}: { base_url: http://x, model: m, api_keys: [k1] }`).join("\n")}`;
    expect(Object.keys(load(twice).config.providers)).toEqual(["a", "b"]);
  });
});

test.each([
  ["    api_keys: [plain]\n", true],
  ['    api_keys: ["${K:-x}"]\n', false],
])("%p in a file that all may read is told of: %p", (rest, isTold) => {
  const { notices } = load(stanza(rest), { mode: 0o644 });
  expect(notices.some((notice) => notice.includes("chmod 600"))).toBe(isTold);
});
