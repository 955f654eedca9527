// From a name to the order in which targets are tried.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { createRouter, type RouterOptions } from "../../src/routing/router.ts";

const options: RouterOptions = {
  providers: [
    { id: "a", model: "a-1", models: ["a-1", "a-2"] },
    { id: "b", model: "b-1", models: ["b-1"] },
    { id: "c", model: "c-1", models: ["c-1"] },
  ],
  skipped: {},
  aliases: {},
  fallbackChain: ["b", "c"],
  defaultModel: null,
  withoutFallback: new Set(["c"]),
};

const order = (model: string, isFallbackOff = false, over: Partial<RouterOptions> = {}): string[] =>
  createRouter({ ...options, ...over })
    .decide({ model, isFallbackOff })
    .targets.map((target) => `${target.provider}/${target.model}`);

describe("the order of targets", () => {
  const cases: readonly (readonly [string, boolean, string[]])[] = [
    ["auto", false, ["b/b-1", "c/c-1"]],
    ["auto", true, ["b/b-1"]],
    ["a", false, ["a/a-1", "b/b-1", "c/c-1"]],
    ["a", true, ["a/a-1"]],
    ["a-2", false, ["a/a-2", "b/b-1", "c/c-1"]],
    ["b/other", false, ["b/other", "c/c-1"]],
    ["c", false, ["c/c-1"]],
  ];
  test.each([...cases])("%s (fallback off: %p)", (model, isOff, targets) => {
    expect(order(model, isOff)).toEqual(targets);
  });

  test("without a chain `auto` goes through the config's order and a direct choice stands alone", () => {
    expect(order("auto", false, { fallbackChain: [] })).toEqual(["a/a-1", "b/b-1", "c/c-1"]);
    expect(order("b", false, { fallbackChain: [] })).toEqual(["b/b-1"]);
  });

  test("a chain may name a provider that is not loaded", () => {
    expect(order("auto", false, { fallbackChain: ["gone", "a"] })).toEqual(["a/a-1"]);
  });

  test("`auto` without any provider is 404", () => {
    expect(() => order("auto", false, { providers: [], fallbackChain: [] })).toThrow(Failure);
  });
});

test("the decision says what it is", () => {
  const router = createRouter(options);
  const direct = router.decide({ model: "a/unlisted", isFallbackOff: false });
  expect(direct).toMatchObject({
    layer: "direct",
    rule: "explicit-model",
    confidence: 1,
    isClientsOwnModel: true,
  });
  expect(direct.candidates.map((each) => each.note)).toEqual(["chosen", "fallback", "fallback"]);
  const auto = router.decide({ model: "auto", isFallbackOff: false });
  expect(auto).toMatchObject({ layer: "fallback", rule: "no-match", isClientsOwnModel: false });
  expect(router.decide({ model: "a-2", isFallbackOff: false }).isClientsOwnModel).toBe(false);
});
