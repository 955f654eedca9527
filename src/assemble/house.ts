// The composition root: estate, generation and face put together, and how all of it stops.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demandSafeAt } from "../config/checks.ts";
import type { LoadedConfig } from "../config/load.ts";
import { Failure } from "../canon/failure.ts";
import { createServer, type Server } from "../server/server.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { createLogTail, type LogTail } from "../system/log-tail.ts";
import { sweepSessions } from "../tenants/sessions.ts";
import { openHttpClient, Scarcity } from "../system/descriptors.ts";
import {
  type Environment,
  openStateDirectory,
  type RunFile,
  stateDirectory,
  stateDirectoryFrom,
} from "../system/state-directory.ts";
import { randomToken } from "../system/secret.ts";
import { createEstate, type EstateOptions, type HouseEstate } from "./estate.ts";
import { createFace } from "./face.ts";
import { type Assembled, assembleGeneration, type Occupancy } from "./generation.ts";
import { listenProblem } from "./listening.ts";
import { watchLiveness } from "./liveness.ts";
import { createReloader, keepQueues } from "./reload.ts";
import type { ReloadReport } from "./reload-report.ts";
import { createSecretBook, type SecretBook } from "./secrets.ts";
import type { ConfigSource } from "./source.ts";
import { createSuccession } from "./succession.ts";
import { takeTenure, type Tenure } from "./tenure.ts";
import { createPremises, type Trouble } from "./premises.ts";
import { tellUnknownPrices } from "./unknown-prices.ts";

export type House = {
  readonly url: string;
  readonly server: Server;
  readonly estate: HouseEstate;
  current(): Assembled;
  /** Generations that live: the one in force, and older ones that still have requests. */
  generations(): number;
  /** Reads the config again and takes it over whole, or not at all. Never rejects; one at a time. */
  reload(reason: string): Promise<ReloadReport>;
  /** Lets running requests finish for `drainMs`, then ends them; flushes records. Idempotent. */
  stop(drainMs: number): Promise<void>;
  /** Ends every running request now. */
  cutOff(): void;
};

export type HouseOptions = {
  readonly loaded: LoadedConfig;
  /** Where `loaded` came from and later ones come from. */
  readonly source: Pick<ConfigSource, "watch" | "peek"> & { load(): Promise<LoadedConfig> };
  /** Shared with `log`, so that it masks what the config in force holds. Absent: the house has its own. */
  readonly secrets?: SecretBook;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestLines?: EstateOptions["requestLines"];
  /** What `log` has said last. Absent: none of it is kept. */
  readonly logTail?: LogTail;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch?: typeof fetch;
};

/** After the drain, what is still running gets this long to tell its clients and write its records. */
const lastWordsMs = 1_000;

/** Throws ListenProblem and DirectoryInUse. */
export async function openHouse(options: HouseOptions): Promise<House> {
  const { log } = options;
  const { environment } = options.loaded;
  const lasting: Trouble[] = [];
  const places = await openPlaces(environment, log, lasting);
  const tenure = await takeTenure(places.stateDirectory, {
    ...options,
    from: stateDirectoryFrom(environment),
  });
  try {
    return await furnish(options, { places, tenure, lasting });
  } catch (error) {
    await tidyUp(places, tenure).catch((second: unknown) =>
      log.warn("what is left of this start could not be taken away", { detail: wordsOf(second) }),
    );
    throw error;
  }
}

type Ground = { readonly places: Places; readonly tenure: Tenure; readonly lasting: readonly Trouble[] };

