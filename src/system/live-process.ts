// A long-running program with communication over its pipes, with backpressure in both directions.
// It must never leave a process, a descriptor or an unhandled rejection behind, however it ends.

import { type Clock, systemClock } from "./clock.ts";
import type { InheritedMark } from "./inherited-mark.ts";
import { signalGroup, spawnPiped } from "./process.ts";

export type LiveProcessOptions = {
  /** The child's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The user to run as; only root may set it. Default: ours. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
  /** A mark on it and on all its descendants, if the system has such marks (Linux). */
  readonly mark?: InheritedMark | null;
  /** The newest bytes of standard error are kept. Default 8 KB. */
  readonly maxStderrBytes?: number;
  readonly clock?: Clock;
};

export type ExitInfo = { readonly code: number | null; readonly signal: string | null };

export type LiveProcess = {
  readonly pid: number;
  /** The next bytes of standard output, null at its end. One reader at a time; unread output makes the child wait. */
  read(): Promise<Uint8Array | null>;
  /** Resolves when the child's pipe accepted everything; rejects with ProcessGone when it no longer can. In order. */
  write(data: string | Uint8Array): Promise<void>;
  /** End of file on its standard input, after everything written so far. */
  closeInput(): Promise<void>;
  /** Never rejects. By then the rest of its group has been killed. */
  readonly exited: Promise<ExitInfo>;
  /** Never rejects. Standard error is complete, or reading it was given up some time after the exit. */
  readonly stderrEnded: Promise<void>;
  isAlive(): boolean;
  /** The newest part of standard error. */
  stderr(): string;
  /** TERM to the group, KILL after `graceMs` (0: immediately). Resolves when it is gone and its pipes are closed; unread output is lost. */
  stop(options: { readonly graceMs: number }): Promise<void>;
};

export class ProcessGone extends Error {
  override readonly name = "ProcessGone";
}

// A pipe takes 64 KB: larger pieces would only be copied into a queue.
const pieceBytes = 64 * 1024;
// A process that left the group may keep the pipes open after the program itself is gone.
const pipeGraceMs = 500;

/** Throws if the program or the folder does not exist. */
export function startProcess(argv: readonly string[], options: LiveProcessOptions): LiveProcess {
  const clock = options.clock ?? systemClock;
  const child = spawnPiped(argv, options);
  const output = child.stdout.getReader();
  const errors = keepNewest(child.stderr.getReader(), options.maxStderrBytes ?? 8 * 1024);
  let isGone = false;
  let isStopped = false;
  // The pending reader must learn of the end. A variable and not `exited.then`: a promise keeps every listener it ever had.
  let isReading = false;
  let cancelReadGrace = (): void => undefined;
  const input = new InputPipe(child.stdin);

  const closeOutput = (): Promise<void> => output.cancel().catch(() => undefined);
  const armReadGrace = (): void => {
    cancelReadGrace = clock.setTimer(pipeGraceMs, () => void closeOutput());
  };

  const exited = child.exited.then((): ExitInfo => {
    isGone = true;
    // Immediately: later, another process may have the number of an empty group.
    signalGroup(child.pid, "SIGKILL");
    input.gone();
    if (isReading) armReadGrace();
    void errors.done.then(clock.setTimer(pipeGraceMs, errors.stop));
    return child.signalCode === null
      ? { code: child.exitCode, signal: null }
      : { code: null, signal: String(child.signalCode) };
  });

  return {
    pid: child.pid,
    exited,
    stderrEnded: errors.done,
    isAlive: () => !isGone,
    stderr: errors.text,
    async read() {
      if (isStopped) return null;
      isReading = true;
      if (isGone) armReadGrace();
      try {
        const { done, value } = await output.read();
        return done ? null : value;
      } finally {
        isReading = false;
        cancelReadGrace();
      }
    },
    write: (data) => input.write(typeof data === "string" ? Buffer.from(data) : data),
    closeInput: () => input.close(),
    async stop({ graceMs }) {
      isStopped = true;
      if (!isGone) {
        signalGroup(child.pid, graceMs > 0 ? "SIGTERM" : "SIGKILL");
        const cancelKill = clock.setTimer(graceMs, () => signalGroup(child.pid, "SIGKILL"));
        await exited;
        cancelKill();
      }
      errors.stop();
      await closeOutput();
    },
  };
}

/** The child's standard input: writes are queued, and each resolves when the pipe accepted everything. */
class InputPipe {
  private isGone = false;
  // The pending write must learn of the end. A variable and not `exited.then`: a promise keeps every listener it ever had.
  private failWrite: (why: ProcessGone) => void = () => undefined;
  private lastWrite: Promise<void> = Promise.resolve();

  constructor(private readonly sink: Bun.FileSink) {}

  write(bytes: Uint8Array): Promise<void> {
    return this.inLine(async () => {
      for (let at = 0; at < bytes.length; at += pieceBytes)
        await this.put(bytes.subarray(at, at + pieceBytes));
    });
  }

  close(): Promise<void> {
    return this.inLine(async () => this.closeSink());
  }

  gone(): void {
    this.isGone = true;
    this.closeSink();
    this.failWrite(new ProcessGone("The program has ended."));
  }

  private put(piece: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isGone) return reject(new ProcessGone("The program has ended."));
      this.failWrite = reject;
      const refuse = (error: unknown): void =>
        reject(new ProcessGone("The program does not read its input any more.", { cause: error }));
      try {
        Promise.all([this.sink.write(piece), this.sink.flush()]).then(() => resolve(), refuse);
      } catch (error) {
        refuse(error);
      }
    });
  }

  /** A failed write fails those after it, because the bytes in between are lost. */
  private inLine(work: () => Promise<void>): Promise<void> {
    const mine = this.lastWrite.then(work);
    // The caller of `write` gets the error; the queue itself has no one to report to.
    mine.catch(() => undefined);
    this.lastWrite = mine;
    return mine;
  }

  // Its result is about bytes that nothing will read.
  private closeSink(): void {
    quietly(() => this.sink.end());
  }
}

function quietly(run: () => number | Promise<number>): void {
  try {
    Promise.resolve(run()).catch(() => undefined);
  } catch {
    // It was closed already.
  }
}

/** Reads to the end, so that the child never waits, and keeps the newest `limit` bytes. */
function keepNewest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: number,
): { readonly done: Promise<void>; stop(): void; text(): string } {
  let kept = Buffer.alloc(0);
  let isCut = false;
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      kept = Buffer.concat([kept, value]);
      if (kept.length <= limit) continue;
      isCut = true;
      kept = Buffer.from(kept.subarray(kept.length - limit));
    }
  };
  return {
    done: read().catch(() => undefined),
    stop: () => void reader.cancel().catch(() => undefined),
    text() {
      // Half a line may contain half a secret, which no redactor recognizes.
      const from = isCut ? kept.indexOf("\n") + 1 : 0;
      return kept.toString("utf8", from);
    },
  };
}
