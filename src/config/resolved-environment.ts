// The variables for reading a config: the process's own, over the `.env` next to a config that was named, over what the `.env`
// of the working directory may set. The file of every name is known. It must never print a value.

import { dirname, join } from "node:path";
import type { BackendName, VendorRow } from "../backends/settings.ts";
import {
  documentedVariables,
  type Environment,
  keyVariables,
  type Layer,
  mergeEnvironment,
  readDotEnv,
} from "./environment.ts";
import type { ReadDocument } from "./document.ts";
import { variablesIn } from "./expand.ts";
import { type Ignored, isSecretName, filterFolderVariables } from "./folder-variables.ts";
import type { LocalAnswers } from "./local-servers.ts";
import type { Flags } from "./overrides.ts";
import { type FoundFile, isFolderEnvironment, isUnnamed, type SearchInput } from "./search.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

export type LoadInput = SearchInput & {
  /** Backends of this build; providers with any other are skipped. */
  readonly availableBackends: ReadonlySet<BackendName>;
  readonly flags?: Flags;
  /** Additional variables that `.env` may set: the key variables of the vendor rows. */
  readonly knownVariables?: readonly string[];
  /** Programs that serve models on this machine. Absent: a provider without its key is skipped even if a server answers. */
  readonly localServers?: readonly VendorRow[];
  readonly localAnswers?: LocalAnswers;
  /** The config text as a thread has read it; null: read it here. */
  readonly documentOf?: (text: string) => ReadDocument | null;
  /** A named file that another program understands, as a config of ours; null: it is read as it is. Throws ConfigProblem. */
  readonly readForeign?: (
    file: FoundFile,
  ) => { readonly value: Tree; readonly notices: readonly string[] } | null;
  /** Permission bits of a file, or null if they mean nothing here. */
  readonly fileMode?: (path: string) => number | null;
};

export type ResolvedEnvironment = {
  /** The process's variables, over those of `.env` that may be used. */
  readonly environment: Environment;
  /** Names whose value came from a file, and which file. */
  readonly origins: ReadonlyMap<string, string>;
  /** The `.env` of the working directory, if it was not named. */
  readonly folderFile: string | null;
  /** Its entries that were not used. */
  readonly ignored: readonly Ignored[];
  readonly notices: readonly string[];
};

export function resolveEnvironment(
  input: LoadInput,
  configPath: string | null,
  value: unknown,
): ResolvedEnvironment {
  const mentioned = mentionedIn(value);
  const known = new Set([
    ...documentedVariables,
    ...keyVariables,
    ...(input.knownVariables ?? []),
    ...mentioned,
  ]);
  const notices: string[] = [];
  const read = (path: string, readFile: SearchInput["readFile"]): Layer | null => {
    try {
      const text = readFile(path);
      return text === null ? null : { path, values: readDotEnv(text) };
    } catch (error) {
      notices.push(`${path} was not read: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const isFound = configPath !== null && isUnnamed(input, configPath);
  const configFolder = configPath === null || isFound ? null : dirname(configPath);
  const nextToConfig = configFolder === null ? null : read(join(configFolder, ".env"), input.readFile);
  const own: Layer[] = nextToConfig === null ? [] : [onlyOf(nextToConfig, known)];

  const path = join(input.workingDirectory, ".env");
  const isFolders = isFolderEnvironment(input, configPath);
  // Each path is read once.
  const folder =
    configFolder === input.workingDirectory
      ? null
      : read(path, isFolders ? (input.readFound ?? input.readFile) : input.readFile);
  if (folder === null || !isFolders) {
    if (folder !== null) own.push(onlyOf(folder, known));
    return { ...mergeEnvironment(input.environment, own), folderFile: null, ignored: [], notices };
  }
  const { taken, ignored } = filterFolderVariables({
    values: folder.values,
    keyVariables: new Set(
      [...keyVariables, ...(input.knownVariables ?? [])].filter((name) => isSecretName(name)),
    ),
    mentioned,
    isSet: (name) =>
      input.environment[name] !== undefined || own.some(({ values }) => Object.hasOwn(values, name)),
    hasOtherKeys: !isFound && asksForKeys(value),
  });
  const layers = [...own, { path, values: taken }];
  return { ...mergeEnvironment(input.environment, layers), folderFile: path, ignored, notices };
}

function mentionedIn(value: unknown): ReadonlySet<string> {
  const providers = valueAt(value, ["providers"]);
  const tokens = isTree(providers)
    ? Object.values(providers).map((provider) => valueAt(provider, ["auth", "variable"]))
    : [];
  return new Set([...variablesIn(value), ...tokens.filter((name) => typeof name === "string")]);
}

function onlyOf({ path, values }: Layer, known: ReadonlySet<string>): Layer {
  return { path, values: Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name))) };
}

function asksForKeys(value: unknown): boolean {
  const lists = [
    valueAt(value, ["auth", "keys"]),
    valueAt(value, ["auth", "clients"]),
    valueAt(value, ["tenants"]),
  ];
  return lists.some((list) => Array.isArray(list) && list.length > 0);
}
