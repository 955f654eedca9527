// Which provider and model a name means, over the whole order of rules.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { createNames, type NameTable } from "../../src/routing/names.ts";

const table: NameTable = {
  providers: [
    { id: "openai", model: "gpt-5", models: ["gpt-5", "gpt-5-mini", "shared"] },
    { id: "anthropic", model: "claude-sonnet-5", models: ["claude-sonnet-5", "claude-opus-5"] },
    {
      id: "openrouter",
      model: "openrouter/auto",
      models: ["openrouter/auto", "deepseek/deepseek-chat", "shared"],
    },
    { id: "local", model: "llama", models: ["llama", "shared", "claude-sonnet-5", "$&"] },
  ],
  skipped: { groq: "its api_key is empty", "odd.one": "the backend is not in this build" },
  aliases: {
    fast: "openai/gpt-5-mini",
    best: "anthropic",
    router: "auto",
    chained: "fast",
    broken: "groq/llama",
    "claude-*": "anthropic/claude-*",
    "claude-opus-*": "openai",
    "team-*-big": "openrouter/vendor/*-large",
    "a*b*c": "local/*",
    "gpt-4*": "openai/gpt-5",
    "looped-*": "looped-*x",
    one: "two",
    two: "one",
    self: "self",
    openai: "anthropic",
    "local/llama": "openai",
    shared: "local/shared",
    unlisted: "openai/gpt-9",
  },
  fallbackChain: ["local", "openai"],
  isHint: (name) => name === "r1",
  defaultModel: null,
};

const shown = (name: string, over: Partial<NameTable> = {}): string => {
  const meaning = createNames({ ...table, ...over }).resolve(name);
  if (meaning.kind === "auto") return "auto";
  return `${meaning.target.provider} ${meaning.target.model}${meaning.isListed ? "" : " (theirs)"}`;
};

