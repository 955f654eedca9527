// From a name to the order in which targets are tried.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { baseOptions, calm, decider, layersOf, namesOf, unknownFacts } from "./ask.ts";

const hello = { messages: [{ role: "user", content: [{ type: "text", text: "please refactor" }] }] } as const;

describe("the order of targets", () => {
  const cases: readonly (readonly [string, boolean, string[]])[] = [
    ["auto", false, ["b/b-1", "c/c-1"]],
    ["auto", true, ["b/b-1"]],
    ["a", false, ["a/a-1", "b/b-1", "c/c-1"]],
    ["a", true, ["a/a-1"]],
    ["a-2", false, ["a/a-2", "b/b-1", "c/c-1"]],
    ["fast", false, ["a/a-2", "b/b-1", "c/c-1"]],
    ["b/other", false, ["b/other", "c/c-1"]],
    ["c", false, ["c/c-1"]],
  ];
  test.each([...cases])("%s (fallback off: %p)", (model, isFallbackOff, targets) => {
    expect(namesOf(decider()({ model, isFallbackOff }))).toEqual(targets);
  });

  test("without a chain `auto` goes through the config's order and a direct choice stands alone", () => {
    const decide = decider({ fallbackChain: [] });
    expect(namesOf(decide({}))).toEqual(["a/a-1", "b/b-1", "c/c-1"]);
    expect(namesOf(decide({ model: "b" }))).toEqual(["b/b-1"]);
  });

  test("a chain may name a provider that is not loaded", () => {
    expect(namesOf(decider({ fallbackChain: ["gone", "a"] })({}))).toEqual(["a/a-1"]);
  });

  test("`auto` without any provider is 404", () => {
    expect(() => decider({ providers: [], fallbackChain: [] })({})).toThrow(Failure);
  });
});

describe("what the decision says", () => {
  test("a direct choice", () => {
    expect(decider()({ model: "a/unlisted" })).toMatchObject({
      layer: "direct",
      rule: "explicit-model",
      confidence: 1,
      isClientsOwnModel: true,
      clientsTarget: { provider: "a", model: "unlisted" },
      reason: "the requested model names a/unlisted",
      facts: null,
    });
    expect(decider()({ model: "a" }).isClientsOwnModel).toBe(false);
  });

  test("no rule matched", () => {
    expect(decider()({})).toMatchObject({
      layer: "fallback",
      rule: "no-match",
      confidence: 0.3,
      clientsTarget: null,
      candidates: [
        { provider: "b", note: "chosen", kept: true },
        { provider: "c", note: "fallback", kept: true },
      ],
    });
  });

  test("the decision for a listed name is made once; a client's own names are not kept", () => {
    const decide = decider();
    expect(decide({ model: "a" })).toBe(decide({ model: "a" }));
    expect(decide({ model: "a/x" })).not.toBe(decide({ model: "a/x" }));
    expect(namesOf(decide({ model: "a", isFallbackOff: true }))).toEqual(["a/a-1"]);
    expect(namesOf(decide({ model: "a" }))).toEqual(["a/a-1", "b/b-1", "c/c-1"]);
  });

  test("a rule's choice goes first, then the chain", () => {
    const layers = layersOf({
      heuristics: [{ name: "code", match: { message_keywords: { any_of: ["refactor"] } }, route_to: "c" }],
    });
    const decision = decider({ layers })({ request: hello });
    expect(decision).toMatchObject({ layer: "heuristic", rule: "code", confidence: 0.8 });
    expect(namesOf(decision)).toEqual(["c/c-1", "b/b-1"]);
    expect(decision.facts).toMatchObject({ hasTools: false, estimatedTokens: expect.any(Number) });
  });

  test("a rule may point at a model of a provider, at an alias, and at a provider that is not loaded", () => {
    const to = (route_to: string): ReturnType<ReturnType<typeof decider>> => {
      const rule = { name: "all", match: { fallthrough: true }, route_to };
      return decider({ layers: layersOf({ heuristics: [rule] }) })({ request: hello });
    };
    expect(namesOf(to("a/a-2"))).toEqual(["a/a-2", "b/b-1", "c/c-1"]);
    expect(namesOf(to("fast"))[0]).toBe("a/a-2");
    expect(to("gone")).toMatchObject({ rule: "all->fallback", confidence: 0.64 });
    expect(to("gone").reason).toContain("gone is not loaded");
    expect(namesOf(to("gone"))).toEqual(["b/b-1", "c/c-1"]);
  });

  test("a name that only a rule knows is `auto` with a hint, and every other unknown name is 404", () => {
    const layers = layersOf({ statics: [{ name: "r", match: { model_requested: ["r1"] }, route_to: "c" }] });
    const decide = decider({ layers, isHint: (name) => name === "r1" });
    expect(decide({ model: "r1" })).toMatchObject({ layer: "static", rule: "r", confidence: 1 });
    expect(() => decide({ model: "r2" })).toThrow(/does not exist/);
  });
});

