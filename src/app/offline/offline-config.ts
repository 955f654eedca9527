// The config as a command reads it when no gateway runs: its variables, its file and what is not trusted of them. It must never
// write anything.

import { isDeepStrictEqual } from "node:util";
import { resolveEnvironment } from "../../config/resolved-environment.ts";
import type { LoadedConfig, LoadInput } from "../../config/load.ts";
import { readDocument } from "../../config/document.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { findConfigFile, isUnnamed } from "../../config/search.ts";
import { createVariableLookup } from "../../config/variable-sources.ts";
import { oneLineJson } from "../../system/log.ts";
import type { Environment } from "../../system/state-directory.ts";
import type { ExaminationInput } from "../../operator/examination/examination.ts";
import { availableBackends } from "../providers/loaded-provider.ts";
import { loadOrDiscover, type ConfigSourceInput } from "../config-source.ts";

export type OfflineInput = ConfigSourceInput & {
  readonly stderr: NodeJS.WriteStream;
  /** What this command has already said of files that it does not trust: once is enough. */
  readonly reported: Set<string>;
};

type LoadInputs = Pick<LoadInput, "readFile" | "readFound">;

/** The variables that a gateway started here would use, whether or not the config is valid. */
export function offlineEnvironment(input: OfflineInput, knownVariables: readonly string[] = []): Environment {
  const full: LoadInput = { ...input, availableBackends, knownVariables };
  const search = findConfigFile(full);
  const path = "file" in search ? (search.file?.path ?? null) : null;
  const { environment, ignored, folderFile } = resolveEnvironment(full, path, {});
  for (const { name } of ignored)
    if (name === "CLAWGATE_STATE_DIR")
      reportOnce(input, `${name} is not taken from ${folderFile}; export it`);
  return environment;
}

/** Files that exist and would not be trusted, a line each, whatever else is wrong with the config. */
export function distrustedFiles(input: OfflineInput): readonly string[] {
  const full: LoadInput = { ...input, availableBackends };
  const search = findConfigFile(full);
  const file = "file" in search ? search.file : null;
  const read = file === null ? null : readDocument(file.text);
  const document = read !== null && "document" in read ? read.document.value : {};
  const resolved = resolveEnvironment(full, file?.path ?? null, document);
  const isFound = file !== null && isUnnamed(full, file.path);
  return [
    ...("notices" in search ? search.notices : []),
    ...resolved.notices,
    ...createVariableLookup(resolved, document, isFound).notices(),
  ];
}

function reportOnce({ reported, stderr }: OfflineInput, line: string): void {
  if (reported.has(line)) return;
  reported.add(line);
  stderr.write(`clawgate: ${oneLineJson(line).slice(1, -1)}.\n`);
}

/** The same input with this text instead of a file. */
export function withFileText<T extends LoadInputs>(input: T, path: string, text: string): T {
  const over = (read: T["readFile"]) => (each: string) => (each === path ? text : read(each));
  return { ...input, readFile: over(input.readFile), readFound: over(input.readFound ?? input.readFile) };
}

/** Throws ConfigProblem. */
export async function loadOffline(input: OfflineInput): Promise<LoadedConfig> {
  const loaded = await loadOrDiscover(input);
  for (const line of loaded.untrustedNotices) reportOnce(input, line);
  return { ...loaded, config: { ...loaded.config, metrics: { ...loaded.config.metrics, enabled: false } } };
}

/**
 * Why a start that only finds this file in its folder would answer otherwise than one that is told of it; null: it would not.
 * Throws ConfigProblem if the file is refused even then.
 */
export async function lossWhenFound(named: OfflineInput): Promise<string | null> {
  const told = await loadOrDiscover(named);
  try {
    const found = await loadOrDiscover({ ...named, argvConfigPath: undefined });
    const isSame =
      isDeepStrictEqual(found.config, told.config) &&
      isDeepStrictEqual(found.skippedProviders, told.skippedProviders);
    return isSame ? null : (found.untrustedNotices[0] ?? "a start would not use all of it");
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblem)) throw thrown;
    return thrown.problems[0]?.message ?? thrown.message;
  }
}

/** What `clawgate doctor` examines. */
export function examinationInput(input: OfflineInput): ExaminationInput {
  const { environment, workingDirectory, homeDirectory } = input;
  return {
    environment,
    workingDirectory,
    homeDirectory,
    load: () => loadOrDiscover(input),
    environmentOfGateway: () => offlineEnvironment(input),
    distrustedFiles: () => distrustedFiles(input),
  };
}
