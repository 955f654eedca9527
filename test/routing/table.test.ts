// The routing table through the real router: names, static rules, heuristics, chain.

import { describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/schema.ts";
import { Failure } from "../../src/canon/failure.ts";
import { requirementsOf } from "../../src/routing/eligibility.ts";
import { createLayers } from "../../src/routing/layers.ts";
import { requestsModel } from "../../src/routing/model-hints.ts";
import { ruleInputOf } from "../../src/routing/rule-input.ts";
import { createRouter } from "../../src/routing/router.ts";
import { baseOptions } from "./ask.ts";
import { type RoutingCase, routingCases } from "./cases.ts";
import { configNamed } from "./fixtures.ts";

function deciderOf(config: Config): (asked: RoutingCase) => RoutingCase["expected"] {
  const router = createRouter({
    ...baseOptions,
    providers: Object.entries(config.providers).map(([id, { model = "" }]) => ({
      id,
      model,
      models: [model],
    })),
    skipped: {},
    aliases: {},
    fallbackChain: config.fallback_chain,
    isHint: requestsModel(config.static_rules),
    layers: createLayers({
      staticRules: config.static_rules,
      heuristicRules: config.heuristic_rules,
      classifier: null,
    }),
  });
  return ({ request, headers }) => {
    const question = ruleInputOf(request, (name) => headers[name] ?? null);
    try {
      const decision = router.decide({
        model: request.model,
        isFallbackOff: false,
        session: null,
        requirements: requirementsOf(question.facts),
        read: () => question,
      });
      if (decision instanceof Promise) throw new Error("nobody was to be asked");
      const provider = decision.layer === "fallback" ? null : (decision.targets[0]?.provider ?? null);
      return { layer: decision.layer, rule: decision.rule, provider };
    } catch (error) {
      if (error instanceof Failure && error.kind === "unknown-model") return null;
      throw error;
    }
  };
}

describe.each(["stock", "all-keys"] as const)("the table of %s", (name) => {
  const decide = deciderOf(configNamed(name));
  test.each(routingCases.filter((each) => each.config === name))("$name", (asked) => {
    expect(decide(asked)).toEqual(asked.expected);
  });
});

test("the table is as large as the issue asks, and no case stands in it twice", () => {
  const stock = routingCases.filter((each) => each.config === "stock");
  expect(stock.length).toBeGreaterThanOrEqual(150);
  const names = routingCases.map((each) => `${each.config}: ${each.name}`);
  expect(names.filter((name, at) => names.indexOf(name) < at)).toEqual([]);
});
