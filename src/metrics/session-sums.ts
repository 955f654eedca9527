// What requests add to their sessions, and how it is written: with a piece of the rollups, so that a request counts once in both.
// Names of models and agents are bounded.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { CountedRow } from "./record-counters.ts";
import { outcomeOf } from "./record-values.ts";

const maxModels = 16;
const maxAgents = 64;

/** To be added to the session's row; `models` and `agents` replace what is there. */
export type SessionAddition = {
  readonly id: number;
  client: string | null;
  firstMs: number;
  lastMs: number;
  requests: number;
  failures: number;
  input: number;
  cached: number;
  output: number;
  cost: number;
  list: number;
  misses: number;
  missCost: number;
  unknownCost: number;
  models: string;
  agents: string;
};

/** Written by `writeSessionAdditions`; nothing else writes these columns. */
export function readSessionNames(row: { readonly models: string; readonly agents: string }) {
  return {
    models: new Map(Object.entries(JSON.parse(row.models) as Record<string, number>)),
    agents: new Set(JSON.parse(row.agents) as string[]),
  };
}

class GrowingSession {
  private readonly addition: SessionAddition;
  private readonly models: Map<string, number>;
  private readonly agents: Set<string>;

  constructor(id: number, stored: ReturnType<typeof readSessionNames>) {
    this.addition = {
      id,
      client: null,
      firstMs: Number.MAX_SAFE_INTEGER,
      lastMs: 0,
      requests: 0,
      failures: 0,
      input: 0,
      cached: 0,
      output: 0,
      cost: 0,
      list: 0,
      misses: 0,
      missCost: 0,
      unknownCost: 0,
      models: "",
      agents: "",
    };
    ({ models: this.models, agents: this.agents } = stored);
  }

  add(row: CountedRow): void {
    const to = this.addition;
    const [, startedAtMs, , client, agent, , , model, , , failure] = row;
    to.client ??= client;
    to.firstMs = Math.min(to.firstMs, startedAtMs);
    to.lastMs = Math.max(to.lastMs, startedAtMs);
    to.requests += 1;
    if (outcomeOf(failure) === "failed") to.failures += 1;
    to.input += row[16] ?? 0;
    to.cached += row[17] ?? 0;
    to.output += row[19] ?? 0;
    to.cost += row[21] ?? 0;
    // As in the sums of a series.
    if ((row[13] ?? 0) > 0 && row[21] === null) to.unknownCost += 1;
    to.list += Math.max(0, row[22] ?? 0);
    if (row[25] !== null) {
      to.misses += 1;
      to.missCost += Math.max(0, row[25]);
    }
    const { models, agents } = this;
    if (model !== null && model !== "" && (models.has(model) || models.size < maxModels))
      models.set(model, (models.get(model) ?? 0) + 1);
    if (agent !== null && agents.size < maxAgents) agents.add(agent);
  }

  whole(): SessionAddition {
    const models = JSON.stringify(Object.fromEntries(this.models));
    return { ...this.addition, models, agents: JSON.stringify([...this.agents]) };
  }
}

/** What these requests add. */
export function sessionAdditions(db: SqliteDatabase, rows: readonly CountedRow[]): SessionAddition[] {
  const names = db.query<{ models: string; agents: string }, [number]>(
    "SELECT models, agents FROM sessions WHERE id = ?1",
  );
  const growing = new Map<number, GrowingSession>();
  for (const row of rows) {
    const id = row[27];
    if (id === null) continue;
    let session = growing.get(id);
    if (session === undefined) {
      session = new GrowingSession(id, readSessionNames(names.get(id) ?? { models: "{}", agents: "[]" }));
      growing.set(id, session);
    }
    session.add(row);
  }
  return [...growing.values()].map((session) => session.whole());
}

const counters = [
  ["requests", "requests"],
  ["failures", "failures"],
  ["input_tokens", "input"],
  ["cached_tokens", "cached"],
  ["output_tokens", "output"],
  ["cost_nano_usd", "cost"],
  ["list_nano_usd", "list"],
  ["misses", "misses"],
  ["miss_nano_usd", "missCost"],
  ["unknown_cost", "unknownCost"],
] as const;

const addStatement =
  `UPDATE sessions SET ${counters.map(([column]) => `${column} = ${column} + ?`).join(", ")}, client = coalesce(client, ?), ` +
  "first_ms = min(first_ms, ?), last_ms = max(last_ms, ?), models = ?, agents = ? WHERE id = ?";

/** In the transaction of the rollups. A session that was deleted in between stays deleted. */
export function writeSessionAdditions(db: SqliteDatabase, additions: readonly SessionAddition[]): void {
  const statement = db.query(addStatement);
  for (const each of additions)
    statement.run(
      ...counters.map(([, name]) => each[name]),
      each.client,
      each.firstMs,
      each.lastMs,
      each.models,
      each.agents,
      each.id,
    );
}
