// Small values that must outlive a killed process from the moment they are put: a file of equal slots, each overwritten in place by
// one write that costs microseconds. It is beside a store, never in its place: who loses power may lose what was put last.

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { identityOf } from "../system/file-identity.ts";

export type Slots = {
  /** Undefined: nothing there. */
  get(key: string): unknown;
  /** False: it is not kept, and will have to be elsewhere. */
  put(key: string, value: unknown): boolean;
  /** To be called from time to time: a file that was deleted or replaced is opened again with the next put. */
  checkFile(): void;
  /** What was put stays. Idempotent. */
  close(): void;
};

// A page holds a whole number of them: so a kill leaves each as it was or as it is.
const slotBytes = 512;
const maxSlots = 8_192;
const blank = 0x20;
const lineEnd = 0x0a;

/** Nothing is opened before the first use. A file that cannot be used is as good as none; so is one that `mayOpen` refuses. */
export function openSlots(path: string, mayOpen: () => boolean = () => true): Slots {
  const places = new Map<string, number>();
  const values = new Map<string, unknown>();
  const buffer = Buffer.alloc(slotBytes);
  let count = 0;
  let descriptor: number | null = null;
  let identity: string | null = null;
  let isOpened = false;
  let isClosed = false;

  const close = (): void => {
    const open = descriptor;
    descriptor = null;
    if (open !== null) closeSync(open);
  };

  const load = (open: number): void => {
    const text = Buffer.alloc(Math.min(fstatSync(open).size, maxSlots * slotBytes));
    const length = readSync(open, text, 0, text.byteLength, 0);
    count = Math.floor(length / slotBytes);
    for (let place = 0; place < count; place += 1) {
      const read = readSlot(text.toString("utf8", place * slotBytes, (place + 1) * slotBytes));
      if (read === null) continue;
      places.set(read.key, place);
      values.set(read.key, read.value);
    }
  };

  /** Null: it cannot be used. */
  const opened = (): number | null => {
    if (isOpened) return descriptor;
    isOpened = true;
    if (isClosed || !mayOpen()) return null;
    try {
      // A link could lead anywhere.
      descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
      const { dev, ino } = fstatSync(descriptor);
      identity = `${dev}:${ino}`;
      load(descriptor);
    } catch {
      close();
    }
    return descriptor;
  };

  const placeOf = (key: string): number | null => {
    const known = places.get(key);
    if (known !== undefined) return known;
    if (count >= maxSlots) return null;
    places.set(key, count);
    return count++;
  };

  return {
    get(key) {
      opened();
      return values.get(key);
    },
    put(key, value) {
      const open = opened();
      if (open === null) return false;
      const text = JSON.stringify([key, value]);
      if (Buffer.byteLength(text) >= slotBytes) return false;
      const place = placeOf(key);
      if (place === null) return false;
      buffer.fill(blank);
      buffer.write(text);
      buffer[slotBytes - 1] = lineEnd;
      try {
        return writeSync(open, buffer, 0, slotBytes, place * slotBytes) === slotBytes;
      } catch {
        // A full disk, or one that is gone: whoever puts keeps it elsewhere then.
        return false;
      }
    },
    checkFile() {
      if (!isOpened || (descriptor !== null && identity !== null && identityOf(path) === identity)) return;
      close();
      places.clear();
      count = 0;
      isOpened = false;
    },
    close() {
      isClosed = true;
      close();
    },
  };
}

/** Null: nobody of ours wrote this. */
function readSlot(text: string): { readonly key: string; readonly value: unknown } | null {
  try {
    const read: unknown = JSON.parse(text);
    if (!Array.isArray(read) || read.length !== 2 || typeof read[0] !== "string") return null;
    return { key: read[0], value: read[1] as unknown };
  } catch {
    return null;
  }
}
