// A RequestRecord as the values of one row: a column for what is searched, indexed or counted, one text for the rest.
// Pure; it must never decide what is kept of a request beyond cutting it to size.

import type { RequestRecord } from "../canon/record.ts";
import { writeDetail } from "./detail.ts";
import { shownModel, shownProvider, text, whole } from "./measures.ts";

export type Value = string | number | null;

const columns =
  "request_id, started_at_ms, tenant, provider, layer, failure, stream, status, duration_ms, first_token_ms, " +
  "input_tokens, input_cached, output_tokens, cost_nano_usd, finish, detail";

export const insertRow = `INSERT INTO request_records (${columns}) VALUES (${columns.replaceAll(/\w+/g, "?")})`;

/** In the order of `insertRow`. Throws when facts cannot be written as JSON. */
export function rowOf(record: RequestRecord, keepsDecisions: boolean): Value[] {
  const { usage } = record;
  return [
    record.id,
    whole(record.startedAtMs),
    text(record.tenant),
    shownProvider(record),
    record.layer,
    record.failure,
    record.stream ? 1 : 0,
    whole(record.status),
    whole(record.durationMs) ?? 0,
    whole(record.firstTokenMs),
    whole(usage.input),
    whole(usage.inputCached),
    whole(usage.output),
    whole(record.costNanoUsd),
    record.finish,
    writeDetail(record, shownModel(record), keepsDecisions),
  ];
}
