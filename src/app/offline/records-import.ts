// `clawgate import`: the records of ClawGate (Python) go into the database that a gateway with this config would use.

import { existsSync } from "node:fs";
import { redact } from "../../canon/redact.ts";
import { databasePaths } from "../../metrics/database-path.ts";
import { earlierColumns, earlierTable } from "../../metrics/earlier-records.ts";
import { importRecords, type ImportResult } from "../../metrics/record-import.ts";
import { openForeignTable } from "../../sqlite/read-only-file.ts";
import { systemClock } from "../../system/clock.ts";
import { loadOffline, type OfflineInput } from "./offline-config.ts";

export type { ImportResult };

export type RecordsPlan = {
  /** The database to read; null: there is none at the usual places. */
  readonly source: string | null;
  readonly retentionDays: number;
  /** Where the records would go. */
  readonly target: string;
  run(how: {
    readonly isDryRun: boolean;
    readonly onProgress: (done: number, total: number) => void;
  }): Promise<ImportResult>;
};

/** Whether this file is the database of ClawGate (Python). */
export function holdsEarlierRecords(path: string): boolean {
  const opened = openForeignTable(path, earlierTable, earlierColumns);
  if ("problem" in opened) return false;
  opened.db.close();
  return true;
}

/** `named`: the database that the user named; else the first at a place where its config or its defaults put it. Throws ConfigProblem. */
export async function planRecords(input: OfflineInput, named: string | null): Promise<RecordsPlan> {
  const { config, environment } = await loadOffline(input);
  const { paths, from } = databasePaths({
    env: environment,
    configured: config.metrics.db_path ?? null,
    cwd: input.workingDirectory,
    home: input.homeDirectory,
  });
  const source = named ?? paths.find((path) => existsSync(path) && holdsEarlierRecords(path)) ?? null;
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return {
    source,
    retentionDays: config.metrics.retention_days,
    target: paths[0] ?? "",
    run: ({ isDryRun, onProgress }) =>
      importRecords({
        source: source ?? "",
        paths,
        from,
        log: quiet,
        clock: systemClock,
        maxFileBytes: config.metrics.max_mb * 1024 ** 2,
        keepsDecisions: config.metrics.log_routing_decisions,
        isListed: (id, model) => {
          const provider = config.providers[id];
          return provider?.model === model || provider?.models.some((each) => each.id === model) === true;
        },
        redact,
        isDryRun,
        onProgress,
      }),
  };
}
