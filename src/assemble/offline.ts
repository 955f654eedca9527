// The house without its door: config, providers and router for a command when no gateway runs. Nothing listens, nothing
// is recorded, and nothing is written to the state directory.

import { redactorFor } from "../canon/redact.ts";
import { environmentFor } from "../config/settle.ts";
import type { LoadedConfig, LoadInput } from "../config/load.ts";
import { findConfigFile } from "../config/search.ts";
import { systemClock } from "../system/clock.ts";
import { createLog, streamWriter } from "../system/log.ts";
import type { Environment } from "../system/state-directory.ts";
import { createEstate, type HouseEstate } from "./estate.ts";
import { type Assembled, assembleGeneration } from "./generation.ts";
import { availableBackends } from "./providers.ts";
import { loadOrDiscover, type SourceInput } from "./source.ts";

export type OfflineInput = SourceInput & {
  readonly stderr: NodeJS.WriteStream;
};

export type OfflineHouse = {
  readonly assembled: Assembled;
  readonly estate: HouseEstate;
  close(): Promise<void>;
};

/** The variables as a gateway started here would see them; a config that is wrong does not matter yet. */
export function environmentHere(input: OfflineInput, knownVariables: readonly string[] = []): Environment {
  const full: LoadInput = { ...input, availableBackends, knownVariables };
  const search = findConfigFile(full);
  const path = "file" in search ? (search.file?.path ?? null) : null;
  return environmentFor(full, path, {}).environment;
}

/** Throws ConfigProblem. */
export async function loadOffline(input: OfflineInput): Promise<LoadedConfig> {
  const loaded = await loadOrDiscover(input);
  return { ...loaded, config: { ...loaded.config, metrics: { ...loaded.config.metrics, enabled: false } } };
}

/** Throws ConfigProblem. */
export async function openOffline(input: OfflineInput): Promise<OfflineHouse> {
  const loaded = await loadOffline(input);
  let made: HouseEstate | null = null;
  const withoutNames = redactorFor([]);
  const estate = createEstate({
    clock: systemClock,
    log: createLog({
      level: "error",
      pretty: true,
      write: streamWriter(input.stderr),
      clock: systemClock,
      redact: (text) => (made === null ? withoutNames(text) : made.redact(text)),
    }),
    loaded,
    workingDirectory: input.workingDirectory,
    homeDirectory: input.homeDirectory,
    fetch,
    inForce: () => loaded,
  });
  made = estate;
  return {
    assembled: assembleGeneration(loaded, estate, null),
    estate,
    close: () => estate.store.close(),
  };
}
