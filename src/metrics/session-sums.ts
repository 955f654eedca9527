// The sessions of a batch: each has a row whose number stands in its requests, and what it amounts to is added when the batch is
// written. Names of models and agents are bounded.

import { LRUCache } from "lru-cache";
import type { RequestRecord } from "../canon/record.ts";
import type { SqliteDatabase, SqliteStatement } from "../sqlite/database-file.ts";
import type { SqlValue } from "./record-row.ts";
import { boundedText, displayModel, outcomeOf, wholeNumber } from "./record-values.ts";

const maxModels = 16;
const maxAgents = 64;
const rememberedSessions = 5_000;

type Addition = {
  readonly id: number;
  readonly tenant: string;
  readonly name: string;
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
  readonly models: Map<string, number>;
  readonly agents: Set<string>;
};

function emptyAddition(id: number, tenant: string, name: string): Addition {
  return {
    id,
    tenant,
    name,
    client: null,
    firstMs: Infinity,
    lastMs: -Infinity,
    requests: 0,
    failures: 0,
    input: 0,
    cached: 0,
    output: 0,
    cost: 0,
    list: 0,
    misses: 0,
    missCost: 0,
    models: new Map(),
    agents: new Set(),
  };
}

function add(record: RequestRecord, to: Addition): void {
  const { usage, cacheMiss } = record;
  const startedAtMs = Math.round(record.startedAtMs);
  to.client ??= boundedText(record.client);
  if (startedAtMs < to.firstMs) to.firstMs = startedAtMs;
  if (startedAtMs > to.lastMs) to.lastMs = startedAtMs;
  to.requests += 1;
  if (outcomeOf(record.failure) === "failed") to.failures += 1;
  to.input += wholeNumber(usage.input) ?? 0;
  to.cached += wholeNumber(usage.inputCached) ?? 0;
  to.output += wholeNumber(usage.output) ?? 0;
  to.cost += wholeNumber(record.costNanoUsd) ?? 0;
  to.list += wholeNumber(record.listNanoUsd ?? null) ?? 0;
  if (cacheMiss !== undefined) {
    to.misses += 1;
    to.missCost += wholeNumber(cacheMiss.nanoUsd) ?? 0;
  }
  const model = displayModel(record);
  if (model !== "") to.models.set(model, (to.models.get(model) ?? 0) + 1);
  if (record.agent !== undefined) to.agents.add(boundedText(record.agent));
}

const columns =
  "tenant, name, client, first_ms, last_ms, requests, failures, input_tokens, cached_tokens, output_tokens, " +
  "cost_nano_usd, list_nano_usd, misses, miss_nano_usd, models, agents";
const counters = columns.split(", ").slice(5, 14);

const statements = {
  find: "SELECT id FROM sessions WHERE tenant = ?1 AND name = ?2",
  create: `INSERT INTO sessions (${columns}) VALUES (?1, ?2, NULL, ?3, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]') RETURNING id`,
  names: "SELECT models, agents FROM sessions WHERE id = ?1",
  // The row is made again if another gateway of the file deleted it in between.
  add:
    `INSERT INTO sessions (id, ${columns}) VALUES (?, ${columns.replaceAll(/\w+/g, "?")}) ON CONFLICT DO UPDATE SET ` +
    counters.map((name) => `${name} = ${name} + excluded.${name}`).join(", ") +
    ", client = coalesce(client, excluded.client), first_ms = min(first_ms, excluded.first_ms), " +
    "last_ms = max(last_ms, excluded.last_ms), models = excluded.models, agents = excluded.agents",
};

/** Written by `SessionWriter`; nothing else writes these columns. */
export function readSessionNames(row: { readonly models: string; readonly agents: string }) {
  return {
    models: new Map(Object.entries(JSON.parse(row.models) as Record<string, number>)),
    agents: new Set(JSON.parse(row.agents) as string[]),
  };
}

export class SessionWriter {
  private readonly ids = new LRUCache<string, number>({ max: rememberedSessions });
  private batch = new Map<number, Addition>();
  private readonly find: SqliteStatement<{ id: number }, SqlValue[]>;
  private readonly create: SqliteStatement<{ id: number }, SqlValue[]>;
  private readonly names: SqliteStatement<{ models: string; agents: string }, SqlValue[]>;
  private readonly add: SqliteStatement<unknown, SqlValue[]>;

  constructor(db: SqliteDatabase) {
    this.find = db.prepare(statements.find);
    this.create = db.prepare(statements.create);
    this.names = db.prepare(statements.names);
    this.add = db.prepare(statements.add);
  }

  /** At the start of a batch: what was learned in one that was rolled back is forgotten. */
  begin(): void {
    if (this.batch.size === 0) return;
    this.batch = new Map();
    this.ids.clear();
  }

  /** The row's number; null without a session. */
  idOf(record: RequestRecord): number | null {
    if (record.session === null) return null;
    const tenant = boundedText(record.tenant) ?? "";
    const name = boundedText(record.session);
    const key = `${tenant}\n${name}`;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = (this.find.get(tenant, name) ?? this.create.get(tenant, name, Math.round(record.startedAtMs)))?.id;
      if (id === undefined) throw new Error("SQLite returned no id for a session");
      this.ids.set(key, id);
    }
    if (!this.batch.has(id)) this.batch.set(id, emptyAddition(id, tenant, name));
    return id;
  }

  count(record: RequestRecord, id: number | null): void {
    const addition = id === null ? undefined : this.batch.get(id);
    if (addition !== undefined) add(record, addition);
  }

  /** At the end of a batch, in its transaction. */
  write(): void {
    for (const each of this.batch.values()) if (each.requests > 0) this.writeOne(each);
  }

  /** After the transaction. */
  end(): void {
    this.batch = new Map();
  }

  close(): void {
    for (const statement of [this.find, this.create, this.names, this.add]) statement.finalize();
  }

  private writeOne(each: Addition): void {
    const stored = readSessionNames(this.names.get(each.id) ?? { models: "{}", agents: "[]" });
    for (const [model, count] of each.models)
      if (stored.models.has(model) || stored.models.size < maxModels)
        stored.models.set(model, (stored.models.get(model) ?? 0) + count);
    for (const agent of each.agents) if (stored.agents.size < maxAgents) stored.agents.add(agent);
    this.add.run(
      each.id,
      each.tenant,
      each.name,
      each.client,
      each.firstMs,
      each.lastMs,
      each.requests,
      each.failures,
      each.input,
      each.cached,
      each.output,
      each.cost,
      each.list,
      each.misses,
      each.missCost,
      JSON.stringify(Object.fromEntries(stored.models)),
      JSON.stringify([...stored.agents]),
    );
  }
}
