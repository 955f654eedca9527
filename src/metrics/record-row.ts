// A RequestRecord as the values of one row: a column for each value that is searched, indexed or counted, one text for the rest.
// Pure; it must never decide what is kept of a request, except for cutting values to size.

import type { RequestRecord } from "../canon/record.ts";
import { writeDetail } from "./detail.ts";
import {
  attemptCount,
  boundedText,
  displayModel,
  displayProvider,
  maybeUnknown,
  tagsText,
  wholeNumber,
} from "./record-values.ts";

export type SqlValue = string | number | null;

const columns =
  "request_id, started_at_ms, tenant, provider, layer, failure, stream, status, duration_ms, first_token_ms, " +
  "input_tokens, input_cached, output_tokens, cost_nano_usd, finish, detail, client, session_id, agent, parent_agent, " +
  "model, rule, tags, attempts, input_cache_write, output_reasoning, list_nano_usd, baseline_nano_usd, " +
  "uncached_nano_usd, miss_nano_usd, content_hash, waste, class";

export const insertStatement = `INSERT INTO request_records (${columns}) VALUES (${columns.replaceAll(/\w+/g, "?")})`;

/** What the writer knows of a record beside the record. */
export type RowContext = {
  readonly keepsDecisions: boolean;
  /** Its row in `sessions`. */
  readonly sessionId: number | null;
  /** Bits of metrics/waste-marks.ts. */
  readonly waste: number;
};

/** In the order of `insertStatement`. Throws if facts cannot be written as JSON. */
export function rowOf(record: RequestRecord, { keepsDecisions, sessionId, waste }: RowContext): SqlValue[] {
  const { usage } = record;
  return [
    record.id,
    wholeNumber(record.startedAtMs),
    boundedText(record.tenant),
    displayProvider(record),
    record.layer,
    record.failure,
    record.stream ? 1 : 0,
    wholeNumber(record.status),
    wholeNumber(record.durationMs) ?? 0,
    wholeNumber(record.firstTokenMs),
    wholeNumber(usage.input),
    wholeNumber(usage.inputCached),
    wholeNumber(usage.output),
    wholeNumber(record.costNanoUsd),
    record.finish,
    writeDetail(record, keepsDecisions),
    boundedText(record.client),
    sessionId,
    boundedText(record.agent ?? null),
    boundedText(record.parentAgent ?? null),
    displayModel(record),
    boundedText(record.rule) ?? "",
    tagsText(record.tags),
    attemptCount(record),
    wholeNumber(usage.inputCacheWrite),
    wholeNumber(usage.outputReasoning),
    maybeUnknown(record.listNanoUsd),
    wholeNumber(record.baselineNanoUsd ?? null),
    wholeNumber(record.uncachedNanoUsd ?? null),
    record.cacheMiss === undefined ? null : maybeUnknown(record.cacheMiss.nanoUsd),
    boundedText(record.contentHash ?? null),
    waste === 0 ? null : waste,
    boundedText(record.requestClass ?? null),
  ];
}
