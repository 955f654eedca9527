// `clawgate import`: the records of ClawGate (Python) go into the database that a gateway with this config would use.

import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { redact } from "../../canon/redact.ts";
import { databasePaths } from "../../metrics/database-path.ts";
import { earlierColumns, earlierTable } from "../../metrics/earlier-records.ts";
import { importRecords, type ImportResult } from "../../metrics/record-import.ts";
import { missingTable, openForeignTable } from "../../sqlite/read-only-file.ts";
import { systemClock } from "../../system/clock.ts";
import { loadOffline, type OfflineInput } from "./offline-config.ts";

export type { ImportResult };

export type RecordsPlan = {
  /** The database to read; null: there is none at the usual places. */
  readonly source: string | null;
  /** Without a source: a database at one of these places that cannot be read, and why. */
  readonly unreadable: string | null;
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
  return problemOfEarlierRecords(path) === null;
}

function problemOfEarlierRecords(path: string): string | null {
  const opened = openForeignTable(path, earlierTable, earlierColumns);
  if ("problem" in opened) return opened.problem;
  opened.db.close();
  return null;
}

/** Why this database cannot be looked into; null: it can, or it is no database. */
export function unreadableDatabase(path: string): string | null {
  const problem = isDatabase(path) ? problemOfEarlierRecords(path) : null;
  return problem === null || problem === missingTable(earlierTable) ? null : problem;
}

function isDatabase(path: string): boolean {
  const magic = "SQLite format 3\0";
  // A pipe would wait for ever.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    const file = openSync(path, "r");
    try {
      const start = Buffer.alloc(magic.length);
      return readSync(file, start) === magic.length && start.toString("latin1") === magic;
    } finally {
      closeSync(file);
    }
  } catch {
    // Whoever opens it is told why it cannot be read.
    return false;
  }
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
  const unreadable = paths.flatMap((path) => {
    const problem = unreadableDatabase(path);
    return problem === null ? [] : [`${path} cannot be read: ${problem}`];
  });
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return {
    source,
    unreadable: source === null ? (unreadable[0] ?? null) : null,
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
