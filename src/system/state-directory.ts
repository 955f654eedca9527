// The folder for the gateway's own state, and run.json: how a command in another terminal finds the running gateway.
// It must never trust a directory that others can write to.

import { randomBytes } from "node:crypto";
import { accessSync, constants, renameSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ensurePrivateDirectory, errorCode, readTextIfExists } from "./files.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `token` lets the user's own commands use the write routes. */
export type RunFile = {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  /** ISO 8601, UTC; absent in files of older builds. */
  readonly startedAt?: string;
};

/** $CLAWGATE_STATE_DIR, else $XDG_STATE_HOME/clawgate, else ~/.local/state/clawgate. Absolute; nothing is created. */
export function stateDirectory(environment: Environment): string {
  const own = environment["CLAWGATE_STATE_DIR"];
  if (own) return resolve(own);
  const home = environment["HOME"] || homedir();
  const xdg = environment["XDG_STATE_HOME"];
  // XDG Base Directory specification: a relative path is invalid and must be ignored.
  const base = xdg && isAbsolute(xdg) ? xdg : join(home, ".local", "state");
  return join(base, "clawgate");
}

/** The variable that sets it. */
export function stateDirectoryFrom(environment: Environment): string {
  if (environment["CLAWGATE_STATE_DIR"]) return "CLAWGATE_STATE_DIR";
  const xdg = environment["XDG_STATE_HOME"];
  return xdg && isAbsolute(xdg) ? "XDG_STATE_HOME" : "HOME";
}

/** The same, and verified: it exists, is ours, has mode 0700 and is writable. Throws an Error that explains what is wrong. */
export async function openStateDirectory(environment: Environment): Promise<string> {
  const path = stateDirectory(environment);
  await ensurePrivateDirectory(path);
  const trouble = writeProblem(path);
  if (trouble !== null) throw new Error(trouble);
  return path;
}

/** Why no file can be created there; null: it is fine, or does not exist yet. */
export function writeProblem(path: string): string | null {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const code = errorCode(error);
    return code === "ENOENT" ? null : `${path} cannot be written to (${code ?? "unknown"})`;
  }
}

const runFilePath = (directory: string): string => join(directory, "run.json");

/** Synchronous, so that the file exists before the first answer. Throws the file system's error. */
export function writeRunFile(directory: string, run: RunFile): void {
  const { pid, url, token, startedAt: started_at } = run;
  const path = runFilePath(directory);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify({ pid, url, token, started_at })}\n`, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Null if there is none or it is unusable; the reader must check whether its process is alive. */
export async function readRunFile(directory: string): Promise<RunFile | null> {
  const text = await readTextIfExists(runFilePath(directory));
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { pid, url, token, started_at: startedAt } = value as Record<string, unknown>;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0) return null;
  if (typeof url !== "string" || typeof token !== "string") return null;
  return { pid, url, token, ...(typeof startedAt === "string" ? { startedAt } : {}) };
}

/** For a process that has just become the directory's only owner: a killed gateway left the file. */
export async function removeStaleRunFile(directory: string): Promise<void> {
  await rm(runFilePath(directory), { force: true });
}

/** Removes the file only if it is still the one that `run` wrote: a second gateway may have replaced it. */
export async function removeRunFile(directory: string, run: RunFile): Promise<boolean> {
  const found = await readRunFile(directory);
  if (found === null || found.pid !== run.pid || found.token !== run.token) return false;
  await rm(runFilePath(directory), { force: true });
  return true;
}
