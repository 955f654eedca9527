// The cost of a routing decision: one recorded OpenClaw request for `auto`, the stock rules of config.example.yaml, decoding measured
// separately. In this process and without a network; JSON.parse of the same bytes is the reference.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { openaiChat } from "../../src/dialects/openai-chat/dialect.ts";
import { type ModelFacts, requirementsOf } from "../../src/routing/eligibility.ts";
import { createLayers } from "../../src/routing/layers.ts";
import { ruleInputOf } from "../../src/routing/rule-input.ts";
import { createRouter, type Router } from "../../src/routing/router.ts";
import { heuristicRulesSettings, staticRulesSettings } from "../../src/routing/settings.ts";
import openClaw from "./bodies/openclaw-chat.json";

export type RoutingCost = {
  readonly bytes: number;
  readonly decideP50Us: number;
  readonly decodeP50Us: number;
  readonly parseP50Us: number;
  readonly rule: string;
};

const rounds = 3_000;

const facts: ModelFacts = {
  contextWindow: 128_000,
  maxOutput: 8_192,
  tools: true,
  vision: null,
  json: true,
  thinking: null,
  priceInput: 0.27,
  priceOutput: 1.1,
};

function stockRouter(): Router {
  const path = join(import.meta.dir, "..", "..", "config.example.yaml");
  const stock = parse(readFileSync(path, "utf8")) as {
    providers: Record<string, { model?: string; tier?: string }>;
    fallback_chain: string[];
    static_rules: unknown;
    heuristic_rules: unknown;
  };
  const ids = Object.keys(stock.providers);
  return createRouter({
    providers: ids.map((id) => {
      const model = stock.providers[id]?.model ?? id;
      return { id, model, models: [model] };
    }),
    skipped: {},
    aliases: {},
    fallbackChain: stock.fallback_chain,
    defaultModel: null,
    isHint: () => false,
    withoutFallback: new Set(),
    strategy: "priority",
    standing: new Map(),
    modelFacts: () => facts,
    layers: createLayers({
      staticRules: staticRulesSettings.parse(stock.static_rules),
      heuristicRules: heuristicRulesSettings.parse(stock.heuristic_rules),
      classifier: null,
    }),
    view: {
      judge: () => ({ go: "yes" }),
      load: () => ({ inFlight: 0, peakEwmaMs: null }),
      lastOf: () => null,
    },
  });
}

const median = (values: number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;

export function measureRouting(): RoutingCost {
  const router = stockRouter();
  const text = JSON.stringify({ ...openClaw, model: "auto" });
  const spent = { parse: [] as number[], decode: [] as number[], decide: [] as number[] };
  let rule = "";
  for (let round = 0; round < rounds; round++) {
    const startNs = Bun.nanoseconds();
    const body: unknown = JSON.parse(text);
    const parsedNs = Bun.nanoseconds();
    const request = openaiChat.client.decodeRequest(body);
    const decodedNs = Bun.nanoseconds();
    const question = ruleInputOf(request, () => null);
    const decision = router.decide({
      model: "auto",
      isFallbackOff: false,
      session: null,
      requirements: requirementsOf(question.facts),
      read: () => question,
    });
    const decidedNs = Bun.nanoseconds();
    if (decision instanceof Promise) throw new Error("the default rules call no classifier");
    ({ rule } = decision);
    spent.parse.push((parsedNs - startNs) / 1_000);
    spent.decode.push((decodedNs - parsedNs) / 1_000);
    spent.decide.push((decidedNs - decodedNs) / 1_000);
  }
  return {
    bytes: Buffer.byteLength(text),
    decideP50Us: median(spent.decide),
    decodeP50Us: median(spent.decode),
    parseP50Us: median(spent.parse),
    rule,
  };
}
