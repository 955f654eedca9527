// Small values that survive a killed process as soon as they are written: a file of equal slots, each overwritten in place by one
// write that costs microseconds. An addition to a store, not a replacement: a power failure may lose the last values.

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { identityOf } from "../system/file-identity.ts";

export type Slots = {
  /** Undefined: nothing there. */
  get(key: string): unknown;
  /** False: it is not stored, and must be stored elsewhere. */
  put(key: string, value: unknown): boolean;
  /** To be called periodically: a file that was deleted or replaced is opened again on the next put. */
  checkFile(): void;
  /** Stored values stay. Idempotent. */
  close(): void;
};

// A page holds a whole number of slots: so a kill leaves each either old or new.
const slotBytes = 512;
const maxSlots = 8_192;
const blank = 0x20;
const lineEnd = 0x0a;

/** Nothing is opened before the first use. A file that cannot be used counts as missing; so does one that `mayOpen` refuses. */
export function openSlots(path: string, mayOpen: () => boolean = () => true): Slots {
  return new SlotFile(path, mayOpen);
}

class SlotFile implements Slots {
  private readonly places = new Map<string, number>();
  private readonly values = new Map<string, unknown>();
  private readonly buffer = Buffer.alloc(slotBytes);
  private count = 0;
  private descriptor: number | null = null;
  private identity: string | null = null;
  private isOpened = false;
  private isClosed = false;

  constructor(
    private readonly path: string,
    private readonly mayOpen: () => boolean,
  ) {}

  get(key: string): unknown {
    this.open();
    return this.values.get(key);
  }

  put(key: string, value: unknown): boolean {
    const descriptor = this.open();
    if (descriptor === null) return false;
    const text = JSON.stringify([key, value]);
    if (Buffer.byteLength(text) >= slotBytes) return false;
    const place = this.placeOf(key);
    if (place === null) return false;
    const { buffer } = this;
    buffer.fill(blank);
    buffer.write(text);
    buffer[slotBytes - 1] = lineEnd;
    try {
      return writeSync(descriptor, buffer, 0, slotBytes, place * slotBytes) === slotBytes;
    } catch {
      // A full disk, or one that is gone: the caller then stores the value elsewhere.
      return false;
    }
  }

  checkFile(): void {
    if (!this.isOpened) return;
    const isInPlace =
      this.descriptor !== null && this.identity !== null && identityOf(this.path) === this.identity;
    if (isInPlace) return;
    this.closeFile();
    this.places.clear();
    this.count = 0;
    this.isOpened = false;
  }

  close(): void {
    this.isClosed = true;
    this.closeFile();
  }

  /** Null: it cannot be used. */
  private open(): number | null {
    if (this.isOpened) return this.descriptor;
    this.isOpened = true;
    if (this.isClosed || !this.mayOpen()) return null;
    try {
      // A link could point anywhere.
      const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
      this.descriptor = openSync(this.path, flags, 0o600);
      const { dev, ino } = fstatSync(this.descriptor);
      this.identity = `${dev}:${ino}`;
      this.load(this.descriptor);
    } catch {
      this.closeFile();
    }
    return this.descriptor;
  }

  private load(descriptor: number): void {
    const text = Buffer.alloc(Math.min(fstatSync(descriptor).size, maxSlots * slotBytes));
    const length = readSync(descriptor, text, 0, text.byteLength, 0);
    this.count = Math.floor(length / slotBytes);
    for (let place = 0; place < this.count; place += 1) {
      const read = readSlot(text.toString("utf8", place * slotBytes, (place + 1) * slotBytes));
      if (read === null) continue;
      this.places.set(read.key, place);
      this.values.set(read.key, read.value);
    }
  }

  private placeOf(key: string): number | null {
    const known = this.places.get(key);
    if (known !== undefined) return known;
    if (this.count >= maxSlots) return null;
    this.places.set(key, this.count);
    return this.count++;
  }

  private closeFile(): void {
    const open = this.descriptor;
    this.descriptor = null;
    if (open !== null) closeSync(open);
  }
}

/** Null: not written by us. */
function readSlot(text: string): { readonly key: string; readonly value: unknown } | null {
  try {
    const read: unknown = JSON.parse(text);
    if (!Array.isArray(read) || read.length !== 2 || typeof read[0] !== "string") return null;
    return { key: read[0], value: read[1] as unknown };
  } catch {
    return null;
  }
}
