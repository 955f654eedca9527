// The path of the database: the candidates, in order. It must never touch the disk.

import { isAbsolute, join, resolve } from "node:path";
import { inMemory } from "../sqlite/database-file.ts";

export type DatabasePathInput = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `metrics.db_path` of the config. */
  readonly configured: string | null;
  readonly cwd: string;
  readonly home: string;
};

export type DatabasePaths = {
  /** The variable or key that set the first path. */
  readonly from: string;
  /** Never empty: the operator's choice, then the documented user path. */
  readonly paths: readonly string[];
  /** Lines to log, one for each choice that was ignored. */
  readonly notices: readonly string[];
};

function absolute(path: string, input: DatabasePathInput): string {
  if (path === inMemory) return path;
  if (path === "~" || path.startsWith("~/")) return join(input.home, path.slice(1));
  return resolve(input.cwd, path);
}

/** ClawGate refuses its own default name inside the checkout: such a file was committed, or lost with the next update. */
function isInCheckout(path: string, cwd: string): boolean {
  return path.startsWith(join(cwd, "clawgate.db"));
}

/** CLAWGATE_DB_PATH > metrics.db_path > $XDG_DATA_HOME/clawgate/clawgate.db > ~/.local/share/clawgate/clawgate.db. */
export function databasePaths(input: DatabasePathInput): DatabasePaths {
  const { env, configured } = input;
  const notices: string[] = [];
  const paths: string[] = [];
  const xdg = env.XDG_DATA_HOME ?? "";
  const isXdg = xdg !== "" && isAbsolute(xdg);
  let from = isXdg ? "XDG_DATA_HOME" : "HOME";
  const fromEnv = env.CLAWGATE_DB_PATH?.trim() ?? "";
  if (fromEnv !== "") {
    paths.push(absolute(fromEnv, input));
    from = "CLAWGATE_DB_PATH";
  } else if (configured !== null && configured.trim() !== "") {
    const path = absolute(configured.trim(), input);
    if (isInCheckout(path, input.cwd))
      notices.push(
        `metrics.db_path ${configured} is in the working directory and is ignored; the default path is used instead.`,
      );
    else {
      paths.push(path);
      from = "metrics.db_path";
    }
  }
  // The XDG specification says to ignore a relative path here.
  const data = isXdg ? xdg : join(input.home, ".local", "share");
  paths.push(join(data, "clawgate", "clawgate.db"));
  return { paths: [...new Set(paths)], from, notices };
}
