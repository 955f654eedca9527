// The variables that a config is read with: the process's own, over the `.env` beside a config that was named, over what the
// `.env` of the working directory may say. Every name knows its file. It must never print a value.

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
import { variablesIn } from "./expand.ts";
import { type Ignored, isSecretName, filterFolderVariables } from "./folder-variables.ts";
import type { LocalAnswers } from "./local-servers.ts";
import type { Flags } from "./overrides.ts";
import { isFolderEnvironment, isMerelyFound, type SearchInput } from "./search.ts";
import { isTree, valueAt } from "./values.ts";

export type LoadInput = SearchInput & {
  /** Backends that this build can drive; providers of others are skipped. */
  readonly availableBackends: ReadonlySet<BackendName>;
  readonly flags?: Flags;
  /** More variables that `.env` may set: the key variables of the vendor rows. */
  readonly knownVariables?: readonly string[];
  /** Programs that serve models on this machine. Absent: a provider without its key is skipped, whoever answers. */
  readonly localServers?: readonly VendorRow[];
  readonly localAnswers?: LocalAnswers;
  /** Permission bits of a file, or null when they say nothing here. */
  readonly fileMode?: (path: string) => number | null;
};

export type ResolvedEnvironment = {
  /** The process's variables with what may be taken of `.env` laid under them. */
  readonly environment: Environment;
  /** Names whose value came out of a file, and which. */
  readonly origins: ReadonlyMap<string, string>;
  /** The `.env` of the working directory, where nobody named it. */
  readonly folderFile: string | null;
  /** What stands in it and was not taken. */
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
      notices.push(`${path} is not read: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const isFound = configPath !== null && isMerelyFound(input, configPath);
  const besideFolder = configPath === null || isFound ? null : dirname(configPath);
  const beside = besideFolder === null ? null : read(join(besideFolder, ".env"), input.readFile);
  const own: Layer[] = beside === null ? [] : [onlyOf(beside, known)];

  const path = join(input.workingDirectory, ".env");
  const isFolders = isFolderEnvironment(input, configPath);
  // One place is read once.
  const folder =
    besideFolder === input.workingDirectory
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
  const lists = [valueAt(value, ["auth", "keys"]), valueAt(value, ["tenants"])];
  return lists.some((list) => Array.isArray(list) && list.length > 0);
}
