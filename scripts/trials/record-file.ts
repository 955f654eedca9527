// A file of synthetic records, written as the gateway writes them and added up as it adds them up.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { RequestRecord } from "../../src/canon/record.ts";
import { schema } from "../../src/metrics/records-file.ts";
import { putRollups, readRollupPiece, writeRollupPiece } from "../../src/metrics/rollup.ts";
import { readDayRow } from "../../src/metrics/rollup-days.ts";
import { createWriter } from "../../src/metrics/writer.ts";
import { repeatRecords } from "./copied-records.ts";
import { openDatabaseFile } from "../../src/sqlite/database-file.ts";
import { type SyntheticOptions, syntheticRecords } from "./synthetic-records.ts";

/** Much more at once than the gateway takes: nobody waits here, and an hour's sums are read and written once instead of often. */
const batchSize = 5_000;
const addedUpRows = 50_000;

export type WrittenFile = {
  readonly rows: number;
  readonly toMs: number;
  /** One that succeeded, from the middle of what was recorded. */
  readonly sample: Pick<RequestRecord, "id" | "session" | "model" | "client">;
  readonly usPerRow: number;
  readonly rollupUsPerRow: number;
};

/** From so many rows on, most of them are copies. */
const fewRows = 1_000_000;
const copies = 10;

export function writeRecords(path: string, whole: SyntheticOptions): WrittenFile {
  const isCopied = whole.rows >= fewRows;
  const lengthMs = (whole.toMs - whole.fromMs) / copies;
  const options = isCopied
    ? { ...whole, rows: Math.ceil(whole.rows / copies), toMs: whole.fromMs + lengthMs }
    : whole;
  const opened = openDatabaseFile(path, {
    schema,
    makesFolder: true,
    mayShrink: true,
    pageSize: 8192,
    // A file that is made again after a crash needs no protection from one.
    pragmas: ["synchronous = OFF", "cache_size = -65536"],
  });
  if (opened.kind !== "open") throw new Error(`${path}: ${opened.detail}`);
  const { db } = opened.file;
  const writer = createWriter(db, { keepsDecisions: true, isListed: () => true });
  let [writeMs, rollupMs, written] = [0, 0, 0];
  let sample: RequestRecord | null = null;
  const addUp = (): boolean => {
    const startedMs = performance.now();
    const piece = readRollupPiece(db, addedUpRows);
    if (piece !== null) writeRollupPiece(db, piece);
    rollupMs += performance.now() - startedMs;
    return piece?.isFull === true;
  };
  let batch: RequestRecord[] = [];
  const write = (): void => {
    const startedMs = performance.now();
    writer.begin(batch).step(Number.POSITIVE_INFINITY);
    writeMs += performance.now() - startedMs;
    written += batch.length;
    batch = [];
    if (written % addedUpRows === 0) addUp();
  };
  for (const record of syntheticRecords(options)) {
    batch.push(record);
    if (written + batch.length >= options.rows / 2 && record.failure === null) sample ??= record;
    if (batch.length === batchSize) write();
  }
  if (batch.length > 0) write();
  while (addUp());
  writer.close();
  if (isCopied) repeatRecords(db, copies, lengthMs);
  for (let day = readDayRow(db); day !== null; day = readDayRow(db)) putRollups(db, [day]);
  opened.file.close();
  if (sample === null) throw new Error("no record succeeded");
  const { id, session, model, client } = sample;
  return {
    rows: whole.rows,
    toMs: whole.toMs,
    sample: { id, session, model, client },
    usPerRow: (writeMs * 1_000) / written,
    rollupUsPerRow: (rollupMs * 1_000) / written,
  };
}

/** The file of an earlier trial in the same folder, if it has as many rows. */
export function earlierFile(path: string, rows: number): WrittenFile | null {
  const note = noteOf(path);
  if (!existsSync(path) || !existsSync(note)) return null;
  const earlier = JSON.parse(readFileSync(note, "utf8")) as WrittenFile;
  return earlier.rows === rows ? earlier : null;
}

export function noteFile(path: string, written: WrittenFile): void {
  writeFileSync(noteOf(path), JSON.stringify(written));
}

const noteOf = (path: string): string => `${path}.json`;
