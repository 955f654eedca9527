// Lines to a terminal, a pipe or a file. During the start each is written at once; later nobody waits: a terminal that was stopped
// (Ctrl-S) or a slow disk would hold up every request. It must never keep more than a megabyte that nobody takes.

import { write } from "node:fs";
import { errorCode } from "./files.ts";
import { streamWriter } from "./log.ts";

export type LineWriter = {
  /** One line with its line break. Never throws. */
  write(line: string): void;
  /** From now on lines are written while the others work. */
  writeInBackground(): void;
  /** Settles when everything is written, or nobody took it for `maxMs`; after that lines are written at once again. */
  flush(maxMs: number): Promise<void>;
};

const maxWaitingCharacters = 1_000_000;
const retryMs = 20;

type WriteTo = (fd: number, bytes: Buffer, done: (error: unknown, written: number) => void) => void;

/** A disk may have room again. */
const isFull = (code: string | null | undefined): boolean => code === "ENOSPC" || code === "EDQUOT";

const linesIn = (bytes: Buffer): number => bytes.toString("latin1").split("\n").length - 1;

const toFile: WriteTo = (fd, bytes, done) => write(fd, bytes, 0, bytes.length, null, done);

export function createLineWriter(
  stream: NodeJS.WriteStream & { readonly fd?: unknown },
  options: {
    /** So many lines were not kept while nobody took any; told when there is room again. */
    readonly onLost: (lines: number) => void;
    readonly writeTo?: WriteTo;
  },
): LineWriter {
  const { writeTo = toFile } = options;
  const writeDirectly = streamWriter(stream);
  const { fd } = stream;
  let isInBackground = false;
  let isBroken = false;
  let waiting: string[] = [];
  let characters = 0;
  let lost = 0;
  let rest: Buffer | null = null;
  const whenIdle: (() => void)[] = [];

  const idle = (): void => {
    for (const tell of whenIdle.splice(0)) tell();
  };

  const next = (to: number): void => {
    rest = waiting.length === 0 ? null : Buffer.from(waiting.join(""));
    waiting = [];
    characters = 0;
    if (rest === null) idle();
    else put(to, rest);
  };

  const put = (to: number, bytes: Buffer): void =>
    writeTo(to, bytes, (error, written) => {
      if (error !== null && error !== undefined) {
        // Somebody who shares the terminal has set it so that it takes only what it has room for.
        if (errorCode(error) === "EAGAIN") {
          setTimeout(put, retryMs, to, bytes).unref();
          return;
        }
        if (isFull(errorCode(error))) {
          lost += linesIn(bytes);
          next(to);
          return;
        }
        isBroken = true;
        rest = null;
        waiting = [];
        idle();
        return;
      }
      if (written < bytes.length) {
        put(to, bytes.subarray(written));
        return;
      }
      const missing = lost;
      lost = 0;
      next(to);
      if (missing > 0) options.onLost(missing);
    });

  return {
    write(line) {
      if (!isInBackground || typeof fd !== "number") {
        writeDirectly(line);
        return;
      }
      if (isBroken) return;
      if (characters + line.length > maxWaitingCharacters) {
        lost += 1;
        return;
      }
      waiting.push(line);
      characters += line.length;
      if (rest === null) next(fd);
    },
    writeInBackground() {
      isInBackground = true;
    },
    async flush(maxMs) {
      if (rest !== null) {
        const { promise, resolve } = Promise.withResolvers<void>();
        whenIdle.push(resolve);
        const timer = setTimeout(resolve, maxMs);
        await promise;
        clearTimeout(timer);
      }
      // What is on its way to a terminal that takes nothing must not be followed by what would wait for it.
      if (rest === null) isInBackground = false;
      else isBroken = true;
    },
  };
}
