// The queries of records on a database file that no gateway has open. It must never write to it.

import { type ReadOnlyFile, openReadOnlyFile } from "../sqlite/read-only-file.ts";
import type { RecordQueries } from "./query-shapes.ts";
import { type AnswerTo, answerTo, type ExportPiece, type RecordQuestion } from "./record-questions.ts";
import { schema } from "./records-file.ts";

export type ReadOnlyRecords = {
  readonly path: string;
  readonly queries: RecordQueries;
  close(): void;
};

/** The first path that can be read; `problem`: why none can. */
export function openReadOnlyRecords(
  paths: readonly string[],
): ReadOnlyRecords | { readonly problem: string } {
  const problems: string[] = [];
  for (const path of paths) {
    const file = openReadOnlyFile(path, schema);
    if ("problem" in file) problems.push(`the database ${path} cannot be read (${file.problem})`);
    else return { path, queries: queriesOf(file), close: () => file.db.close() };
  }
  return { problem: problems.join(", and ") };
}

function queriesOf({ db }: Extract<ReadOnlyFile, { db: unknown }>): RecordQueries {
  const ask = <Q extends RecordQuestion>(question: Q): Promise<AnswerTo<Q>> =>
    Promise.resolve(question).then((asked) => answerTo(db, asked));
  return {
    series: (query) => ask({ kind: "series", query }),
    requests: (query) => ask({ kind: "requests", query }),
    request: (id) => ask({ kind: "request", id }),
    sessions: (query) => ask({ kind: "sessions", query }),
    session: (id, query) => ask({ kind: "session", id, query }),
    waste: (query) => ask({ kind: "waste", query }),
    async *export(filter, signal) {
      for (let afterId: number | null = 0; afterId !== null && !signal.aborted;) {
        const piece: ExportPiece = await ask({ kind: "export", filter, afterId });
        if (piece.rows.length > 0) yield piece.rows;
        ({ afterId } = piece);
        // So that Ctrl-C is seen: SQLite answers without giving the loop a turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
