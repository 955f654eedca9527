// A RequestRecord as the values of one row: a column for each value that is searched, indexed or counted, one text for the rest.
// Pure; it must never decide what is kept of a request, except for cutting values to size.

import type { RequestRecord } from "../canon/record.ts";
import { writeDetail } from "./detail.ts";
import { displayModel, displayProvider, boundedText, wholeNumber } from "./record-values.ts";

export type SqlValue = string | number | null;

const columns =
  "request_id, started_at_ms, tenant, provider, layer, failure, stream, status, duration_ms, first_token_ms, " +
  "input_tokens, input_cached, output_tokens, cost_nano_usd, finish, detail";

export const insertStatement = `INSERT INTO request_records (${columns}) VALUES (${columns.replaceAll(/\w+/g, "?")})`;

/** In the order of `insertStatement`. Throws if facts cannot be written as JSON. */
export function rowOf(record: RequestRecord, keepsDecisions: boolean): SqlValue[] {
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
    writeDetail(record, displayModel(record), keepsDecisions),
  ];
}
