// Lines to a terminal, a pipe or a file. During the start each is written synchronously; later nothing waits: a stopped terminal
// (Ctrl-S) or a slow disk would block every request. It must never hold more than a megabyte of unwritten lines.

import { write } from "node:fs";
import { errorCode } from "./files.ts";
import { streamWriter } from "./log.ts";

export type LineWriter = {
  /** One line with its line break. Never throws. */
  write(line: string): void;
  /** From now on lines are written in the background. */
  writeInBackground(): void;
  /** Settles when everything is written, or the output accepted nothing for `maxMs`; later lines are written synchronously again. */
  flush(maxMs: number): Promise<void>;
};

const maxWaitingCharacters = 1_000_000;
const retryMs = 20;

type WriteTo = (fd: number, bytes: Buffer, done: (error: unknown, written: number) => void) => void;

/** A disk may have free space again. */
const isFull = (code: string | null | undefined): boolean => code === "ENOSPC" || code === "EDQUOT";

const linesIn = (bytes: Buffer): number => bytes.toString("latin1").split("\n").length - 1;

const toFile: WriteTo = (fd, bytes, done) => write(fd, bytes, 0, bytes.length, null, done);

type LineWriterOptions = {
  /** The number of lines dropped while the output accepted none; reported when it does again. */
  readonly onLost: (lines: number) => void;
  readonly writeTo?: WriteTo;
};

type LineStream = NodeJS.WriteStream & { readonly fd?: unknown };

export function createLineWriter(stream: LineStream, options: LineWriterOptions): LineWriter {
  const writer = new StreamLineWriter(stream, options);
  return {
    write: (line) => writer.write(line),
    writeInBackground: () => writer.writeInBackground(),
    flush: (maxMs) => writer.flush(maxMs),
  };
}

class StreamLineWriter {
  private readonly writeTo: WriteTo;
  private readonly writeDirectly: (line: string) => void;
  private readonly fd: unknown;
  private isInBackground = false;
  private isBroken = false;
  private waiting: string[] = [];
  private characters = 0;
  private lost = 0;
  private rest: Buffer | null = null;
  private readonly whenIdle: (() => void)[] = [];

  constructor(
    stream: LineStream,
    private readonly options: LineWriterOptions,
  ) {
    this.writeTo = options.writeTo ?? toFile;
    this.writeDirectly = streamWriter(stream);
    this.fd = stream.fd;
  }

  write(line: string): void {
    if (!this.isInBackground || typeof this.fd !== "number") {
      this.writeDirectly(line);
      return;
    }
    if (this.isBroken) return;
    if (this.characters + line.length > maxWaitingCharacters) {
      this.lost += 1;
      return;
    }
    this.waiting.push(line);
    this.characters += line.length;
    if (this.rest === null) this.next(this.fd);
  }

  writeInBackground(): void {
    this.isInBackground = true;
  }

  async flush(maxMs: number): Promise<void> {
    if (this.rest !== null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.whenIdle.push(resolve);
      const timer = setTimeout(resolve, maxMs);
      await promise;
      clearTimeout(timer);
    }
    // A write that is pending on a blocked terminal must not be followed by a synchronous one.
    if (this.rest === null) this.isInBackground = false;
    else this.isBroken = true;
  }

  private next(to: number): void {
    this.rest = this.waiting.length === 0 ? null : Buffer.from(this.waiting.join(""));
    this.waiting = [];
    this.characters = 0;
    if (this.rest === null) this.idle();
    else this.put(to, this.rest);
  }

  private put(to: number, bytes: Buffer): void {
    this.writeTo(to, bytes, (error, written) => {
      if (error !== null && error !== undefined) this.refused(to, bytes, error);
      else if (written < bytes.length) this.put(to, bytes.subarray(written));
      else this.taken(to);
    });
  }

  private refused(to: number, bytes: Buffer, error: unknown): void {
    // Another program that shares the terminal has made it non-blocking.
    if (errorCode(error) === "EAGAIN") {
      setTimeout(() => this.put(to, bytes), retryMs).unref();
      return;
    }
    if (isFull(errorCode(error))) {
      this.lost += linesIn(bytes);
      this.next(to);
      return;
    }
    this.isBroken = true;
    this.rest = null;
    this.waiting = [];
    this.idle();
  }

  private taken(to: number): void {
    const missing = this.lost;
    this.lost = 0;
    this.next(to);
    if (missing > 0) this.options.onLost(missing);
  }

  private idle(): void {
    for (const tell of this.whenIdle.splice(0)) tell();
  }
}
