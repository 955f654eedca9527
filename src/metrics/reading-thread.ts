// The other side of query-worker.ts: answers questions about records in a thread of its own, one after the other, and moves their journal
// into the file.

import { describeDatabaseError } from "../sqlite/database-error.ts";
import { checkpointJournal } from "../sqlite/journal-checkpoint.ts";
import { ReadingConnection } from "../sqlite/reading-connection.ts";
import { answerTo, type RecordQuestion } from "./record-questions.ts";
import { RollupCache } from "./rollup-cache.ts";

export type ThreadQuestion = RecordQuestion | { readonly kind: "checkpoint" };
export type ThreadMessage = { readonly id: number; readonly path: string; readonly question: ThreadQuestion };
export type ThreadAnswer =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };

export function answerMessages(): void {
  const connection = new ReadingConnection();
  const cache = new RollupCache();
  addEventListener("message", ({ data }: MessageEvent<ThreadMessage>) => {
    postMessage(answerMessage(connection, cache, data));
  });
}

function answerMessage(
  connection: ReadingConnection,
  cache: RollupCache,
  { id, path, question }: ThreadMessage,
): ThreadAnswer {
  try {
    if (question.kind === "checkpoint") return { id, answer: checkpointJournal(path) };
    return { id, answer: answerTo(connection.at(path), question, cache) };
  } catch (error) {
    connection.close();
    return { id, error: describeDatabaseError(error) };
  }
}
