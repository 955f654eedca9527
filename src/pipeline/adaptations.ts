// What was dropped from a request or changed in it for the target's format: collected once per attempt, shown in the record and
// in a header. It must never judge what counts; the dialects note each change where they make it.

import type { Note } from "../dialects/dialect.ts";

/** Keeps a record small whatever a client sends. */
const maxNotes = 32;
const maxHeaderLength = 500;

/** Collects into `adapted` without duplicates. */
export function noteInto(adapted: string[]): Note {
  return (adaptation) => {
    if (adapted.length < maxNotes && !adapted.includes(adaptation)) adapted.push(adaptation);
  };
}

/** Whole words only, as many as fit; null when there are none. */
export function adaptedHeader(adapted: readonly string[]): string | null {
  let header = "";
  for (const adaptation of adapted) {
    const longer = header === "" ? adaptation : `${header}, ${adaptation}`;
    if (longer.length > maxHeaderLength) break;
    header = longer;
  }
  return header === "" ? null : header;
}
