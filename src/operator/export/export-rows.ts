// Recorded requests as CSV or JSON lines, piece by piece, oldest first. It must never hold more than the piece that it writes.

import type { RequestRow } from "../../metrics/query-shapes.ts";
import { csvLine, type CsvValue, exactUsd } from "./csv-text.ts";

export type ExportFormat = "csv" | "jsonl";

type Column = readonly [name: string, value: (row: RequestRow) => CsvValue | undefined];

const columns: readonly Column[] = [
  ["time", (row) => new Date(Math.round(row.timestamp * 1000)).toISOString()],
  ["id", (row) => row.id],
  ["request_id", (row) => row.request_id],
  ["tenant", (row) => row.tenant],
  ["key_id", (row) => row.key_id],
  ["client", (row) => row.client],
  ["session", (row) => row.session],
  ["agent", (row) => row.agent],
  ["parent_agent", (row) => row.parent_agent],
  ["door", (row) => row.door],
  ["tags", (row) => row.tags.join("; ")],
  ["requested_model", (row) => row.requested_model],
  ["provider", (row) => row.provider],
  ["model", (row) => row.model],
  ["upstream_model", (row) => row.upstream_model],
  ["layer", (row) => row.layer],
  ["rule", (row) => row.rule_name],
  ["confidence", (row) => row.confidence],
  ["stream", (row) => row.stream],
  ["status", (row) => row.status],
  ["success", (row) => row.success],
  ["failure", (row) => row.failure],
  ["error", (row) => row.error],
  ["finish", (row) => row.finish],
  ["attempts", (row) => row.attempt_count],
  ["fallbacks", (row) => row.fallbacks],
  ["input_tokens", (row) => row.usage.input],
  ["cached_tokens", (row) => row.usage.input_cached],
  ["cache_write_tokens", (row) => row.usage.input_cache_write],
  ["output_tokens", (row) => row.usage.output],
  ["reasoning_tokens", (row) => row.usage.output_reasoning],
  ["cost_usd", (row) => exactUsd(row.cost_usd)],
  ["list_usd", (row) => exactUsd(row.list_usd)],
  ["baseline_usd", (row) => exactUsd(row.baseline_usd)],
  ["uncached_usd", (row) => exactUsd(row.uncached_usd)],
  ["part_input_usd", (row) => exactUsd(row.cost_parts?.input_usd)],
  ["part_cached_usd", (row) => exactUsd(row.cost_parts?.cached_usd)],
  ["part_cache_write_usd", (row) => exactUsd(row.cost_parts?.cache_write_usd)],
  ["part_output_usd", (row) => exactUsd(row.cost_parts?.output_usd)],
  ["cache_miss", (row) => row.missed_cache?.cause],
  ["cache_miss_tokens", (row) => row.missed_cache?.missed_tokens],
  ["cache_miss_usd", (row) => exactUsd(row.missed_cache?.usd)],
  ["tool_calls", (row) => row.tool_calls?.join("; ")],
  ["latency_ms", (row) => row.latency_ms],
  ["first_token_ms", (row) => row.first_token_ms],
  ["queue_wait_ms", (row) => row.queue_wait_ms],
  ["overhead_ms", (row) => row.overhead_ms],
  ["class", (row) => row.class],
  ["agent_type", (row) => row.agent_type],
  ["compaction", (row) => row.compaction],
];

export const exportTypes: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8; header=present",
  jsonl: "application/jsonl; charset=utf-8",
};

/** Written at once; more would hold up the loop for longer than a millisecond or two. */
const rowsAtOnce = 200;

/** `most`: rows after which it ends; absent: all. */
export async function* exportText(
  pieces: AsyncIterable<readonly RequestRow[]>,
  format: ExportFormat,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<string, void, void> {
  if (format === "csv") yield csvLine(columns.map(([name]) => name));
  let left = most;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length && left > 0; at += rowsAtOnce) {
      const rows = piece.slice(at, at + Math.min(rowsAtOnce, left));
      left -= rows.length;
      yield rows.map((row) => lineOf(row, format)).join("");
    }
    if (left <= 0) return;
  }
}

const lineOf = (row: RequestRow, format: ExportFormat): string =>
  format === "csv" ? csvLine(columns.map(([, value]) => value(row) ?? null)) : `${JSON.stringify(row)}\n`;
