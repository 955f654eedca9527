// Where the config file is looked for. A file that was named must exist; the usual places need not.

import { isAbsolute, join } from "node:path";
import { errorCode } from "../system/files.ts";

export type SearchInput = {
  /** The value of `--config`. */
  readonly argvConfigPath: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** The text of a file, or null when there is none. Throws when it is there but cannot be read. */
  readonly readFile: (path: string) => string | null;
};

export type FoundFile = { readonly path: string; readonly text: string };
export type Search =
  | { readonly file: FoundFile | null }
  | { readonly missing: string; readonly namedBy: string; readonly reason: string };

/** Relative to the working directory; `~/` is the home directory, because a service file has no shell to expand it. */
function absolute(path: string, input: SearchInput): string {
  if (path.startsWith("~/")) return join(input.homeDirectory, path.slice(2));
  return isAbsolute(path) ? path : join(input.workingDirectory, path);
}

export function findConfigFile(input: SearchInput): Search {
  const variable = input.environment["CLAWGATE_CONFIG"];
  const named = input.argvConfigPath ?? (variable === "" ? undefined : variable);
  const xdg = input.environment["XDG_CONFIG_HOME"];
  const configHome = xdg !== undefined && isAbsolute(xdg) ? xdg : join(input.homeDirectory, ".config");
  const namedBy = input.argvConfigPath === undefined ? "CLAWGATE_CONFIG" : "--config";
  const places =
    named === undefined
      ? [
          { path: join(input.workingDirectory, "config.yaml"), by: "the working directory" },
          { path: join(configHome, "clawgate", "config.yaml"), by: "the configuration directory" },
        ]
      : [{ path: absolute(named, input), by: namedBy }];
  for (const { path, by } of places) {
    try {
      const text = input.readFile(path);
      if (text !== null) return { file: { path, text } };
      if (named !== undefined) return { missing: path, namedBy: by, reason: "there is no such file" };
    } catch (error) {
      return { missing: path, namedBy: by, reason: reasonOf(error) };
    }
  }
  return { file: null };
}

function reasonOf(error: unknown): string {
  if (errorCode(error) === "EISDIR") return "it is a folder";
  return error instanceof Error ? error.message : String(error);
}