describe("hard filters", () => {
  const tools = [{ name: "t", description: null, schema: {} }];
  const image = {
    messages: [
      { role: "user", content: [{ type: "image", source: { kind: "url", url: "https://x/y.png" } }] },
    ],
  } as const;
  const facts = {
    b: { ...unknownFacts, tools: false, vision: false, json: false, thinking: false, contextWindow: 100 },
  };
  const able = decider({
    modelFacts: (provider) => facts[provider as "b"] ?? unknownFacts,
  });
  const long = {
    messages: [{ role: "user", content: [{ type: "text", text: "x".repeat(2_000) }] }],
  } as const;
  const cases = [
    ["tools", { tools }],
    ["vision", image],
    ["structured output", { format: { type: "json-schema", name: "n", schema: {}, strict: true } }],
    ["thinking", { thinking: { mode: "budget", budgetTokens: 2_000 } }],
    ["context window", long],
  ] as const;

  test.each([...cases])("%s: the target that cannot is never chosen", (_what, request) => {
    const decision = able({ request });
    expect(namesOf(decision)).toEqual(["c/c-1"]);
    expect(decision).toMatchObject({ rule: "no-match->fallback" });
    expect(decision.confidence).toBeCloseTo(0.24);
    expect(decision.candidates[0]).toMatchObject({ provider: "b", kept: false });
    expect(decision.candidates[0]?.note).toStartWith("dropped: ");
  });

  test.each([...cases])("%s: a 400 says what is missing when nobody can", (what, request) => {
    const nobody = decider({ modelFacts: () => facts.b, fallbackChain: ["b"] });
    const failure = failureOf(() => nobody({ request }));
    expect(failure.status).toBe(400);
    expect(failure.message).toContain(what === "context window" ? "too long" : what);
    expect(failure.kind).toBe(what === "context window" ? "context-exceeded" : "unsupported");
  });

  test("an unknown capability refuses nothing", () => {
    expect(namesOf(decider()({ request: { tools, ...image } }))).toEqual(["b/b-1", "c/c-1"]);
  });

  test("a fallback of a direct choice is filtered too, and the body is read only if something might be missing", () => {
    let reads = 0;
    const onRead = (): void => void (reads += 1);
    expect(namesOf(able({ model: "a", request: { tools }, onRead }))).toEqual(["a/a-1", "c/c-1"]);
    expect(reads).toBe(1);
    able({ model: "a", onRead });
    expect(reads).toBe(1);
  });

  test("a direct choice that cannot serve falls back, or is a 400 when the client wants no fallback", () => {
    const decision = able({ model: "b", request: { tools } });
    expect(decision).toMatchObject({ layer: "direct", rule: "explicit-model->fallback" });
    expect(namesOf(decision)).toEqual(["c/c-1"]);
    expect(failureOf(() => able({ model: "b", isFallbackOff: true, request: { tools } })).param).toBe(
      "tools",
    );
  });

  test("who names a model that cannot think gets it without; the estimate of a named model has some play", () => {
    const thinking = { mode: "budget", budgetTokens: 2_000 } as const;
    expect(namesOf(able({ model: "b", request: { thinking } }))[0]).toBe("b/b-1");
    const words = (characters: number) => ({
      messages: [{ role: "user", content: [{ type: "text", text: "x".repeat(characters) }] }] as const,
    });
    expect(namesOf(able({ model: "b", request: words(440) }))[0]).toBe("b/b-1");
    expect(namesOf(able({ request: words(440) }))[0]).toBe("c/c-1");
    expect(namesOf(able({ model: "b", request: words(600) }))[0]).toBe("c/c-1");
  });

  test("a shorter ceiling than asked for is left out while another can, and cut when nobody can", () => {
    const short = { ...unknownFacts, maxOutput: 100 };
    const some = decider({ modelFacts: (provider) => (provider === "b" ? short : unknownFacts) });
    expect(namesOf(some({ request: { maxTokens: 500 } }))).toEqual(["c/c-1"]);
    const none = decider({ modelFacts: () => short })({ request: { maxTokens: 500 } });
    expect(namesOf(none)).toEqual(["b/b-1", "c/c-1"]);
    expect(none.candidates[0]?.note).toBe(
      "chosen; answers of at most 100 tokens, asked for 500, so the limit is cut",
    );
  });
});

describe("health", () => {
  const held = { go: "no", untilMs: 5, why: "the circuit is open" } as const;

  test("who is held back goes last and the next one is chosen", () => {
    const view = { ...calm, judge: (id: string) => (id === "b" ? held : ({ go: "yes" } as const)) };
    const decision = decider({ view })({});
    expect(namesOf(decision)).toEqual(["c/c-1", "b/b-1"]);
    expect(decision).toMatchObject({ rule: "no-match->fallback" });
    expect(decision.candidates.map(({ note }) => note)).toEqual(["held back: the circuit is open", "chosen"]);
  });

  test("health never refuses", () => {
    const decision = decider({ view: { ...calm, judge: () => held } })({});
    expect(namesOf(decision)).toEqual(["b/b-1", "c/c-1"]);
    expect(decision.rule).toBe("no-match");
    expect(decision.candidates[0]?.note).toBe("chosen, though held back: the circuit is open");
  });

  test("a direct choice is judged here only when it is explained; the road judges it itself", () => {
    const view = { ...calm, judge: () => held };
    expect(decider({ view })({ model: "a" }).candidates[0]?.note).toBe("chosen");
    expect(decider({ view })({ model: "a", isDry: true }).candidates[0]?.note).toContain("held back");
  });
});

