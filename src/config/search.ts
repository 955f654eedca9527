// Where the config file is searched for. A file that was named must exist; the usual places may be empty. One found in the working
// directory was not named explicitly: it must never be trusted like one that was.

import { dirname, isAbsolute, join } from "node:path";
import { errorCode } from "../system/files.ts";
import { UntrustedFile } from "../system/trusted-file.ts";

export type SearchInput = {
  /** The value of `--config`. */
  readonly argvConfigPath: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** The text of a file, or null if there is none. Throws if it exists but cannot be read. */
  readonly readFile: (path: string) => string | null;
  /** The same for a file that was not named: throws UntrustedFile if it may not be trusted. Default: `readFile`. */
  readonly readFound?: (path: string) => string | null;
  /** A `config.yaml` that was found in the working directory at the start; a reload stays with it. */
  readonly keptPath?: string | undefined;
};

export type FoundFile = { readonly path: string; readonly text: string };
export type Search =
  | { readonly file: FoundFile | null; readonly notices: readonly string[] }
  | { readonly missing: string; readonly namedBy: string; readonly reason: string };

/** Relative to the working directory; `~/` is the home directory, because a service file has no shell to expand it. */
function absolute(path: string, input: SearchInput): string {
  if (path.startsWith("~/")) return join(input.homeDirectory, path.slice(2));
  return isAbsolute(path) ? path : join(input.workingDirectory, path);
}

/** The user's own folder for config files. */
function configFolder(input: Pick<SearchInput, "environment" | "homeDirectory">): string {
  const xdg = input.environment["XDG_CONFIG_HOME"];
  const configHome = xdg !== undefined && isAbsolute(xdg) ? xdg : join(input.homeDirectory, ".config");
  return join(configHome, "clawgate");
}

/** Whether this file was not named, but found because the program was started in its folder. */
export function isUnnamed(input: SearchInput, path: string): boolean {
  const folder = dirname(path);
  return namedPath(input) === null && folder === input.workingDirectory && folder !== configFolder(input);
}

/** Whether the `.env` of the working directory was not named. Next to a config that was named, it counts as named. */
export function isFolderEnvironment(input: SearchInput, configPath: string | null): boolean {
  const folder = input.workingDirectory;
  if (folder === configFolder(input)) return false;
  return configPath === null || dirname(configPath) !== folder || isUnnamed(input, configPath);
}

function namedPath(input: SearchInput): string | null {
  const variable = input.environment["CLAWGATE_CONFIG"];
  return input.argvConfigPath ?? (variable === "" ? undefined : variable) ?? null;
}

/** Where a new config file belongs: named, or the first place that a start looks at and `isUsable`. */
export function newConfigPath(input: SearchInput, isUsable: (folder: string) => boolean): string {
  const named = namedPath(input);
  if (named !== null) return absolute(named, input);
  const folder = isUsable(input.workingDirectory) ? input.workingDirectory : configFolder(input);
  return join(folder, "config.yaml");
}

type Place = { readonly path: string; readonly by: string };

function placesOf(input: SearchInput): readonly Place[] {
  const named = namedPath(input);
  if (named !== null) {
    const by = input.argvConfigPath === undefined ? "CLAWGATE_CONFIG" : "--config";
    return [{ path: absolute(named, input), by }];
  }
  if (input.keptPath !== undefined) return [{ path: input.keptPath, by: "the start" }];
  return [
    { path: join(input.workingDirectory, "config.yaml"), by: "the working directory" },
    { path: join(configFolder(input), "config.yaml"), by: "the configuration directory" },
  ];
}

export function findConfigFile(input: SearchInput): Search {
  const isNamed = namedPath(input) !== null;
  const notices: string[] = [];
  for (const { path, by } of placesOf(input)) {
    const read = isUnnamed(input, path) ? (input.readFound ?? input.readFile) : input.readFile;
    try {
      const text = read(path);
      if (text !== null) return { file: { path, text }, notices };
      if (isNamed) return { missing: path, namedBy: by, reason: "there is no such file" };
    } catch (error) {
      // At a start an untrusted file counts as missing; a gateway that runs from it must not lose its keys.
      if (!(error instanceof UntrustedFile) || input.keptPath !== undefined)
        return { missing: path, namedBy: by, reason: reasonOf(error) };
      notices.push(
        `${path} was not read: ${error.message}, or name it explicitly: --config ${path} or CLAWGATE_CONFIG`,
      );
    }
  }
  return { file: null, notices };
}

function reasonOf(error: unknown): string {
  if (errorCode(error) === "EISDIR") return "it is a folder";
  return error instanceof Error ? error.message : String(error);
}