const refusal = (name: string, over: Partial<NameTable> = {}): Failure => {
  try {
    createNames({ ...table, ...over }).resolve(name);
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error(`${name} was understood`);
};

const meanings: readonly (readonly [name: string, meaning: string])[] = [
  ["auto", "auto"],
  ["clawgate/auto", "auto"],
  // A provider id goes before an alias of the same name.
  ["openai", "openai gpt-5"],
  ["anthropic", "anthropic claude-sonnet-5"],
  ["local", "local llama"],
  // Aliases: exact before wildcard, before provider/model, before a listed model.
  ["fast", "openai gpt-5-mini"],
  ["best", "anthropic claude-sonnet-5"],
  ["router", "auto"],
  ["chained", "openai gpt-5-mini"],
  ["local/llama", "openai gpt-5"],
  ["shared", "local shared"],
  ["claude-sonnet-5", "anthropic claude-sonnet-5"],
  ["claude-opus-5", "anthropic claude-opus-5"],
  ["claude-", "anthropic claude- (theirs)"],
  ["claude-sonnet-4-6", "anthropic claude-sonnet-4-6 (theirs)"],
  ["team-blue-big", "openrouter vendor/blue-large (theirs)"],
  ["team--big", "openrouter vendor/-large (theirs)"],
  ["gpt-4.1-turbo", "openai gpt-5"],
  ["axbyc", "local x (theirs)"],
  ["unlisted", "openai gpt-9"],
  // What the client wrote is text and never a pattern of its own.
  ["team-$&-big", "openrouter vendor/$&-large (theirs)"],
  ["team-$'$`$1-big", "openrouter vendor/$'$`$1-large (theirs)"],
  ["team-*-big", "openrouter vendor/*-large (theirs)"],
  // Provider/model is cut at the first slash, listed or not.
  ["openai/gpt-5", "openai gpt-5"],
  ["openai/gpt-9", "openai gpt-9 (theirs)"],
  ["openrouter/deepseek/deepseek-chat", "openrouter deepseek/deepseek-chat"],
  ["openrouter/a/b/c", "openrouter a/b/c (theirs)"],
  ["openrouter/openrouter/auto", "openrouter openrouter/auto"],
  ["openrouter/auto", "openrouter auto (theirs)"],
  ["openai//", "openai / (theirs)"],
  // Bare names that a provider lists, with slashes too.
  ["gpt-5-mini", "openai gpt-5-mini"],
  ["deepseek/deepseek-chat", "openrouter deepseek/deepseek-chat"],
  ["llama", "local llama"],
  ["$&", "local $&"],
];

describe("names that mean something", () => {
  test.each([...meanings])("%s", (name, meaning) => {
    expect(shown(name)).toBe(meaning);
  });

  test("of several owners of a bare model the chain's first has it, else the config's first", () => {
    const aliases = {};
    expect(shown("shared", { aliases })).toBe("local shared");
    expect(shown("shared", { aliases, fallbackChain: ["openrouter"] })).toBe("openrouter shared");
    expect(shown("shared", { aliases, fallbackChain: [] })).toBe("openai shared");
    expect(shown("claude-sonnet-5", { aliases, fallbackChain: [] })).toBe("anthropic claude-sonnet-5");
  });

  test("default_model takes what nothing else knows, and is the operator's own word", () => {
    expect(shown("whatever", { defaultModel: "fast" })).toBe("openai gpt-5-mini");
    expect(shown("whatever", { defaultModel: "openai/gpt-9" })).toBe("openai gpt-9");
    expect(shown("whatever", { defaultModel: "auto" })).toBe("auto");
    expect(shown("groq/llama", { defaultModel: "auto" })).toBe("auto");
    expect(shown("gpt-5-mini", { defaultModel: "auto" })).toBe("openai gpt-5-mini");
    expect(refusal("whatever", { defaultModel: "groq" }).kind).toBe("unknown-model");
  });
});

const odd = [
  "abc",
  "one",
  "two",
  "self",
  "looped-x",
  "AUTO",
  "OpenAI",
  "openai/",
  "/gpt-5",
  "/",
  "//",
  "../openai",
  "openai\\gpt-5",
  "openai%2Fgpt-5",
  "gpt-5%00",
  "gpt-5\u0000",
  " gpt-5",
  "gpt-5 ",
  "${OPENAI_API_KEY}",
  "__proto__",
  "constructor",
  "toString",
  "__proto__/x",
  "hasOwnProperty/x",
  "\u202egpt-5",
  "GPT-5",
  "*",
  "🦞",
];

describe("names that mean nothing", () => {
  test.each(odd)("%j", (name) => {
    const failure = refusal(name);
    expect(failure.kind).toBe("unknown-model");
    expect(failure.status).toBe(404);
    expect(failure.code).toBe("model_not_found");
    expect(failure.param).toBe("model");
  });

  test("a name of 10 KB is refused quickly and not repeated whole", () => {
    const failure = refusal("x".repeat(10_240));
    expect(failure.message.length).toBeLessThan(400);
  });

  test("a skipped provider's reason is told, also behind an alias", () => {
    expect(refusal("groq").message).toContain("its api_key is empty");
    expect(refusal("groq/llama-3").message).toContain("its api_key is empty");
    expect(refusal("odd.one/x").message).toContain("not in this build");
    expect(refusal("broken").message).toContain('"groq" is configured but not loaded: its api_key is empty');
  });

  test("the nearest name is offered", () => {
    expect(refusal("gpt-5-mimi").message).toContain('Did you mean "gpt-5-mini"?');
    expect(refusal("opnai").message).toContain('Did you mean "openai"?');
    expect(refusal("fsat").message).toContain('Did you mean "fast"?');
    expect(refusal("zzzzzzzzzzzzz").message).toContain("GET /v1/models");
  });
});

test("known names: auto, providers, provider/model, aliases without wildcard", () => {
  const known = createNames(table).known();
  expect(known[0]).toBe("auto");
  expect(known).toContain("openrouter");
  expect(known).toContain("openrouter/deepseek/deepseek-chat");
  expect(known).toContain("fast");
  expect(known.filter((name) => name.includes("*"))).toEqual([]);
  expect(known.filter((name) => name.startsWith("groq"))).toEqual([]);
});

describe("a backend's own names", () => {
  const cli = { provider: "local", model: "opus" };
  const names = createNames({
    ...table,
    aliases: { quick: "opus" },
    isHint: (name) => name === "hinted",
    backendNames: {
      resolve: (name) =>
        ["opus", "hinted", "gpt-5"].includes(name) ? { target: cli, isListed: name === "opus" } : null,
      fallback: () => ({ provider: "local", model: "sonnet" }),
      known: () => ["opus", "sonnet"],
    },
  });

  test("stand after the config's own and a rule's, and before default_model", () => {
    expect(names.resolve("opus")).toEqual({
      kind: "target",
      target: cli,
      isListed: true,
      via: "the requested model",
    });
    expect(names.resolve("quick")).toMatchObject({ target: cli, via: "alias quick" });
    expect(names.resolve("gpt-5")).toMatchObject({ target: { provider: "openai", model: "gpt-5" } });
    expect(names.resolve("hinted")).toEqual({ kind: "auto" });
    expect(names.resolveOrNull("hinted")).toMatchObject({ target: cli });
  });

  test("their default answers what nothing knows, where the config has none", () => {
    expect(names.resolve("nothing-knows-it")).toEqual({
      kind: "target",
      target: { provider: "local", model: "sonnet" },
      isListed: true,
      via: "default_model of local",
      isDefault: true,
    });
    expect(names.known()).toContain("sonnet");
  });
});
