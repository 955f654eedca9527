// A SQLite file that may be damaged, deleted or replaced at any time: a damaged file is moved aside and created again, a missing one is
// detected, and each event is logged. It must never throw; its user decides when to try again and what to use until then.

import type { Log } from "../system/log.ts";
import { type DatabaseErrorKind, databaseErrorKind, describeDatabaseError } from "./database-error.ts";
import {
  type DatabaseFile,
  type FileOptions,
  moveAside,
  openDatabaseFile,
  type SqliteDatabase,
} from "./database-file.ts";

/** What its user creates on an opened file, and finalizes before it is closed. */
export type Prepared = { close(): void };

export type OpenDatabase<T extends Prepared> = { readonly db: SqliteDatabase; readonly prepared: T };

export type ResilientOptions<T extends Prepared> = {
  /** Its name in the log. */
  readonly name: string;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly nowMs: () => number;
  /** Throws what SQLite throws if the tables are not as expected. */
  readonly prepare: (db: SqliteDatabase) => T;
};

/** Why a file is not open, or the error of a statement. `moveError`: the file is damaged, and why it cannot be moved aside. */
export type DatabaseTrouble = {
  readonly kind: DatabaseErrorKind | "foreign" | "unusable";
  readonly detail: string;
  readonly moveError?: string;
};

export class ResilientDatabase<T extends Prepared> {
  private file: DatabaseFile | null = null;
  private opened: OpenDatabase<T> | null = null;

  constructor(private readonly options: ResilientOptions<T>) {}

  /** What is open, without checking the disk. */
  get current(): OpenDatabase<T> | null {
    return this.opened;
  }

  get path(): string | null {
    return this.file?.path ?? null;
  }

  /** Null: it is open. A damaged file is moved aside, and a new one is created at its path. */
  open(path: string, fileOptions: FileOptions): DatabaseTrouble | null {
    const trouble = this.openOnce(path, fileOptions);
    if (trouble?.kind !== "corrupt") return trouble;
    const moveError = this.moveDamagedAside(path, trouble.detail);
    return moveError === null ? this.openOnce(path, fileOptions) : { ...trouble, moveError };
  }

  private openOnce(path: string, fileOptions: FileOptions): DatabaseTrouble | null {
    const result = openDatabaseFile(path, fileOptions);
    if (result.kind !== "open") return result;
    const { file } = result;
    try {
      this.opened = { db: file.db, prepared: this.options.prepare(file.db) };
      this.file = file;
      return null;
    } catch (error) {
      file.closeReplaced();
      const kind = databaseErrorKind(error);
      return {
        kind: kind === "busy" || kind === "corrupt" ? kind : "unusable",
        detail: describeDatabaseError(error),
      };
    }
  }

  /** Checks whether the path still leads to the file. False: it was deleted or replaced, and is closed. */
  isInPlace(): boolean {
    if (this.file === null || !this.file.wasReplaced()) return true;
    this.letGo();
    return false;
  }

  /** `detail`: how it was detected. */
  letGo(detail?: string): void {
    const { name, log } = this.options;
    log.warn(`${name} was deleted or replaced: opened again`, {
      path: this.path,
      ...(detail === undefined ? {} : { detail }),
    });
    this.release();
  }

  /** After a statement that threw. A damaged file is moved aside and closed. */
  reportError(error: unknown): DatabaseTrouble {
    const kind = databaseErrorKind(error);
    const detail = describeDatabaseError(error);
    if (kind !== "corrupt" || this.file === null) return { kind, detail };
    // Another gateway may already have moved it aside; then the path leads to its new file.
    const isStillThere = !this.file.isInMemory && !this.file.wasReplaced();
    const moveError = isStillThere ? this.moveDamagedAside(this.file.path, detail) : null;
    this.release();
    return moveError === null ? { kind, detail } : { kind, detail, moveError };
  }

  /** Idempotent. */
  close(): void {
    const last = this.take();
    if (last === null) return;
    const { name, log } = this.options;
    try {
      last.prepared?.close();
      last.file.close();
    } catch (error) {
      log.warn(`${name}: closing`, { path: last.file.path, detail: describeDatabaseError(error) });
    }
  }

  private release(): void {
    const gone = this.take();
    if (gone === null) return;
    const { name, log } = this.options;
    try {
      gone.prepared?.close();
      gone.file.closeReplaced();
    } catch (error) {
      log.warn(`${name}: closing the old file failed`, {
        path: gone.file.path,
        detail: describeDatabaseError(error),
      });
    }
  }

  private take(): { readonly file: DatabaseFile; readonly prepared: T | undefined } | null {
    const { file, opened } = this;
    this.file = null;
    this.opened = null;
    return file === null ? null : { file, prepared: opened?.prepared };
  }

  /** Null: it was moved aside. */
  private moveDamagedAside(path: string, detail: string): string | null {
    const { name, log, nowMs } = this.options;
    try {
      const aside = moveAside(path, nowMs());
      log.error(`${name} is damaged: moved aside, a new one is started`, { path, aside, detail });
      return null;
    } catch (error) {
      return describeDatabaseError(error);
    }
  }
}
