// Starts the whole program: config or discovery, log, app, and a summary for the terminal.

import { asksForKeys } from "../config/client-keys.ts";
import type { Found } from "../config/discovery.ts";
import { systemClock } from "../system/clock.ts";
import { lowLimitNotice } from "../system/descriptors.ts";
import { createLineWriter, type LineWriter } from "../system/line-writer.ts";
import { createLog, type Log, type LogLevel, logStyle } from "../system/log.ts";
import { createLogTail, type LogTail } from "../system/log-tail.ts";
import { certificateNote, runtimeWarnings } from "../system/runtime-variables.ts";
import { type App, startApp } from "./app.ts";
import { createSecretRegistry, type SecretRegistry } from "./known-secrets.ts";
import { createConfigSource, type ConfigSourceInput } from "./config-source.ts";

export type GatewayInput = ConfigSourceInput & {
  readonly isJsonLog: boolean;
  readonly stderr: NodeJS.WriteStream;
};

/** What the terminal shows at the start. */
export type Summary = {
  readonly url: string;
  readonly configPath: string | null;
  /** What discovery found; empty when there is a config. */
  readonly found: readonly Found[];
  /** `isDown`: the provider's program is missing. */
  readonly providers: readonly { id: string; model: string; isDown?: boolean }[];
  readonly skipped: readonly { id: string; reason: string }[];
  /** Which settings came from which file, a line each. */
  readonly sources: readonly string[];
  /** Files that exist and are not trusted. */
  readonly distrusted: readonly string[];
  readonly needsKey: boolean;
  /** The provider behind `auto`. */
  readonly first: string | null;
};

export type Gateway = {
  readonly app: App;
  readonly summary: Summary;
  /** From the active config. */
  drainMs(): number;
  /** Settles when the log is written, as far as the output accepts it. */
  flushLog(): Promise<void>;
};

/** A terminal that accepts no output must not delay the exit. */
const flushMs = 1_000;

/** Throws ConfigProblem, ListenProblem or DirectoryInUse. */
export async function startGateway(input: GatewayInput): Promise<Gateway> {
  const secrets = createSecretRegistry();
  // Before anything that can fail, and whatever log level the config sets.
  const writer = createLineWriter(input.stderr, {
    onLost: (lines) => log.warn("log lines were lost: the output did not accept them", { lines }),
  });
  const logTail = createLogTail();
  const sinks = { writer, secrets, logTail };
  const infoLog = createGatewayLog(input, sinks, () => "info");
  for (const warning of runtimeWarnings(input.environment)) infoLog.warn(warning);
  const certificates = certificateNote(input.environment);
  if (certificates !== null) infoLog.info(certificates);
  const source = createConfigSource(input, systemClock);
  const loaded = await source.load();
  const { config, found } = loaded;
  let started: App | null = null;
  const log = createGatewayLog(
    input,
    sinks,
    () => (started?.current().loaded ?? loaded).config.server.log_level,
  );
  const app = await startApp({
    loaded,
    source,
    secrets,
    clock: systemClock,
    log,
    accessLog: { isTerminal: input.stderr.isTTY, isPretty: styleOf(input).pretty },
    logTail,
    workingDirectory: input.workingDirectory,
    homeDirectory: input.homeDirectory,
  });
  started = app;
  logUncaughtErrors(log);
  const fileLimit = app.services.descriptors.limit;
  const lowLimit = lowLimitNotice(fileLimit);
  if (lowLimit !== null) log.warn(lowLimit);
  // A config that was found automatically must not silence the warnings about it.
  const noticeLog = loaded.isUnnamed ? infoLog : log;
  for (const notice of loaded.notices) noticeLog.warn(notice);
  for (const line of loaded.sources) noticeLog.info(line);
  for (const { id, reason } of loaded.skippedProviders)
    log.info(`provider ${id} is not loaded: ${reason}`, { provider: id });
  log.info("listening", {
    url: app.url,
    config: loaded.path,
    providers: Object.keys(config.providers),
    ...(fileLimit === null ? {} : { fileLimit }),
  });
  writer.writeInBackground();
  return {
    app,
    flushLog: () => writer.flush(flushMs),
    drainMs: () => app.current().loaded.config.server.drain_s * 1000,
    summary: {
      url: app.url,
      configPath: loaded.path,
      found,
      providers: Object.entries(config.providers).map(([id, { model }]) => ({
        id,
        model,
        isDown: app.services.health.view(id).isAbsent,
      })),
      skipped: loaded.skippedProviders,
      sources: loaded.sources,
      distrusted: loaded.untrustedNotices,
      needsKey: asksForKeys(config),
      first: config.fallback_chain[0] ?? null,
    },
  };
}

/** Where log lines go, and what masks them. */
type LogSinks = { readonly writer: LineWriter; readonly secrets: SecretRegistry; readonly logTail: LogTail };

function createGatewayLog(
  input: GatewayInput,
  { writer, secrets, logTail }: LogSinks,
  level: () => LogLevel,
): Log {
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

/** A bug in one request must not end the others; it must be logged. */
function logUncaughtErrors(log: Log): void {
  process.on("unhandledRejection", (error) => log.error("unhandled error", { error }));
  process.on("uncaughtException", (error) => log.error("uncaught exception", { error }));
}