describe("strategies", () => {
  const standing = new Map([
    ["a", { tier: "cheap", weight: 1 }],
    ["b", { tier: "cheap", weight: 3 }],
    ["c", { tier: "dear", weight: 1 }],
  ]);
  const rule = { name: "all", match: { fallthrough: true }, route_to: "a" };
  const over = { standing, layers: layersOf({ heuristics: [rule] }) };
  const firsts = (strategy: typeof baseOptions.strategy, count: number, more = {}): string[] => {
    const decide = decider({ ...over, strategy, ...more });
    return Array.from({ length: count }, () => decide({}).targets[0]?.provider ?? "");
  };

  test("priority keeps to the rule's own choice", () => {
    expect(firsts("priority", 3)).toEqual(["a", "a", "a"]);
  });

  test("round-robin takes turns within the tier, and the chain comes after the tier", () => {
    expect(firsts("round-robin", 4)).toEqual(["a", "b", "a", "b"]);
    const decision = decider({ ...over, strategy: "round-robin" })({});
    expect(namesOf(decision)).toEqual(["a/a-1", "b/b-1", "c/c-1"]);
    expect(decision.candidates[0]?.note).toBe("chosen: its turn");
  });

  test("weighted shares by weight", () => {
    const taken = firsts("weighted", 40);
    expect(taken.filter((each) => each === "b")).toHaveLength(30);
    expect(taken).not.toContain("c");
  });

  test("an explanation uses up no turn", () => {
    const decide = decider({ ...over, strategy: "round-robin" });
    expect(decide({ isDry: true }).targets[0]?.provider).toBe("a");
    expect(decide({ isDry: true }).targets[0]?.provider).toBe("a");
    expect(decide({}).targets[0]?.provider).toBe("a");
    expect(decide({}).targets[0]?.provider).toBe("b");
  });

  test("lowest latency counts the load as well", () => {
    const loads = { a: { inFlight: 9, peakEwmaMs: 100 }, b: { inFlight: 0, peakEwmaMs: 400 } };
    const view = { ...calm, load: (id: string) => loads[id as "a"] ?? { inFlight: 0, peakEwmaMs: 1 } };
    expect(firsts("lowest-latency", 1, { view })).toEqual(["b"]);
    loads.a.inFlight = 2;
    expect(firsts("lowest-latency", 1, { view })).toEqual(["a"]);
  });

  test("least busy", () => {
    const view = { ...calm, load: (id: string) => ({ inFlight: id === "a" ? 2 : 1, peakEwmaMs: null }) };
    expect(firsts("least-busy", 1, { view })).toEqual(["b"]);
  });

  test("lowest cost; an unknown price goes last", () => {
    const price = (input: number) => ({ ...unknownFacts, priceInput: input, priceOutput: input });
    const by = (a: number | null, b: number | null) => ({
      modelFacts: (id: string) => {
        const input = id === "a" ? a : b;
        return input === null ? unknownFacts : price(input);
      },
    });
    expect(firsts("lowest-cost", 1, by(2, 1))).toEqual(["b"]);
    expect(firsts("lowest-cost", 1, by(null, 9))).toEqual(["b"]);
    expect(firsts("lowest-cost", 1, by(null, null))).toEqual(["a"]);
  });

  test("without tiers the chain is the pool", () => {
    const plain = { standing: new Map(), layers: layersOf() };
    expect(firsts("round-robin", 3, plain)).toEqual(["b", "c", "b"]);
  });

  test("a session stays with its last provider while that can serve", () => {
    const view = { ...calm, lastOf: (pool: string) => (pool === "tier cheap" ? "b" : null) };
    const decide = decider({ ...over, strategy: "round-robin", view });
    const decision = decide({ session: "s" });
    expect(decision.targets[0]?.provider).toBe("b");
    expect(decision.candidates[0]?.note).toBe("chosen: the session's last provider");
    expect(decide({ session: "s" }).targets[0]?.provider).toBe("b");
    expect(decide({}).targets[0]?.provider).toBe("a");
    const ill = {
      ...view,
      judge: (id: string) =>
        id === "b" ? ({ go: "no", untilMs: 1, why: "ill" } as const) : ({ go: "yes" } as const),
    };
    expect(
      decider({ ...over, strategy: "round-robin", view: ill })({ session: "s" }).targets[0]?.provider,
    ).toBe("a");
  });
});

function failureOf(run: () => unknown): Failure {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("it did not fail");
}
