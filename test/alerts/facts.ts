// Facts for the checks of alerts: a quiet gateway with two healthy providers, and what a test changes of it.

import type { AlertFacts, ProviderFacts } from "../../src/alerts/facts.ts";

export const key = (state: ProviderFacts["keys"][number]["state"], untilMs: number | null = null) => ({
  id: "",
  state,
  untilMs,
  models: [] as readonly string[],
  unproven: null,
});

export const provider = (id: string, change: Partial<ProviderFacts> = {}): ProviderFacts => ({
  id,
  isProgram: false,
  circuit: "closed",
  lastError: null,
  retryAtMs: null,
  lastResult: "ok",
  keys: [key("ok")],
  ...change,
});

export const facts = (change: Partial<AlertFacts> = {}): AlertFacts => ({
  nowMs: Date.UTC(2026, 5, 15, 12),
  providers: [provider("one"), provider("two")],
  chain: ["one", "two"],
  budgets: [],
  problems: [],
  failures: () => ({ total: 0, failed: 0 }),
  spentIn: () => 0,
  firstSpentHourMs: null,
  unpriced: [],
  ...change,
});
