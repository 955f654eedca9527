// The answers of /api/sessions: the latest conversations a page at a time, and one of them over time. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Deadline, isOver } from "./counted-rows.ts";
import { percent } from "./group-sums.ts";
import type { SessionAgent, SessionReport, SessionRow, SessionsPage, SessionsQuery } from "./query-shapes.ts";
import { type Conditions, rowConditions } from "./record-filter.ts";
import type { SqlValue } from "./record-row.ts";
import { pageSize } from "./request-list.ts";
import { listedRequest, selectRows, type StoredRow, usd } from "./request-row.ts";
import { readSessionNames } from "./session-sums.ts";

const mostTurns = 500;
const mostModels = 8;
const mostAgents = 200;
const mostTools = 200;
/** Tools are counted in the newest turns of a very long session. */
const turnsOfTools = 5_000;

type Stored = {
  readonly id: number;
  readonly tenant: string;
  readonly name: string;
  readonly client: string | null;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly requests: number;
  readonly failures: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  readonly cost_nano_usd: number;
  readonly list_nano_usd: number;
  readonly misses: number;
  readonly miss_nano_usd: number;
  readonly unknown_cost: number;
  readonly models: string;
  readonly agents: string;
};

function shown(row: Stored): SessionRow {
  const { models, agents } = readSessionNames(row);
  const mostUsed = [...models].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
  return {
    session: row.name,
    tenant: row.tenant === "" ? null : row.tenant,
    client: row.client,
    first_ms: row.first_ms,
    last_ms: row.last_ms,
    requests: row.requests,
    failures: row.failures,
    input_tokens: row.input_tokens,
    cached_tokens: row.cached_tokens,
    output_tokens: row.output_tokens,
    cache_hit_pct: percent(row.cached_tokens, row.input_tokens),
    cost_usd: usd(row.cost_nano_usd),
    unknown_cost_requests: row.unknown_cost,
    flat_rate_list_usd: usd(row.list_nano_usd),
    misses: row.misses,
    miss_usd: usd(row.miss_nano_usd),
    models: mostUsed.slice(0, mostModels),
    agents: agents.size,
  };
}

