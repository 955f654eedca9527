// A file of synthetic records, written as the gateway writes them and added up as it adds them up.

import type { RequestRecord } from "../../src/canon/record.ts";
import { answerTo } from "../../src/metrics/record-questions.ts";
import { schema } from "../../src/metrics/records-file.ts";
import { writeRollupPiece } from "../../src/metrics/rollup.ts";
import { createWriter } from "../../src/metrics/writer.ts";
import { openDatabaseFile } from "../../src/sqlite/database-file.ts";
import { type SyntheticOptions, syntheticRecords } from "./synthetic-records.ts";

const batchSize = 250;

export type WrittenFile = {
  /** From the middle of the file. */
  readonly sample: RequestRecord;
  readonly usPerRow: number;
  readonly rollupUsPerRow: number;
};

export function writeRecords(path: string, options: SyntheticOptions): WrittenFile {
  const opened = openDatabaseFile(path, { schema, makesFolder: true, mayShrink: true, pageSize: 8192 });
  if (opened.kind !== "open") throw new Error(`${path}: ${opened.detail}`);
  const { db } = opened.file;
  const writer = createWriter(db, { keepsDecisions: true, isListed: () => true });
  let [writeMs, rollupMs, written] = [0, 0, 0];
  let sample: RequestRecord | null = null;
  const addUp = (): boolean => {
    const startedMs = performance.now();
    const piece = answerTo(db, { kind: "rollup" });
    if (piece !== null) writeRollupPiece(db, piece);
    rollupMs += performance.now() - startedMs;
    return piece?.isFull === true;
  };
  let batch: RequestRecord[] = [];
  const write = (): void => {
    const startedMs = performance.now();
    writer.write(batch);
    writeMs += performance.now() - startedMs;
    written += batch.length;
    batch = [];
    if (written % 2_000 === 0) addUp();
  };
  for (const record of syntheticRecords(options)) {
    batch.push(record);
    if (sample === null && written >= options.rows / 2 && record.failure === null) sample = record;
    if (batch.length === batchSize) write();
  }
  if (batch.length > 0) write();
  while (addUp());
  writer.close();
  opened.file.close();
  if (sample === null) throw new Error("no record succeeded");
  return { sample, usPerRow: (writeMs * 1_000) / written, rollupUsPerRow: (rollupMs * 1_000) / written };
}