async function furnish(options: HouseOptions, { places, tenure, lasting }: Ground): Promise<House> {
  const { loaded, clock, log } = options;
  const { config, environment } = loaded;
  const token = randomToken();
  const secrets = options.secrets ?? createSecretBook();
  const succession = createSuccession({
    first: loaded,
    secrets,
    onGone: () => keepQueues(estate, succession),
  });
  const estate = createEstate({
    ...options,
    secrets,
    ...places,
    mayKeepState: tenure.isKept,
    fetch: options.fetch ?? fetch,
    inForce: succession.inForce,
    inUse: () => succession.living().map((each) => each.loaded),
  });
  const build = (next: LoadedConfig, occupancy: Occupancy): Assembled => {
    const assembled = assembleGeneration(next, estate, token, occupancy);
    // The socket stays where the start has put it, whatever a later config says.
    return { ...assembled, rules: { ...assembled.rules, bindHost: config.server.host } };
  };
  succession.succeed(loaded, (occupancy) => build(loaded, occupancy));
  const { current } = succession;
  await estate.healthMemory.load();
  await estate.spending.follow(loaded.config.tenants);
  await tellUnknownPrices(loaded.config, current().road, estate);
  await estate.clis.sweep();
  await estate.clis.checkJails().catch(async (error: unknown) => {
    // What was made for the trial goes with a start that is refused.
    await estate.clis.stop();
    throw error;
  });
  const reloader = createReloader({
    async load() {
      const next = await options.source.load();
      demandSafeAt(config.server.host, next.config, next.path);
      return next;
    },
    started: loaded,
    succession,
    estate,
    build,
  });

  const premises = createPremises({
    estate,
    environment,
    workingDirectory: options.workingDirectory,
    state: { path: places.stateDirectory ?? null, from: stateDirectoryFrom(environment) },
    isRecorded: config.metrics.enabled && config.metrics.log_requests,
  });
  await premises.look();

  const { descriptors } = estate;
  await openHttpClient(descriptors.isTight);
  if (!descriptors.canServe()) {
    // One that only ever refuses, or cannot even accept, looks like a gateway and is none.
    await estate.clis.stop();
    throw new Scarcity(null);
  }
  const { host: hostname, port } = config.server;
  let server: Server;
  try {
    server = createServer(
      createFace(
        estate,
        current,
        { ...reloader, peek: () => options.source.peek() },
        premises,
        () => [...lasting, ...tenure.troubles()],
        options.logTail ?? createLogTail(),
      ),
      { hostname, port },
    );
  } catch (error) {
    await estate.clis.stop();
    throw await listenProblem(error, { ...loaded, host: hostname, port });
  }
  // From here to the end nothing is waited for: who connects is answered when the start is over.
  const url = `http://${urlHost(config.server.host)}:${server.port}`;
  const startedAt = new Date(clock.nowMs()).toISOString();
  const runFile: RunFile = { pid: process.pid, url, token, startedAt };
  if (server.port !== undefined) estate.clis.listensOn(server.port);
  tenure.announce(runFile);
  const stopHolding = tenure.watch(() => {
    estate.state.look();
    estate.spending.look();
  });
  const stopRelieving = descriptors.watch(server.closeIdle, (isShort, inUse) =>
    isShort
      ? log.warn("short of file descriptors: new requests are refused until there is room", {
          inUse,
          limit: descriptors.limit,
        })
      : log.info("there are file descriptors again", { inUse, limit: descriptors.limit }),
  );
  estate.clis.warmUp();
  const stopLiveness = watchLiveness(estate, current);
  const stopLooking = premises.watch();
  const stopSweeping = sweepSessions(
    clock,
    () => succession.inForce().config.session.cleanup_interval * 1000,
    estate.stickiness.sweep,
  );
  const stopWatching = options.source.watch(() => void reloader.reload("file"));

  const cutOff = (): void =>
    estate.live.cancelAll(
      new Failure("shutting-down", "The gateway is shutting down. Try again in a moment."),
    );
  let stopping: Promise<void> | null = null;
  const stop = async (drainMs: number): Promise<void> => {
    stopLiveness();
    stopHolding();
    stopRelieving();
    stopWatching();
    stopSweeping();
    stopLooking();
    reloader.stop();
    const stopTimer = clock.setTimer(drainMs, cutOff);
    await server.stop(drainMs + lastWordsMs);
    stopTimer();
    cutOff();
    try {
      await estate.clis.stop();
      await estate.store.close();
      await estate.spending.close();
      await estate.healthMemory.flush();
      await estate.state.close();
    } finally {
      // Whatever could not be closed: what says that we are here must not outlive us.
      await tidyUp(places, tenure).catch((error: unknown) =>
        log.warn("what is left of this run could not be taken away", { detail: wordsOf(error) }),
      );
    }
    log.info("stopped");
  };
  return {
    url,
    server,
    estate,
    current,
    generations: () => succession.living().length,
    reload: reloader.reload,
    cutOff,
    stop: (drainMs) => (stopping ??= stop(drainMs)),
  };
}

type Places = Pick<EstateOptions, "stateDirectory" | "temporaryDirectory">;

/** The state directory; where it cannot be used, which is said, memory serves, and programs get a folder that goes with us. */
async function openPlaces(environment: Environment, log: Log, lasting: Trouble[]): Promise<Places> {
  try {
    return { stateDirectory: await openStateDirectory(environment) };
  } catch (error) {
    const from = stateDirectoryFrom(environment);
    const place = `${stateDirectory(environment)} (from ${from})`;
    lasting.push({ id: "state.directory", message: `state is kept in memory: ${place}: ${wordsOf(error)}` });
    log.warn(
      "the state directory cannot be used: state is kept in memory and ends with this process. Commands do not find this gateway, and its write routes need auth.admin_key. Set CLAWGATE_STATE_DIR to a folder of your own that can be written to",
      { path: stateDirectory(environment), from, detail: wordsOf(error) },
    );
  }
  const prefix = join(tmpdir(), "clawgate-state-");
  return {
    temporaryDirectory: await mkdtemp(prefix).catch((error: unknown) => {
      log.warn("there is no folder for programs either", { path: prefix, detail: wordsOf(error) });
      return `${prefix}${randomToken().slice(0, 12)}`;
    }),
  };
}

/** Last of all, for with the tenure goes what keeps others out. */
async function tidyUp({ temporaryDirectory }: Places, tenure: Tenure): Promise<void> {
  if (temporaryDirectory !== undefined) await rm(temporaryDirectory, { recursive: true, force: true });
  await tenure.end();
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The address as a client would write it. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::" || host === "[::]") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