/** The latest request and the number of the last session of the page before. */
function cursorOf(cursor: string | undefined): readonly [lastMs: number, id: number] {
  const parts = cursor === undefined ? null : /^(\d{1,15})-(\d{1,15})$/.exec(cursor);
  if (parts === null) return [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  return [Number(parts[1]), Number(parts[2])];
}

/** Conditions that only the requests of a session can answer, one of them all; the rest is known of the session itself. */
function requestConditions(query: SessionsQuery): Conditions {
  const { client, agent, provider, model, rule, status, tag, fromMs = 0, toMs } = query;
  const filter = { client, agent, provider, model, rule, status, tag };
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  const { sql, values } = rowConditions(given);
  if (sql === "") return { sql, values };
  return {
    sql: `${sql} AND started_at_ms >= ? AND started_at_ms < ?`,
    values: [...values, fromMs, toMs ?? Number.MAX_SAFE_INTEGER],
  };
}

export function readSessions(db: SqliteDatabase, query: SessionsQuery, deadline: Deadline): SessionsPage {
  const wanted = pageSize(query.limit);
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (part: string, value: SqlValue | undefined): void => {
    if (value === undefined) return;
    parts.push(` AND ${part}`);
    values.push(value);
  };
  add("last_ms >= ?", query.fromMs);
  add("first_ms < ?", query.toMs);
  add("tenant = ?", query.tenant);
  add("name = ?", query.session);
  add("cost_nano_usd >= ?", query.minNanoUsd);
  const piece = db.query<Stored, SqlValue[]>(
    `SELECT * FROM sessions WHERE (last_ms < ? OR (last_ms = ? AND id < ?))${parts.join("")} ORDER BY last_ms DESC, id DESC LIMIT ?`,
  );
  const ofRequests = requestConditions(query);
  const isMeant = db.query<unknown, SqlValue[]>(
    `SELECT 1 FROM request_records WHERE session_id = ?${ofRequests.sql} LIMIT 1`,
  );
  const found: Stored[] = [];
  let [lastMs, id] = cursorOf(query.cursor);
  let hasLooked = false;
  for (;;) {
    const rows = piece.all(lastMs, lastMs, id, ...values, wanted + 1);
    for (const row of rows) {
      if (found.length === wanted) return pageOf(found, [lastMs, id]);
      // Every page gets at least one session further.
      if (hasLooked && isOver(deadline)) return pageOf(found, [lastMs, id]);
      hasLooked = true;
      [lastMs, id] = [row.last_ms, row.id];
      if (ofRequests.sql === "" || isMeant.get(row.id, ...ofRequests.values) !== null) found.push(row);
    }
    if (rows.length <= wanted) return pageOf(found, null);
  }
}

function pageOf(rows: readonly Stored[], next: readonly [number, number] | null): SessionsPage {
  return { sessions: rows.map(shown), next: next === null ? null : next.join("-") };
}

type AgentRow = {
  readonly agent: string | null;
  readonly parent: string | null;
  readonly requests: number;
  readonly cost: number;
  readonly unknown: number;
  readonly list: number;
};

function agentsOf(db: SqliteDatabase, sessionId: number): SessionAgent[] {
  return db
    .query<AgentRow, [number, number]>(
      "SELECT agent, max(parent_agent) AS parent, count(*) AS requests, coalesce(sum(cost_nano_usd), 0) AS cost, " +
        "sum(attempts > 0 AND cost_nano_usd IS NULL) AS unknown, coalesce(sum(max(list_nano_usd, 0)), 0) AS list FROM request_records " +
        "WHERE session_id = ?1 GROUP BY agent ORDER BY agent IS NOT NULL, cost DESC LIMIT ?2",
    )
    .all(sessionId, mostAgents)
    .map(({ agent, parent, requests, cost, unknown, list }) => ({
      agent,
      parent_agent: parent,
      requests,
      cost_usd: usd(cost),
      unknown_cost_requests: unknown,
      flat_rate_list_usd: usd(list),
    }));
}

function toolsOf(db: SqliteDatabase, sessionId: number): Record<string, number> {
  const rows = db
    .query<{ name: string; calls: number }, [number, number, number]>(
      "SELECT value AS name, count(*) AS calls FROM " +
        "(SELECT detail FROM request_records WHERE session_id = ?1 ORDER BY id DESC LIMIT ?2), " +
        "json_each(detail, '$.toolCalls') GROUP BY value ORDER BY calls DESC LIMIT ?3",
    )
    .all(sessionId, turnsOfTools, mostTools);
  return Object.fromEntries(rows.map(({ name, calls }) => [name, calls]));
}

export function readSession(
  db: SqliteDatabase,
  name: string,
  { tenant, cursor }: { readonly tenant?: string; readonly cursor?: string },
): SessionReport | null {
  const ofTenant = tenant === undefined ? "" : " AND tenant = ?";
  const row = db
    .query<Stored, SqlValue[]>(
      `SELECT * FROM sessions WHERE name = ?${ofTenant} ORDER BY last_ms DESC LIMIT 1`,
    )
    .get(name, ...(tenant === undefined ? [] : [tenant]));
  if (row === null) return null;
  const before = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
  const rows = db
    .query<StoredRow, [number, number, number]>(
      `${selectRows} WHERE session_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
    )
    .all(row.id, before, mostTurns + 1);
  const turns = rows.slice(0, mostTurns);
  return {
    session: shown(row),
    agents: agentsOf(db, row.id),
    tools: toolsOf(db, row.id),
    turns: turns.map(listedRequest),
    next: rows.length > mostTurns ? String(turns.at(-1)?.id) : null,
  };
}
