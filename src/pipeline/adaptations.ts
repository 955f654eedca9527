// What a request lost or had changed on its way into the target's format: collected once an attempt, shown in record and header.
// It must never judge what counts; the dialects note it where they do it.

import type { Note } from "../dialects/dialect.ts";

/** A record stays small whatever a client sends. */
const maxNotes = 32;
const maxHeaderLength = 500;

/** Collects into `adapted`, each word once. */
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
