// config.example.yaml parses as it is and with everything switched on, holds every key, and shows the real defaults.

import { expect, test } from "bun:test";
import { readDocument } from "../src/config/document.ts";
import { referenceRows } from "../src/config/reference.ts";
import { isTree, valueAt } from "../src/config/values.ts";
import { localServers, vendors } from "../src/backends/http/vendors.ts";
import { backendNames } from "../src/backends/settings.ts";
import { keyVariablesOf } from "../src/config/discovery.ts";
import { load } from "./config/loading.ts";

const example = await Bun.file(new URL("../config.example.yaml", import.meta.url)).text();
/** A setting that is switched off begins with # and no blank. */
const switchedOn = example.replaceAll(/^(\s*)#(?=[^\s#])/gm, "$1");

function valueOf(text: string): unknown {
  const read = readDocument(text);
  if ("problem" in read) throw new Error(`${read.problem.line}: ${read.problem.message}`);
  return read.document.value;
}

const declared = Object.keys(valueAt(valueOf(example), ["providers"]) ?? {});

test("loads as it is: no provider without its key, nothing to report", () => {
  const { config, notices, skippedProviders } = load(example);
  expect(Object.keys(config.providers)).toEqual([]);
  expect(skippedProviders.map((skipped) => skipped.id)).toEqual(declared);
  expect(notices).toEqual([]);
});

const rows = [...vendors, ...localServers];
/** llama.cpp is never given a key, so no variable could switch it on. */
const keyed = rows.filter((row) => row.keyVariable !== null);

test("with every variable set every provider loads, and nothing is reported", () => {
  const environment = Object.fromEntries(keyed.map((row) => [row.keyVariable ?? "", "k"]));
  const { config, notices, skippedProviders } = load(example, {
    environment,
    backends: new Set(backendNames),
  });
  expect(Object.keys(config.providers)).toEqual(declared);
  expect([notices, skippedProviders]).toEqual([[], []]);
  expect(Object.values(config.providers).map((provider) => provider.api_key)).toEqual(
    declared.map(() => "k"),
  );
});

test.each(keyed.map((row) => [row.name, row] as const))("%s is switched on by its variable", (_name, row) => {
  const environment = { [row.keyVariable ?? ""]: "k" };
  const { config } = load(example, { environment, backends: new Set(backendNames) });
  const hosts = Object.values(config.providers).map(({ base_url: url }) => new URL(url ?? "").host);
  expect(new Set(hosts)).toEqual(new Set([new URL(row.baseUrl).host]));
  const id = Object.keys(config.providers)[0] ?? "";
  // Two that refuse a program without headers of the operator's own must be asked for by name.
  expect((config.fallback_chain ?? []).includes(id) || id === "gemini-flash-lite").toBe(
    row.needsHeaders === undefined,
  );
});

test("names the vendors as the rows do: format, address, key", () => {
  const backends = new Set(backendNames);
  const environment = Object.fromEntries(rows.flatMap(keyVariablesOf).map((name) => [name, name]));
  const { config } = load(example, { environment, backends });
  for (const row of keyed) {
    const provider = config.providers[row.id];
    if (provider === undefined) continue;
    expect([row.id, provider.backend, provider.base_url, provider.api_key]).toEqual([
      row.id,
      row.backend,
      row.baseUrl,
      row.keyVariable ?? undefined,
    ]);
    if (row.model !== null) expect(provider.model).toBe(row.model);
  }
});

test("the stock routing: chain, rules and their targets of ClawGate-py", () => {
  const { config } = load(example, {
    backends: new Set(backendNames),
    environment: { DEEPSEEK_API_KEY: "k" },
  });
  const targets = (rules: readonly { readonly name: string; readonly route_to: string }[]) =>
    rules.map((rule) => `${rule.name} -> ${rule.route_to}`);
  expect(targets(config.static_rules.rules)).toEqual([
    "heartbeat -> gemini-flash-lite",
    "explicit-reasoner -> deepseek-reasoner",
    "explicit-flash -> gemini-flash",
    "explicit-chat -> deepseek-chat",
    "subagent -> deepseek-chat",
  ]);
  expect(targets(config.heuristic_rules.rules)).toEqual([
    "math-reasoning -> deepseek-reasoner",
    "complex-code -> deepseek-reasoner",
    "simple-query -> gemini-flash-lite",
    "tool-use -> deepseek-chat",
    "short-message -> deepseek-chat",
    "long-context -> deepseek-chat",
    "general-default -> deepseek-chat",
  ]);
  expect(config.llm_classifier.enabled).toBe(false);
  const words = config.heuristic_rules.rules.flatMap((rule) => rule.match.message_keywords?.any_of ?? []);
  expect(words.filter((word) => typeof word !== "string")).toEqual([]);
  expect(new Set(words).size).toBe(words.length);
});

test("every setting that is switched off can be switched on", () => {
  const environment = {
    CLAWGATE_ADMIN_KEY: "0123456789abcdef",
    ALICE_KEY: "0123456789abcdeg",
    ALICE_OLD_KEY: "0123456789abcdeh",
    DEEPSEEK_API_KEY: "k",
    OPENAI_API_KEY: "k",
    EXAMPLE_TOKEN: "t",
    ALERT_SECRET: "s",
    NTFY_TOKEN: "t",
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
  expect(config.static_rules.rules).toHaveLength(8);
  expect(config.heuristic_rules.rules).toHaveLength(8);
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
    // The example brings the stock rules; a config without them has none.
    .filter((row) => !row.key.endsWith("_rules.rules"))
    .map((row) => ({ key: row.key, shown: valueAt(shown, row.key.split(".")), fallback: row.fallback }))
    .filter(
      (row) => row.shown !== undefined && row.shown !== null && JSON.stringify(row.shown) !== row.fallback,
    );
  expect(wrong).toEqual([]);
});

test("every key of the schema says what it means", () => {
  expect(referenceRows().filter((row) => row.meaning === "")).toEqual([]);
});
