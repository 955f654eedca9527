// When the journal of the records' file is moved into the file, and who waits meanwhile: the reading thread does it, since it waits for
// the disk. Where that thread does not, SQLite does it here, at a longer journal (connection.ts).

/** A full batch changes about 20 pages. */
const writesBetween = 32;

export class Checkpoints {
  private writes = 0;
  private current: Promise<void> | null = null;

  /** `run` must not reject. */
  constructor(private readonly run: () => Promise<void>) {}

  /** Who can wait does not write now: the other thread may hold the file's lock, and needs a moment without a writer. */
  get isUnderWay(): boolean {
    return this.current !== null;
  }

  /** Settles when none is under way. */
  settled(): Promise<void> {
    return this.current ?? Promise.resolve();
  }

  /** After each transaction. */
  noteWrite(): void {
    this.writes += 1;
    if (this.writes < writesBetween || this.current !== null) return;
    this.writes = 0;
    this.current = this.run().finally(() => {
      this.current = null;
    });
  }
}
