// The queries of records as plain data, so that they can be asked in another thread, and who answers each. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type {
  RecordFilter,
  RequestRow,
  RequestsPage,
  RequestsQuery,
  SeriesQuery,
  SeriesReport,
  SessionReport,
  SessionsPage,
  SessionsQuery,
  WasteLine,
} from "./query-shapes.ts";
import type { RecentRow, StatsReport } from "./report-shapes.ts";
import { aggregateStats } from "./aggregation.ts";
import type { RecentQuery } from "./metrics-store.ts";
import { readRecent } from "./recent.ts";
import { readSums } from "./reports.ts";
import { readRollupPiece, type RollupPiece, type StoredRollup } from "./rollup.ts";
import { readDayRow } from "./rollup-days.ts";
import { readExportPiece, readRequest, readRequests } from "./request-list.ts";
import { readSeries } from "./series-report.ts";
import { readSession, readSessions } from "./session-list.ts";
import type { RollupCache } from "./rollup-cache.ts";
import type { Reading } from "./summed-range.ts";
import { readWaste } from "./waste-lines.ts";

export type SessionQuery = { readonly tenant?: string; readonly cursor?: string };
export type WasteQuery = RecordFilter & { readonly nowMs: number };
export type ExportPiece = { readonly rows: readonly RequestRow[]; readonly afterId: number | null };

export type RecordQuestion =
  | { readonly kind: "series"; readonly query: SeriesQuery }
  | { readonly kind: "requests"; readonly query: RequestsQuery }
  | { readonly kind: "request"; readonly id: string }
  | { readonly kind: "sessions"; readonly query: SessionsQuery }
  | { readonly kind: "session"; readonly id: string; readonly query: SessionQuery }
  | { readonly kind: "waste"; readonly query: WasteQuery }
  | { readonly kind: "stats"; readonly nowMs: number; readonly tenant: string | undefined }
  | { readonly kind: "recent"; readonly query: RecentQuery }
  | { readonly kind: "rollup" }
  | { readonly kind: "rollup-day" }
  | { readonly kind: "export"; readonly filter: RecordFilter; readonly afterId: number };

type Answers = {
  readonly series: SeriesReport;
  readonly requests: RequestsPage;
  readonly request: RecentRow | null;
  readonly sessions: SessionsPage;
  readonly session: SessionReport | null;
  readonly waste: readonly WasteLine[];
  readonly export: ExportPiece;
  readonly stats: Omit<StatsReport, "database">;
  readonly recent: readonly RecentRow[];
  readonly rollup: RollupPiece | null;
  readonly "rollup-day": StoredRollup | null;
};

export type AnswerTo<Q extends RecordQuestion> = Answers[Q["kind"]];

/** A page waits no longer for rows that no index finds; sums may take longer before they are incomplete. */
const searchMs = 120;
const sumMs = 2_000;
const exportedRows = 1_000;
/** A question behind this one waits for it. */
const rolledRows = 2_000;

function answer(db: SqliteDatabase, question: RecordQuestion, deadline: Reading): Answers[keyof Answers] {
  switch (question.kind) {
    case "series":
      return readSeries(db, question.query, deadline);
    case "requests":
      return readRequests(db, question.query, deadline);
    case "request":
      return readRequest(db, question.id);
    case "sessions":
      return readSessions(db, question.query, deadline);
    case "session":
      return readSession(db, question.id, question.query);
    case "waste":
      return readWaste(db, question.query, deadline);
    case "stats":
      return aggregateStats(readSums(db, question, deadline.cache?.usage), question.nowMs);
    case "recent":
      return readRecent(db, question.query, deadline);
    case "rollup":
      return readRollupPiece(db, rolledRows);
    case "rollup-day":
      return readDayRow(db);
    case "export":
      return readExportPiece(db, question.filter, {
        afterId: question.afterId,
        limit: exportedRows,
        deadline,
      });
  }
}

/** In one moment of the file: a request is never counted twice, or missed, because it moved into a rollup meanwhile. */
export function answerTo<Q extends RecordQuestion>(
  db: SqliteDatabase,
  question: Q,
  cache?: RollupCache,
): AnswerTo<Q> {
  const isSum = question.kind === "series" || question.kind === "waste" || question.kind === "recent";
  const endMs = performance.now() + (isSum ? sumMs : searchMs);
  const reading = cache === undefined ? { endMs } : { endMs, cache };
  return db.transaction(() => answer(db, question, reading) as AnswerTo<Q>)();
}
