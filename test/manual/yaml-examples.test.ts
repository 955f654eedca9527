// The configs that the documents show are ones that load: every yaml block that is a part of a config, with its neighbours filled in.

import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { backendNames } from "../../src/backends/settings.ts";
import { isTree } from "../../src/config/values.ts";
import { load } from "../config/loading.ts";
import { contentsOf, documents, textOf } from "./documents.ts";

/** Configs of other programs. */
const foreign = new Set(["scrape_configs", "receivers"]);
/** What a part of a config refers to and does not show. */
const neighbours = {
  providers: Object.fromEntries(
    ["gemini-flash-lite", "deepseek-chat", "deepseek-reasoner"].map((id) => [
      id,
      { base_url: "http://127.0.0.1:9/v1", api_key: "some-key", model: id },
    ]),
  ),
};
const alice = { tenants: [{ name: "alice", api_key: "key-of-alice-0123456789" }] };
const variablesIn = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/\$\{(\w+)/g)].map(([, name = ""]) => [name, `value-of-${name}`]));

const blocks = documents.flatMap((document) =>
  contentsOf(textOf(document))
    .code.filter(({ language }) => language === "yaml")
    .map(({ text }, at) => [document, at + 1, text] as const),
);

describe("examples", () => {
  test("there are some", () => expect(blocks.length).toBeGreaterThan(10));

  test.each(blocks)("%s, block %i", (_document, _at, text) => {
    const shown: unknown = parse(text);
    if (!isTree(shown)) throw new Error("not a map");
    if (Object.keys(shown).some((key) => foreign.has(key))) return;
    const whole = "tools" in shown ? { providers: { claude: { backend: "claude-cli", ...shown } } } : shown;
    const config = JSON.stringify({ ...neighbours, ...("request_log" in shown ? alice : {}), ...whole });
    const { notices } = load(config, { environment: variablesIn(text), backends: new Set(backendNames) });
    expect(
      notices.filter((notice) => !/terms decide|is kept as text|unread and unstored/.test(notice)),
    ).toEqual([]);
  });
});

test.each(documents)("%s asks the gateway at its own port", (document) => {
  const asked = textOf(document).match(
    /127\.0\.0\.1:\d+(?=\/(?:api|v1|v1beta|metrics|health|docs|swagger|dashboard)\b)/g,
  );
  const isServer = (address: string): boolean => /:(?:11434|1234|8000|8080|4000)$/.test(address);
  expect(new Set(asked?.filter((address) => !isServer(address)))).toEqual(
    new Set(asked?.some((address) => !isServer(address)) ? ["127.0.0.1:8090"] : []),
  );
});
