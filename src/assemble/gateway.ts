// From the process's surroundings to a running house: config or discovery, log, house, and a summary for people.

import type { Found } from "../config/discovery.ts";
import { systemClock } from "../system/clock.ts";
import { lowLimitNotice } from "../system/descriptors.ts";
import { createLineWriter, type LineWriter } from "../system/line-writer.ts";
import { createLog, type Log, type LogLevel, logStyle } from "../system/log.ts";
import { createLogTail, type LogTail } from "../system/log-tail.ts";
import { certificateNote, runtimeWarnings } from "../system/runtime-variables.ts";
import { type House, openHouse } from "./house.ts";
import { createSecretBook, type SecretBook } from "./secrets.ts";
import { createConfigSource, type SourceInput } from "./source.ts";

export type GatewayInput = SourceInput & {
  readonly isJsonLog: boolean;
  readonly stderr: NodeJS.WriteStream;
};

/** What a person should be told at the start. */
export type Summary = {
  readonly url: string;
  readonly configPath: string | null;
  /** What discovery found; empty when there is a config. */
  readonly found: readonly Found[];
  /** `isDown`: what it is made of is not there. */
  readonly providers: readonly { id: string; model: string; isDown?: boolean }[];
  readonly skipped: readonly { id: string; reason: string }[];
  /** What came from which file, a line each. */
  readonly sources: readonly string[];
  /** What is there and was not believed. */
  readonly distrusted: readonly string[];
  readonly needsKey: boolean;
  /** The provider behind `auto`. */
  readonly first: string | null;
};

export type Gateway = {
  readonly house: House;
  readonly summary: Summary;
  /** As the config in force has it. */
  drainMs(): number;
  /** Settles when what was logged is written, as far as anybody takes it. */
  flushLog(): Promise<void>;
};

/** A terminal that takes nothing must not hold up the end. */
const lastLinesMs = 1_000;

/** Throws ConfigProblem, ListenProblem or DirectoryInUse. */
export async function openGateway(input: GatewayInput): Promise<Gateway> {
  const secrets = createSecretBook();
  // Before anything that can fail, and whatever the config says of the log.
  const writer = createLineWriter(input.stderr, {
    onLost: (lines) => log.warn("lines of this log are lost: nobody took them", { lines }),
  });
  const logTail = createLogTail();
  const keeping = { writer, secrets, logTail };
  const aloud = logOf(input, keeping, () => "info");
  for (const warning of runtimeWarnings(input.environment)) aloud.warn(warning);
  const certificates = certificateNote(input.environment);
  if (certificates !== null) aloud.info(certificates);
  const source = createConfigSource(input, systemClock);
  const loaded = await source.load();
  const { config, found } = loaded;
  let opened: House | null = null;
  const log = logOf(input, keeping, () => (opened?.current().loaded ?? loaded).config.server.log_level);
  const house = await openHouse({
    loaded,
    source,
    secrets,
    clock: systemClock,
    log,
    requestLines: { isTerminal: input.stderr.isTTY, isPretty: styleOf(input).pretty },
    logTail,
    workingDirectory: input.workingDirectory,
    homeDirectory: input.homeDirectory,
  });
  opened = house;
  watchForBugs(log);
  const fileLimit = house.estate.descriptors.limit;
  const lowLimit = lowLimitNotice(fileLimit);
  if (lowLimit !== null) log.warn(lowLimit);
  // A config that nobody named may not silence what is said of it.
  const voice = loaded.isMerelyFound ? aloud : log;
  for (const notice of loaded.notices) voice.warn(notice);
  for (const line of loaded.sources) voice.info(line);
  for (const { id, reason } of loaded.skippedProviders)
    log.info(`provider ${id} is not loaded: ${reason}`, { provider: id });
  log.info("listening", {
    url: house.url,
    config: loaded.path,
    providers: Object.keys(config.providers),
    ...(fileLimit === null ? {} : { fileLimit }),
  });
  writer.letGo();
  return {
    house,
    flushLog: () => writer.flush(lastLinesMs),
    drainMs: () => house.current().loaded.config.server.drain_s * 1000,
    summary: {
      url: house.url,
      configPath: loaded.path,
      found,
      providers: Object.entries(config.providers).map(([id, { model }]) => ({
        id,
        model,
        isDown: house.estate.health.view(id).isAbsent,
      })),
      skipped: loaded.skippedProviders,
      sources: loaded.sources,
      distrusted: loaded.distrusted,
      needsKey: config.auth.keys.length > 0 || config.tenants.length > 0,
      first: config.fallback_chain[0] ?? null,
    },
  };
}

/** Where lines go, and by what they are masked. */
type Keeping = { readonly writer: LineWriter; readonly secrets: SecretBook; readonly logTail: LogTail };

function logOf(input: GatewayInput, { writer, secrets, logTail }: Keeping, level: () => LogLevel): Log {
  return createLog({
    level,
    ...styleOf(input),
    write: writer.write,
    keep: logTail.keep,
    clock: systemClock,
    redact: secrets.redact,
  });
}

function styleOf({ stderr, environment, isJsonLog }: GatewayInput): ReturnType<typeof logStyle> {
  return logStyle({ isTerminal: stderr.isTTY, environment, format: isJsonLog ? "json" : null });
}

/** A bug in one request must not end the others; it must be seen. */
function watchForBugs(log: Log): void {
  process.on("unhandledRejection", (error) => log.error("an error was not handled", { error }));
  process.on("uncaughtException", (error) => log.error("an exception was not caught", { error }));
}
