// The files in which a gateway with this environment and config keeps its records, including the journals of a database.

import { homedir } from "node:os";
import { isAbsolute } from "node:path";
import { databasePaths } from "./database-path.ts";

const endings = ["", "-wal", "-shm", "-journal", ".bak"];

/** `configured`: `metrics.db_path`. A file counts whether it exists or not. */
export function databaseFiles(
  environment: Readonly<Record<string, string | undefined>>,
  configured: string | null,
): readonly string[] {
  const { paths } = databasePaths({
    env: environment,
    configured,
    cwd: process.cwd(),
    home: environment["HOME"] || homedir(),
  });
  return paths.filter(isAbsolute).flatMap((file) => endings.map((ending) => `${file}${ending}`));
}
