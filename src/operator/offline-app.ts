// The house without its door: config, providers and router for a command when no gateway runs. Nothing listens, nothing
// is recorded, and nothing is written to the state directory.

import { redactorFor } from "../canon/redact.ts";
import { resolveEnvironment } from "../config/resolved-environment.ts";
import type { LoadedConfig, LoadInput } from "../config/load.ts";
import { readDocument } from "../config/document.ts";
import { findConfigFile, isMerelyFound } from "../config/search.ts";
import { createVariableLookup } from "../config/variable-sources.ts";
import { systemClock } from "../system/clock.ts";
import { createLog, oneLineJson, streamWriter } from "../system/log.ts";
import type { Environment } from "../system/state-directory.ts";
import { createServices, type AppServices } from "../app/app-services.ts";
import { type ConfigSnapshot, createConfigSnapshot } from "../app/config-snapshot.ts";
import { availableBackends } from "../app/providers/loaded-provider.ts";
import { loadOrDiscover, type ConfigSourceInput } from "../app/config-source.ts";

export type OfflineInput = ConfigSourceInput & {
  readonly stderr: NodeJS.WriteStream;
  /** What this command has said of files that it does not believe: once is enough. */
  readonly reported: Set<string>;
};

type LoadInputs = Pick<LoadInput, "readFile" | "readFound">;

export type OfflineApp = {
  readonly snapshot: ConfigSnapshot;
  readonly services: AppServices;
  close(): Promise<void>;
};

/** The variables as a gateway started here would see them; a config that is wrong does not matter yet. */
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

/** What is there and would not be believed, a line each, whatever else is wrong with the config. */
export function distrustedFiles(input: OfflineInput): readonly string[] {
  const full: LoadInput = { ...input, availableBackends };
  const search = findConfigFile(full);
  const file = "file" in search ? search.file : null;
  const read = file === null ? null : readDocument(file.text);
  const document = read !== null && "document" in read ? read.document.value : {};
  const surroundings = resolveEnvironment(full, file?.path ?? null, document);
  const isFound = file !== null && isMerelyFound(full, file.path);
  return [
    ...("notices" in search ? search.notices : []),
    ...surroundings.notices,
    ...createVariableLookup(surroundings, document, isFound).notices(),
  ];
}

function reportOnce({ reported, stderr }: OfflineInput, line: string): void {
  if (reported.has(line)) return;
  reported.add(line);
  stderr.write(`clawgate: ${oneLineJson(line).slice(1, -1)}.\n`);
}

/** The same surroundings, with this text in a file's place. */
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

/** Throws ConfigProblem. */
export async function openOfflineApp(input: OfflineInput): Promise<OfflineApp> {
  const loaded = await loadOffline(input);
  let started: AppServices | null = null;
  const withoutNames = redactorFor([]);
  const services = createServices({
    clock: systemClock,
    log: createLog({
      level: "error",
      pretty: true,
      write: streamWriter(input.stderr),
      clock: systemClock,
      redact: (text) => (started === null ? withoutNames(text) : started.redact(text)),
    }),
    loaded,
    workingDirectory: input.workingDirectory,
    homeDirectory: input.homeDirectory,
    fetch,
    currentConfig: () => loaded,
  });
  started = services;
  return {
    snapshot: createConfigSnapshot(loaded, services, null),
    services,
    close: () => services.store.close(),
  };
}
