// The rules in the order of evaluation, as the config has them: names, conditions, what is switched off.

import { expect, test } from "bun:test";
import { ruleReport } from "../../../src/operator/reports/rule-report.ts";
import { startTestGateway } from "../../support/gateway.ts";

const rule = (name: string, match: object) => ({ name, match, route_to: "demo" });

async function reportOf(config: object) {
  const gateway = await startTestGateway({ config: { providers: { demo: { backend: "demo" } }, ...config } });
  try {
    const { loaded } = gateway.app.current();
    return ruleReport(loaded.config, (text) => text.replaceAll("sk-secret", "***")).rules;
  } finally {
    await gateway.stop();
  }
}

test("aliases, static rules, heuristics, categories, the rules that always match, the chain", async () => {
  const rules = await reportOf({
    aliases: { "fast-*": "demo" },
    static_rules: {
      rules: [
        rule("by-model", { model_requested: ["gpt-*", "o1"] }),
        rule("by-header", { header_contains: { "x-team": "sk-secret" }, not: { model_requested: "x" } }),
      ],
    },
    heuristic_rules: {
      enabled: false,
      rules: [
        rule("always", { fallthrough: true }),
        rule("long", { estimated_tokens: { greater_than: 5 }, has_tools: true }),
      ],
    },
    llm_classifier: {
      enabled: true,
      classifier_provider: "demo",
      fallback_on_timeout: "demo",
      prompt: "Which? {last_user_message}",
      category_routing: { code: "demo" },
    },
  });
  expect(rules.map(({ layer, name, enabled }) => [layer, name, enabled])).toEqual([
    ["alias", "fast-*", true],
    ["static", "by-model", true],
    ["static", "by-header", true],
    ["heuristic", "long", false],
    ["llm-classify", "code", true],
    ["llm-classify", "classifier-timeout", true],
    ["llm-classify", "classifier-failed", true],
    ["llm-classify", "classifier-unknown", true],
    ["llm-classify", "classifier-over-budget", true],
    ["heuristic", "always", false],
    ["fallback", "no-match", true],
  ]);
  const said = Object.fromEntries(rules.map(({ name, description }) => [name, description]));
  expect(said["by-model"]).toBe("model_requested: gpt-*, o1");
  expect(said["by-header"]).toBe("not: (model_requested: x); header_contains: (x-team: ***)");
  expect(said["long"]).toBe("has_tools: true; estimated_tokens: (greater_than: 5)");
});

test("without rules only the chain decides", async () => {
  expect(await reportOf({ fallback_chain: ["demo"] })).toEqual([
    {
      layer: "fallback",
      name: "no-match",
      target: "demo",
      enabled: true,
      description: "no rule matched: the first of fallback_chain",
    },
  ]);
});
