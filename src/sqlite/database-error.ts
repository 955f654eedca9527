// Errors of a SQLite file, classified by their consequence. It must never look at more than the error itself.

import { SQLiteError } from "bun:sqlite";

/** busy = locked by another; full = no space; corrupt = not (or no longer) a database; row = this statement's own fault; io = the rest. */
export type DatabaseErrorKind = "busy" | "full" | "corrupt" | "row" | "io";

/** drizzle wraps what SQLite threw. */
function sqliteErrorOf(error: unknown): SQLiteError | null {
  if (error instanceof SQLiteError) return error;
  return error instanceof Error && error.cause instanceof SQLiteError ? error.cause : null;
}

export function databaseErrorKind(error: unknown): DatabaseErrorKind {
  const code = sqliteErrorOf(error)?.code ?? null;
  if (code === null || code === "SQLITE_ERROR") return "row";
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) return "busy";
  if (code.startsWith("SQLITE_FULL")) return "full";
  if (/^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(code)) return "corrupt";
  if (/^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test(code)) return "row";
  return "io";
}

/** The file is intact but not as we created it: emptied, or without its table. */
export function isTableLost(error: unknown): boolean {
  return /^SQLITE_(?:ERROR|SCHEMA)$/.test(sqliteErrorOf(error)?.code ?? "");
}

export function describeDatabaseError(error: unknown): string {
  const known = sqliteErrorOf(error);
  if (known !== null) return `${known.code ?? "SQLITE_ERROR"}: ${known.message}`;
  return error instanceof Error ? error.message : String(error);
}
