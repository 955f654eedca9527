// From the process's surroundings to a running house: config or discovery, log, house, and a summary for people.

import { redactorFor } from "../canon/redact.ts";
import { discoverConfig, type Found } from "../config/discovery.ts";
import { loadConfig, type LoadedConfig, type LoadInput } from "../config/load.ts";
import { findConfigFile } from "../config/search.ts";
import { localServers, vendors } from "../backends/http/vendors.ts";
import { systemClock } from "../system/clock.ts";
import { createLog, type Log, logStyle, streamWriter } from "../system/log.ts";
import { findOnPath } from "../system/process.ts";
import { type House, openHouse } from "./house.ts";
import { probeModels } from "./probe.ts";
import { availableBackends } from "./providers.ts";

export type GatewayInput = Omit<LoadInput, "availableBackends" | "knownVariables"> & {
  /** Serve only the demonstration. */
  readonly isDemo: boolean;
  readonly isJsonLog: boolean;
  readonly stderr: NodeJS.WriteStream;
};

/** What a person should be told at the start. */
export type Summary = {
  readonly url: string;
  readonly configPath: string | null;
  /** What discovery found; empty when there is a config. */
  readonly found: readonly Found[];
  readonly providers: readonly { id: string; model: string }[];
  readonly skipped: readonly { id: string; reason: string }[];
  readonly needsKey: boolean;
  /** The provider behind `auto`. */
  readonly first: string | null;
};

export type Gateway = { readonly house: House; readonly summary: Summary; readonly drainMs: number };

/** Throws ConfigProblem, or what listening throws. */
export async function openGateway(input: GatewayInput): Promise<Gateway> {
  const { loaded, found } = await loadOrDiscover(input);
  const { config } = loaded;
  const log = logOf(loaded, input);
  const house = await openHouse({
    loaded,
    clock: systemClock,
    log,
    workingDirectory: input.workingDirectory,
    homeDirectory: input.homeDirectory,
  });
  watchForBugs(log);
  for (const notice of loaded.notices) log.warn(notice);
  for (const { id, reason } of loaded.skippedProviders)
    log.info(`provider ${id} is not loaded: ${reason}`, { provider: id });
  log.info("listening", { url: house.url, config: loaded.path, providers: Object.keys(config.providers) });
  return {
    house,
    drainMs: config.server.drain_s * 1000,
    summary: {
      url: house.url,
      configPath: loaded.path,
      found,
      providers: Object.entries(config.providers).map(([id, { model }]) => ({ id, model })),
      skipped: loaded.skippedProviders,
      needsKey: config.auth.keys.length > 0 || config.tenants.length > 0,
      first: config.fallback_chain[0] ?? null,
    },
  };
}

async function loadOrDiscover(
  input: GatewayInput,
): Promise<{ loaded: LoadedConfig; found: readonly Found[] }> {
  const full: LoadInput = { ...input, availableBackends };
  const search = findConfigFile(full);
  const hasFile = "missing" in search || search.file !== null;
  if (hasFile && !input.isDemo) return { loaded: loadConfig(full), found: [] };
  const loaded = await discoverConfig(full, {
    vendors,
    localServers,
    probe: probeModels,
    which: (program) => findOnPath(program, input.environment["PATH"]),
    isDemo: input.isDemo,
  });
  return { loaded, found: loaded.found };
}

function logOf(loaded: LoadedConfig, input: GatewayInput): Log {
  const { config } = loaded;
  const secrets = [
    ...config.auth.keys,
    ...(config.auth.admin_key === undefined ? [] : [config.auth.admin_key]),
    ...config.tenants.map((tenant) => tenant.api_key),
    ...Object.values(config.providers).flatMap((provider) => provider.api_key ?? []),
  ];
  return createLog({
    level: config.server.log_level,
    ...logStyle({
      isTerminal: input.stderr.isTTY,
      environment: input.environment,
      format: input.isJsonLog ? "json" : null,
    }),
    write: streamWriter(input.stderr),
    clock: systemClock,
    redact: redactorFor(secrets.filter((text) => text.length >= 8)),
  });
}

/** A bug in one request must not end the others; it must be seen. */
function watchForBugs(log: Log): void {
  process.on("unhandledRejection", (error) => log.error("an error was not handled", { error }));
  process.on("uncaughtException", (error) => log.error("an exception was not caught", { error }));
}
