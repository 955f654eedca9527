// The recorded requests while no gateway runs: the database file that one with this config would use, opened to read.

import { databasePaths } from "../../metrics/database-path.ts";
import { openReadOnlyRecords } from "../../metrics/read-only-queries.ts";
import { readRequestQuery } from "../../canon/request-filters.ts";
import { exportText } from "../../operator/export/export-rows.ts";
import { RecordReports, type SeriesAnswer } from "../../operator/reports/record-reports.ts";
import { systemClock } from "../../system/clock.ts";
import { loadOffline, type OfflineInput } from "./offline-config.ts";

export type OfflineRecords = {
  readonly name: string;
  series(query: URLSearchParams): Promise<SeriesAnswer>;
  export(query: URLSearchParams, signal: AbortSignal): AsyncIterable<string>;
  close(): Promise<void>;
};

/** `problem`: a clause that says why there is nothing to read. Throws ConfigProblem. */
export async function openOfflineRecords(
  input: OfflineInput,
): Promise<OfflineRecords | { readonly problem: string }> {
  const loaded = await loadOffline(input);
  const { paths } = databasePaths({
    env: loaded.environment,
    configured: loaded.config.metrics.db_path ?? null,
    cwd: input.workingDirectory,
    home: input.homeDirectory,
  });
  const opened = openReadOnlyRecords(paths);
  if ("problem" in opened) return opened;
  const reports = new RecordReports(opened.queries, systemClock.nowMs);
  return {
    name: opened.path,
    series: (query) => reports.series(query),
    export(query, signal) {
      const { filter, format, limit } = readRequestQuery(query, systemClock.nowMs());
      return exportText(opened.queries.export(filter, signal), format, limit);
    },
    close() {
      opened.close();
      return Promise.resolve();
    },
  };
}
