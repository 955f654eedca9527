// A provider on this machine without its key: loaded while its server answers, with a model that the server has, and with no key.

import { describe, expect, test } from "bun:test";
import { localServers } from "../../src/backends/http/vendors.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { inputOf, problemsIn, type LoadOptions } from "./loading.ts";

type Answers = Readonly<Record<string, readonly string[] | null>>;

const provider = (more: string): string =>
  `providers:\n  ollama: { api_key: "\${OLLAMA_API_KEY:-}", ${more} }\n`;
const usual = provider('base_url: "http://127.0.0.1:11434", model: "gpt-oss:20b"');
const url = "http://127.0.0.1:11434/v1/models";

function loadWith(yaml: string, answers?: Answers, surroundings: LoadOptions = {}): LoadedConfig {
  const files = { "/work/config.yaml": yaml };
  return loadConfig({
    ...inputOf({ ...surroundings, files }),
    localServers,
    ...(answers === undefined ? {} : { localAnswers: new Map(Object.entries(answers)) }),
  });
}

describe("who is asked", () => {
  test.each([
    ["at its usual port", usual, [url]],
    [
      "by the name localhost",
      provider('base_url: "http://localhost:11434/v1", model: m'),
      ["http://localhost:11434/v1/models"],
    ],
    ["over IPv6", provider('base_url: "http://[::1]:11434", model: m'), ["http://[::1]:11434/v1/models"]],
    [
      "at another port, by its name",
      provider('base_url: "http://127.0.0.1:23456", model: m'),
      ["http://127.0.0.1:23456/v1/models"],
    ],
    [
      "with an empty key",
      'providers:\n  x: { base_url: "http://127.0.0.1:8080", api_key: "", model: m }',
      ["http://127.0.0.1:8080/v1/models"],
    ],
    [
      "with a key whose variable has no default",
      'providers:\n  x: { base_url: "http://127.0.0.1:1234", api_key: "${NONE}", model: m }',
      ["http://127.0.0.1:1234/v1/models"],
    ],
    [
      "several, each once",
      `${usual}  b: { base_url: "http://127.0.0.1:11434", api_key: "", model: m }`,
      [url, url],
    ],
    ["nobody beyond loopback", provider('base_url: "http://10.0.0.1:11434", model: m'), []],
    [
      "nobody on a port of another program's",
      'providers:\n  x: { base_url: "http://127.0.0.1:23456", api_key: "", model: m }',
      [],
    ],
    ["nobody who has a key", provider('base_url: "http://127.0.0.1:11434", model: m, api_keys: [k]'), []],
    [
      "nobody with a token",
      provider('base_url: "http://127.0.0.1:11434", model: m, auth: { type: bearer-env, variable: NONE }'),
      [],
    ],
    ["not the gateway itself", `server: { port: 11434 }\n${usual}`, []],
    [
      "nobody at an address that is none",
      provider('base_url: "${OLLAMA_HOST:-127.0.0.1:11434}", model: m'),
      [],
    ],
    [
      "nobody who speaks Google's format",
      provider('backend: google-genai, base_url: "http://127.0.0.1:11434", model: m'),
      [],
    ],
  ])("%s", (_name, yaml, urls) => {
    expect(loadWith(yaml).serversToProbe).toEqual([...urls]);
    expect(loadWith(yaml).config.providers["ollama"]?.api_keys ?? []).toEqual(
      yaml.includes("[k]") ? ["k"] : [],
    );
  });

  test("a flag's port is the gateway's own as well", () => {
    expect(loadWith(usual, undefined, { flags: { port: "11434" } }).serversToProbe).toEqual([]);
  });
});

describe("what becomes of it", () => {
  test("nobody answers: skipped, with both reasons", () => {
    const { config, skippedProviders, serversToProbe } = loadWith(usual, { [url]: null });
    expect(config.providers).toEqual({});
    expect(serversToProbe).toEqual([]);
    expect(skippedProviders).toEqual([
      {
        id: "ollama",
        reason: "OLLAMA_API_KEY is not set, and no model server answers at 127.0.0.1:11434",
        publicReason: "OLLAMA_API_KEY is not set",
      },
    ]);
  });

  test("it has no model", () => {
    expect(loadWith(usual, { [url]: [] }).skippedProviders[0]?.reason).toContain("has no model");
  });

  test("it answers: loaded without a key, in its place of the chain, with its models", () => {
    const { config, skippedProviders, sources, notices } = loadWith(`${usual}fallback_chain: [ollama]`, {
      [url]: ["nomic-embed-text:latest", "gpt-oss:20b"],
    });
    expect([skippedProviders, notices, config.fallback_chain]).toEqual([[], [], ["ollama"]]);
    expect(config.providers["ollama"]).toMatchObject({
      model: "gpt-oss:20b",
      api_keys: [],
      models: [{ id: "nomic-embed-text:latest" }, { id: "gpt-oss:20b" }],
    });
    expect(config.providers["ollama"]?.api_key).toBeUndefined();
    expect(sources.slice(0, 1)).toEqual([
      "providers.ollama: OLLAMA_API_KEY is not set, but a model server answers at 127.0.0.1:11434 with 2 models, so it is loaded without a key",
    ]);
  });

  test.each([
    ["another model", ["llama3.2:latest"], "llama3.2:latest", 1],
    ["none that looks like a chat's first", ["nomic-embed-text", "qwen3"], "qwen3", 1],
    ["nothing but such a one", ["bge-m3"], "bge-m3", 1],
    ["the same with its tag", ["a", "gpt-oss:20b:latest"], "gpt-oss:20b:latest", 0],
  ] as const)("it has %s", (_name, models, model, notices) => {
    const loaded = loadWith(usual, { [url]: models });
    expect(loaded.config.providers["ollama"]?.model).toBe(model);
    expect(loaded.notices.filter((notice) => notice.includes("does not have gpt-oss:20b"))).toHaveLength(
      notices,
    );
  });

  test("a key whose variable has no default and that nobody set is no fault then", () => {
    const yaml = 'providers:\n  x: { base_url: "http://127.0.0.1:1234", api_key: "${NONE}", model: m }';
    const answers = { "http://127.0.0.1:1234/v1/models": ["m"] };
    expect(Object.keys(loadWith(yaml, answers).config.providers)).toEqual(["x"]);
  });

  test("its other faults are told like everybody's", () => {
    const yaml = provider('base_url: "http://127.0.0.1:11434", model: m, weight: heavy');
    expect(problemsIn(() => loadWith(yaml, { [url]: ["m"] })).map(({ key }) => key)).toEqual([
      "providers.ollama.weight",
    ]);
  });
});
