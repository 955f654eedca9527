// A RecordFilter as conditions on rows, and on the sums of a rollup. Both must mean the same. Pure.

import type { RecordFilter } from "./query-shapes.ts";
import { counterIndex, type CounterName, dimensionIndex, type DimensionName } from "./record-counters.ts";
import { outcomeOf } from "./record-values.ts";
import { otherNames, type RollupData } from "./rollup-data.ts";
import type { SqlValue } from "./record-row.ts";
import { idleMark, repeatedMark } from "./waste-marks.ts";

export type Conditions = { readonly sql: string; readonly values: readonly SqlValue[] };

type Status = {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  readonly dimension: "status" | "failure";
  readonly matches: (name: string) => boolean;
};

function statusOf(status: string): Status {
  if (status === "ok" || status === "failed" || status === "cancelled") {
    const sql = {
      ok: "failure IS NULL",
      failed: "failure IS NOT NULL AND failure <> 'cancelled'",
      cancelled: "failure IS NOT NULL AND failure = 'cancelled'",
    };
    return {
      sql: sql[status],
      values: [],
      dimension: "failure",
      matches: (name) => outcomeOf(name === "" ? null : name) === status,
    };
  }
  if (/^\d{3}$/.test(status))
    return {
      sql: "status = ?",
      values: [Number(status)],
      dimension: "status",
      matches: (name) => name === status,
    };
  if (/^\dxx$/.test(status)) {
    const first = Number(status[0]) * 100;
    return {
      sql: "status BETWEEN ? AND ?",
      values: [first, first + 99],
      dimension: "status",
      matches: (name) => name.length === 3 && name[0] === status[0],
    };
  }
  return {
    sql: "failure IS NOT NULL AND failure = ?",
    values: [status],
    dimension: "failure",
    matches: (name) => name === status,
  };
}

const columns = [
  ["tenant", "coalesce(tenant, '')"],
  ["client", "coalesce(client, '')"],
  ["provider", "provider"],
  ["model", "coalesce(model, '')"],
  ["rule", "coalesce(rule, '')"],
  ["class", "coalesce(class, '')"],
] as const;

/** Words in the place of a tag, for what nobody tagged: the requests behind a line of waste. */
const wasteTags: Readonly<Record<string, { readonly sql: string; readonly counter: CounterName }>> = {
  "waste:idle": { sql: `waste IS NOT NULL AND waste & ${idleMark} <> 0`, counter: "idleRequests" },
  "waste:repeated": {
    sql: `waste IS NOT NULL AND waste & ${repeatedMark} <> 0`,
    counter: "repeatedRequests",
  },
  "waste:cache-miss": { sql: "miss_nano_usd IS NOT NULL", counter: "misses" },
};

/** A tag holds no comma (pipeline/admission.ts): several in one filter must all hold. */
const tagsOf = (tag: string | undefined): readonly string[] =>
  (tag ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

/** Everything but the time and the number of the row. "" asks for requests without that name. */
export function rowConditions(filter: RecordFilter): Conditions {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  for (const [name, column] of columns) {
    const value = filter[name];
    if (value === undefined) continue;
    // The bare column where that means the same, because only then an index is used.
    parts.push(value === "" ? `${column} = ''` : `${name} = ?`);
    if (value !== "") values.push(value);
  }
  if (filter.session !== undefined) {
    const ofTenant = filter.tenant === undefined ? "" : " AND tenant = ?";
    parts.push(`session_id IN (SELECT id FROM sessions WHERE name = ?${ofTenant})`);
    values.push(filter.session, ...(filter.tenant === undefined ? [] : [filter.tenant]));
  }
  if (filter.agent !== undefined) {
    parts.push("(agent = ? OR parent_agent = ?)");
    values.push(filter.agent, filter.agent);
  }
  if (filter.status !== undefined) {
    const status = statusOf(filter.status);
    parts.push(status.sql);
    values.push(...status.values);
  }
  for (const tag of tagsOf(filter.tag)) {
    const marked = Object.hasOwn(wasteTags, tag) ? wasteTags[tag] : undefined;
    parts.push(marked?.sql ?? "tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)");
    if (marked === undefined) values.push(tag);
  }
  if (filter.minNanoUsd !== undefined) {
    parts.push("cost_nano_usd >= ?");
    values.push(filter.minNanoUsd);
  }
  return { sql: parts.map((part) => ` AND ${part}`).join(""), values };
}

/** Whether sums can answer it: they know neither sessions nor single costs. */
export function isSummable({ session, minNanoUsd, tag }: RecordFilter): boolean {
  const isMarked = tagsOf(tag).some((each) => Object.hasOwn(wasteTags, each));
  return session === undefined && minNanoUsd === undefined && !isMarked;
}

function hasTag(written: string, tag: string): boolean {
  return written !== "" && written !== otherNames && (JSON.parse(written) as string[]).includes(tag);
}

export type CellMatch = {
  /** 1 for each cell that the filter lets through; null: all of them. */
  readonly mask: Uint8Array | null;
  /** How many. */
  readonly matched: number;
  /** Some may be hidden among names that are not kept apart. */
  readonly isCut: boolean;
};

/** Which sums of a rollup the filter lets through, as far as sums can tell. */
export function matchCells(data: RollupData, filter: RecordFilter): CellMatch {
  const { agent, status, tag } = filter;
  const named = columns.map(([name]) => filter[name]);
  if ([...named, agent, status, tag].every((each) => each === undefined))
    return { mask: null, matched: data.cells, isCut: false };
  const mask = new Uint8Array(data.cells).fill(1);
  let isCut = false;
  const keep = (wanted: readonly (readonly [DimensionName, (name: string) => boolean])[]): void => {
    const lists = wanted.map(([name, matches]) => {
      const dimension = data.dimensions[dimensionIndex[name]];
      isCut ||= dimension?.isCut === true;
      return { of: dimension?.of, isKept: (dimension?.names ?? []).map(matches) };
    });
    for (let i = 0; i < data.cells; i++)
      if (!lists.some(({ of, isKept }) => isKept[of?.[i] ?? 0])) mask[i] = 0;
  };
  for (const [name] of columns) {
    const value = filter[name];
    if (value !== undefined) keep([[name, (each) => each === value]]);
  }
  if (agent !== undefined) {
    const isAgent = (each: string): boolean => each === agent;
    keep([
      ["agent", isAgent],
      ["parent", isAgent],
    ]);
  }
  if (status !== undefined) {
    const { dimension, matches } = statusOf(status);
    keep([[dimension, matches]]);
  }
  for (const each of tagsOf(tag)) {
    const marked = Object.hasOwn(wasteTags, each) ? wasteTags[each] : undefined;
    if (marked === undefined) keep([["tags", (written) => hasTag(written, each)]]);
    else {
      const counts = data.counter(counterIndex[marked.counter]);
      for (let i = 0; i < data.cells; i++) if ((counts?.[i] ?? 0) === 0) mask[i] = 0;
    }
  }
  let matched = 0;
  for (const each of mask) matched += each;
  return { mask, matched, isCut };
}
