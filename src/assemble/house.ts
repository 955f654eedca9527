// The composition root: estate, generation and face put together, and how all of it stops.

import type { LoadedConfig } from "../config/load.ts";
import { Failure } from "../canon/failure.ts";
import { createServer, type Server } from "../server/server.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { openStateDirectory, removeRunFile, writeRunFile } from "../system/state-directory.ts";
import { randomToken } from "../system/secret.ts";
import { createEstate, type HouseEstate } from "./estate.ts";
import { createFace } from "./face.ts";
import { type Assembled, assembleGeneration } from "./generation.ts";
import { watchLiveness } from "./liveness.ts";

export type House = {
  readonly url: string;
  readonly server: Server;
  readonly estate: HouseEstate;
  current(): Assembled;
  /** Lets running requests finish for `drainMs`, then ends them; flushes records. Idempotent. */
  stop(drainMs: number): Promise<void>;
  /** Ends every running request now. */
  cutOff(): void;
};

export type HouseOptions = {
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch?: typeof fetch;
};

/** After the drain, what is still running gets this long to tell its clients and write its records. */
const lastWordsMs = 1_000;

/** Throws what listening throws (EADDRINUSE) and what the state directory throws. */
export async function openHouse(options: HouseOptions): Promise<House> {
  const { loaded, clock, log } = options;
  const { config, environment } = loaded;
  const stateDirectory = await openStateDirectory(environment);
  const token = randomToken();
  let assembled: Assembled | null = null;
  const estate = createEstate({
    ...options,
    fetch: options.fetch ?? fetch,
    inForce: () => assembled?.loaded ?? loaded,
  });
  const first = assembleGeneration(loaded, estate, token);
  assembled = first;
  const current = (): Assembled => assembled ?? first;

  const server = createServer(createFace(estate, current), {
    hostname: config.server.host,
    port: config.server.port,
  });
  const url = `http://${urlHost(config.server.host)}:${server.port}`;
  const runFile = { pid: process.pid, url, token };
  await writeRunFile(stateDirectory, runFile);
  const stopLiveness = watchLiveness(estate, current);

  const cutOff = (): void =>
    estate.live.cancelAll(
      new Failure("shutting-down", "The gateway is shutting down. Try again in a moment."),
    );
  let stopping: Promise<void> | null = null;
  const stop = async (drainMs: number): Promise<void> => {
    stopLiveness();
    const stopTimer = clock.setTimer(drainMs, cutOff);
    await server.stop(drainMs + lastWordsMs);
    stopTimer();
    cutOff();
    await estate.store.close();
    await removeRunFile(stateDirectory, runFile);
    log.info("stopped");
  };
  return {
    url,
    server,
    estate,
    current,
    cutOff,
    stop: (drainMs) => (stopping ??= stop(drainMs)),
  };
}

/** The address as a client would write it. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::" || host === "[::]") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
