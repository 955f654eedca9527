// config.example.yaml parses as it is and with everything switched on, holds every key, and shows the real defaults.

import { expect, test } from "bun:test";
import { readDocument } from "../src/config/document.ts";
import { referenceRows, referenceText, withReference } from "../src/config/reference.ts";
import { isTree, valueAt } from "../src/config/values.ts";
import { load } from "./config/loading.ts";

const example = await Bun.file(new URL("../config.example.yaml", import.meta.url)).text();
/** A setting that is switched off begins with # and no blank. */
const switchedOn = example.replaceAll(/^(\s*)#(?=[^\s#])/gm, "$1");

function valueOf(text: string): unknown {
  const read = readDocument(text);
  if ("problem" in read) throw new Error(`${read.problem.line}: ${read.problem.message}`);
  return read.document.value;
}

test("loads as it is: no provider without its key, nothing to tell", () => {
  const { config, notices, skippedProviders } = load(example);
  expect(Object.keys(config.providers)).toEqual([]);
  expect(skippedProviders.map((skipped) => skipped.id)).toEqual([
    "deepseek-chat",
    "deepseek-reasoner",
    "openrouter-fallback",
    "openai",
    "anthropic",
    "ollama",
  ]);
  expect(notices).toEqual([]);
});

test("every setting that is switched off can be switched on", () => {
  const environment = {
    CLAWGATE_ADMIN_KEY: "0123456789abcdef",
    ALICE_KEY: "0123456789abcdeg",
    DEEPSEEK_API_KEY: "k",
    OPENAI_API_KEY: "k",
    EXAMPLE_TOKEN: "t",
  };
  const { config } = load(switchedOn, { environment });
  expect(Object.keys(config.providers)).toEqual([
    "deepseek-chat",
    "deepseek-reasoner",
    "openai",
    "token-from-variable",
    "token-from-file",
    "token-from-command",
  ]);
  expect(config.static_rules.rules).toHaveLength(1);
  expect(config.heuristic_rules.rules).toHaveLength(3);
});

test("holds every key of the schema", () => {
  const names = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (isTree(value))
      for (const [name, item] of Object.entries(value)) {
        names.add(name);
        collect(item);
      }
  };
  collect(valueOf(switchedOn));
  const wanted = referenceRows().map((row) => row.key.split(".").at(-1) ?? "");
  // `price` is only another word for `pricing`.
  expect(wanted.filter((name) => !names.has(name) && name !== "price")).toEqual([]);
});

test("shows the real defaults", () => {
  const shown = valueOf(example);
  const wrong = referenceRows()
    .filter((row) => !/[[<]/.test(row.key) && row.fallback !== "" && row.fallback !== "required")
    .map((row) => ({ key: row.key, shown: valueAt(shown, row.key.split(".")), fallback: row.fallback }))
    .filter(
      (row) => row.shown !== undefined && row.shown !== null && JSON.stringify(row.shown) !== row.fallback,
    );
  expect(wrong).toEqual([]);
});

test("every key of the schema says what it means", () => {
  expect(referenceRows().filter((row) => row.meaning === "")).toEqual([]);
});

test("the reference goes between the markers and changes nothing else", () => {
  const readme = "# a\n<!-- reference:begin -->\nwhat stood here before\n<!-- reference:end -->\nb\n";
  const fresh = withReference(readme);
  expect(fresh).toContain(referenceText());
  expect(fresh).not.toContain("what stood here before");
  expect(withReference(fresh ?? "")).toBe(fresh);
  expect(withReference("# no markers")).toBeNull();
});

test("the README's reference is fresh", async () => {
  const file = Bun.file(new URL("../README.md", import.meta.url));
  const readme = await file.text();
  expect(withReference(readme)).toBe(readme);
});
