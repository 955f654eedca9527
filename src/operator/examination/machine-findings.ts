// What `clawgate doctor` finds about the machine: the state directory, the database, the port. It must never create or change
// anything; whether a file could be written is derived from its mode.

import { accessSync, constants, lstatSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import type { LoadedConfig } from "../../config/load.ts";
import { databasePaths } from "../../metrics/database-path.ts";
import { schema } from "../../metrics/records-file.ts";
import { checkDatabaseFile } from "../../sqlite/database-check.ts";
import { errorCode } from "../../system/files.ts";
import { type Environment, stateDirectory, stateDirectoryFrom } from "../../system/state-directory.ts";
import { minFreeBytes, megabytes, freeSpaceAt } from "../../system/free-space.ts";
import { type Finding, findingsIn } from "./finding.ts";

const inState = findingsIn("state");
const inDatabase = findingsIn("database");

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function nearestExisting(path: string): string {
  for (let at = path; ; at = dirname(at))
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined || at === dirname(at)) return at;
}

export async function stateFindings(environment: Environment): Promise<readonly Finding[]> {
  const path = stateDirectory(environment);
  return [...directoryFindings(path, stateDirectoryFrom(environment)), ...(await spaceFindings(path))];
}

/** Free space on the disk where it is or would be. */
async function spaceFindings(path: string): Promise<readonly Finding[]> {
  const space = await freeSpaceAt(nearestExisting(path));
  if (space === null) return [];
  const free = `${megabytes(space.free)} MB are free there`;
  if (!space.hasNames)
    return [
      inState("failed", "space", "no more files can be created there (no free inodes)", path, freeSomeSpace),
    ];
  if (space.free === 0) return [inState("failed", "space", "the disk is full", path, freeSomeSpace)];
  return space.free < minFreeBytes
    ? [inState("warning", "space", `only ${free}`, path, freeSomeSpace)]
    : [inState("ok", "space", free)];
}

const freeSomeSpace = "free some space, or set CLAWGATE_STATE_DIR to a folder on another disk";

function directoryFindings(path: string, from: string): readonly Finding[] {
  const title = path;
  const advice = `its path comes from ${from}; set CLAWGATE_STATE_DIR to your own folder`;
  let found: ReturnType<typeof lstatSync>;
  try {
    found = lstatSync(path);
  } catch (thrown) {
    if (errorCode(thrown) !== "ENOENT")
      return [
        inState(
          "failed",
          "directory",
          title,
          `it cannot be inspected (${errorCode(thrown) ?? "unknown"})`,
          advice,
        ),
      ];
    const parent = nearestExisting(dirname(path));
    return isWritable(parent)
      ? [inState("ok", "directory", title, "does not exist yet; the first start creates it")]
      : [inState("failed", "directory", title, `it cannot be created: ${parent} is not writable`, advice)];
  }
  if (found.isSymbolicLink() || !found.isDirectory())
    return [inState("failed", "directory", title, "it is not a plain directory", advice)];
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user)
    return [inState("failed", "directory", title, `it belongs to user ${found.uid}, not to ${user}`, advice)];
  if (!isWritable(path)) return [inState("failed", "directory", title, "it is not writable", advice)];
  // Without owners, modes say nothing of who may read.
  if (user === undefined) return [inState("ok", "directory", title, "writable")];
  const mode = found.mode & 0o777;
  if ((mode & 0o077) === 0) return [inState("ok", "directory", title, "writable, private")];
  const shown = mode.toString(8);
  return [
    inState(
      "warning",
      "directory",
      title,
      `others can read it (mode ${shown})`,
      "the next start makes it private",
    ),
  ];
}

export type DatabaseOptions = {
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly isQuick: boolean;
};

export function databaseFindings(
  { config, environment }: Pick<LoadedConfig, "config" | "environment">,
  { workingDirectory, homeDirectory, isQuick }: DatabaseOptions,
): readonly Finding[] {
  if (!config.metrics.enabled || !config.metrics.log_requests)
    return [
      inDatabase("skipped", "database", "no requests are recorded", "metrics are switched off in the config"),
    ];
  const { paths, from, notices } = databasePaths({
    env: environment,
    configured: config.metrics.db_path ?? null,
    cwd: workingDirectory,
    home: homeDirectory,
  });
  const path = paths[0] ?? "";
  return [
    ...notices.map((notice) => inDatabase("warning", "path", notice)),
    databaseFinding(path, from, !isQuick),
  ];
}

function databaseFinding(path: string, from: string, checksPages: boolean): Finding {
  const seen = checkDatabaseFile(path, schema, checksPages);
  switch (seen.kind) {
    case "memory":
      return inDatabase("ok", "database", "in memory", "records end with the gateway");
    case "absent": {
      const parent = nearestExisting(dirname(path));
      return isWritable(parent)
        ? inDatabase("ok", "database", path, "does not exist yet; the first start creates it")
        : inDatabase(
            "failed",
            "database",
            path,
            `it cannot be created: ${parent} is not writable`,
            `its path comes from ${from}; set CLAWGATE_DB_PATH`,
          );
    }
    case "whole": {
      const size = `${seen.rows} requests, ${(seen.bytes / 1024 / 1024).toFixed(1)} MB`;
      return inDatabase(
        "ok",
        "database",
        path,
        seen.wasChecked ? `intact; ${size}` : `${size}; its pages were not checked`,
      );
    }
    case "busy":
      return inDatabase(
        "warning",
        "database",
        path,
        `another program has locked it: ${seen.detail}`,
        "try again",
      );
    case "damaged":
      return inDatabase(
        "failed",
        "database",
        path,
        `it is damaged: ${seen.detail}`,
        "restart the gateway: it moves the file aside and starts a new one",
      );
    default:
      return inDatabase(
        "failed",
        "database",
        path,
        seen.detail,
        `its path comes from ${from}; set CLAWGATE_DB_PATH or metrics.db_path to another file`,
      );
  }
}

/** Null: the port is free; otherwise the error code. */
export function portProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(errorCode(error) ?? "unknown"));
    server.listen({ host: host.replace(/^\[|\]$/g, ""), port, exclusive: true }, () =>
      server.close(() => resolve(null)),
    );
  });
}
