// Reads the output of one agent program as JSON objects, one per line. Reads ahead up to a limit: a program that must print
// before it reads would otherwise deadlock with our pending write.

import { Failure } from "../../canon/failure.ts";
import type { LiveProcess } from "../../system/live-process.ts";
import { isDense } from "../../wire/density.ts";
import { LoopPacer, portionsOf } from "../../wire/loop-pacer.ts";
import { lineSplitter, LineTooLong, readObject } from "../../wire/ndjson.ts";

/** Memory of a line besides its text. */
const overheadBytes = 16;

export type OutputLimits = {
  /** The program's name in failures. */
  readonly program: string;
  readonly lineBytes: number;
  /** Output that is read ahead; beyond it the program waits. */
  readonly unreadBytes: number;
  /** Called once when the output is out of bounds. */
  onBroken(): void;
};

export class OutputLines {
  /** Lines that are not JSON objects. */
  skipped = 0;
  private readonly splitter: ReturnType<typeof lineSplitter>;
  private readonly pace = new LoopPacer();
  /** Kept as text and parsed when read; read up to `at`. */
  private lines: string[] = [];
  private at = 0;
  private unread = 0;
  private isOver = false;
  private failure: Failure | null = null;
  private wakeReader = (): void => undefined;
  private wakePump = (): void => undefined;

  constructor(
    private readonly child: Pick<LiveProcess, "read">,
    private readonly limits: OutputLimits,
  ) {
    this.splitter = lineSplitter(limits.lineBytes);
    void this.pump()
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.isOver = true;
        this.wakeReader();
      });
  }

  /** The next object, null at the end. One reader. Rejects with a Failure when the output is out of bounds. */
  async next(): Promise<Record<string, unknown> | null> {
    for (;;) {
      const line = this.take();
      if (line !== null) {
        const turn = this.pace.take(line.length + overheadBytes);
        if (turn !== null) await turn;
        if (isDense(line))
          throw new Failure("bad-output", `The ${this.limits.program} printed a line with too many parts.`);
        const object = readObject(line);
        if (object !== null) return object;
        this.skipped++;
        continue;
      }
      if (this.failure !== null) throw this.failure;
      if (this.isOver) return null;
      await new Promise<void>((resolve) => (this.wakeReader = resolve));
    }
  }

  /** Discards what is unread: there is no reader any more. */
  abandon(): void {
    this.isOver = true;
    this.lines = [];
    this.at = 0;
    this.unread = 0;
    this.wakePump();
    this.wakeReader();
  }

  private async pump(): Promise<void> {
    for (;;) {
      while (this.unread > this.limits.unreadBytes && !this.isOver)
        await new Promise<void>((resolve) => (this.wakePump = resolve));
      if (this.isOver) return;
      const chunk = await this.child.read();
      if (chunk === null) break;
      for (const portion of portionsOf(chunk)) this.keep(this.splitter.push(portion));
    }
    this.keep(this.splitter.end());
  }

  private keep(more: readonly string[]): void {
    if (this.isOver || more.length === 0) return;
    if (this.at > 0) this.lines = this.lines.slice(this.at);
    this.at = 0;
    for (const line of more) {
      this.lines.push(line);
      this.unread += line.length + overheadBytes;
    }
    this.wakeReader();
  }

  private take(): string | null {
    const line = this.lines[this.at];
    if (line === undefined) return null;
    this.lines[this.at] = "";
    this.at++;
    this.unread -= line.length + overheadBytes;
    if (this.unread <= this.limits.unreadBytes) this.wakePump();
    return line;
  }

  private fail(error: unknown): void {
    const { program } = this.limits;
    const message =
      error instanceof LineTooLong
        ? `The ${program} printed a line larger than the limit.`
        : `The output of the ${program} could not be read.`;
    this.failure = new Failure("bad-output", message, { cause: error });
    this.limits.onBroken();
  }
}
