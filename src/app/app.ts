// The composition root: estate, generation and face put together, and how all of it stops.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demandSafeAt } from "../config/cross-checks.ts";
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
import { createServices, type ServicesOptions, type AppServices } from "./app-services.ts";
import { createServerPort } from "./app-port.ts";
import { type ConfigSnapshot, createConfigSnapshot, type RequestCounter } from "./config-snapshot.ts";
import { listenProblem } from "./listen-problem.ts";
import { startProviderChecks } from "./provider-checks.ts";
import { createReloader, dropUnusedProviders } from "./reloader.ts";
import type { ReloadReport } from "./config-changes.ts";
import { createSecretRegistry, type SecretRegistry } from "./secret-registry.ts";
import type { ConfigSource } from "./config-source.ts";
import { createSnapshots } from "./snapshots.ts";
import { claimStateDirectory, type StateDirectoryClaim } from "./state-directory-claim.ts";
import { createMachineChecks, type HealthProblem } from "./machine-checks.ts";
import { warnOfUnpricedModels } from "./tenants/unpriced-models.ts";

export type App = {
  readonly url: string;
  readonly server: Server;
  readonly services: AppServices;
  current(): ConfigSnapshot;
  /** Generations that live: the one in force, and older ones that still have requests. */
  snapshotsInUse(): number;
  /** Reads the config again and takes it over whole, or not at all. Never rejects; one at a time. */
  reload(reason: string): Promise<ReloadReport>;
  /** Lets running requests finish for `drainMs`, then ends them; flushes records. Idempotent. */
  stop(drainMs: number): Promise<void>;
  /** Ends every running request now. */
  abortRequests(): void;
};

export type AppOptions = {
  readonly loaded: LoadedConfig;
  /** Where `loaded` came from and later ones come from. */
  readonly source: Pick<ConfigSource, "watch" | "peek"> & { load(): Promise<LoadedConfig> };
  /** Shared with `log`, so that it masks what the config in force holds. Absent: the house has its own. */
  readonly secrets?: SecretRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly accessLog?: ServicesOptions["accessLog"];
  /** What `log` has said last. Absent: none of it is kept. */
  readonly logTail?: LogTail;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch?: typeof fetch;
};

/** After the drain, what is still running gets this long to tell its clients and write its records. */
const closingMs = 1_000;

/** Throws ListenProblem and DirectoryInUse. */
export async function startApp(options: AppOptions): Promise<App> {
  const { log } = options;
  const { environment } = options.loaded;
  const startProblems: HealthProblem[] = [];
  const places = await openStateLocation(environment, log, startProblems);
  const claim = await claimStateDirectory(places.stateDirectory, {
    ...options,
    from: stateDirectoryFrom(environment),
  });
  try {
    return await buildApp(options, { places, claim, startProblems });
  } catch (error) {
    await releaseStateDirectory(places, claim).catch((second: unknown) =>
      log.warn("what is left of this start could not be taken away", { detail: errorText(second) }),
    );
    throw error;
  }
}

type StartContext = {
  readonly places: StateLocation;
  readonly claim: StateDirectoryClaim;
  readonly startProblems: readonly HealthProblem[];
};

async function buildApp(options: AppOptions, { places, claim, startProblems }: StartContext): Promise<App> {
  const { loaded, clock, log } = options;
  const { config, environment } = loaded;
  const token = randomToken();
  const secrets = options.secrets ?? createSecretRegistry();
  const snapshots = createSnapshots({
    first: loaded,
    secrets,
    onGone: () => dropUnusedProviders(services, snapshots),
  });
  const services = createServices({
    ...options,
    secrets,
    ...places,
    mayOpenState: claim.isHeld,
    fetch: options.fetch ?? fetch,
    currentConfig: snapshots.currentConfig,
    configsInUse: () => snapshots.inUse().map((each) => each.loaded),
  });
  const build = (next: LoadedConfig, counter: RequestCounter): ConfigSnapshot => {
    const snapshot = createConfigSnapshot(next, services, token, counter);
    // The socket stays where the start has put it, whatever a later config says.
    return { ...snapshot, rules: { ...snapshot.rules, bindHost: config.server.host } };
  };
  snapshots.activate(loaded, (counter) => build(loaded, counter));
  const { current } = snapshots;
  await services.savedHealth.load();
  await services.spending.follow(loaded.config.tenants);
  await warnOfUnpricedModels(loaded.config, current().pipeline, services);
  await services.claudePrograms.sweep();
  await services.claudePrograms.checkJails().catch(async (error: unknown) => {
    // What was made for the trial goes with a start that is refused.
    await services.claudePrograms.stop();
    throw error;
  });
  const reloader = createReloader({
    async load() {
      const next = await options.source.load();
      demandSafeAt(config.server.host, next.config, next.path);
      return next;
    },
    started: loaded,
    snapshots,
    services,
    build,
  });

  const machineChecks = createMachineChecks({
    services,
    environment,
    workingDirectory: options.workingDirectory,
    state: { path: places.stateDirectory ?? null, from: stateDirectoryFrom(environment) },
    isRecorded: config.metrics.enabled && config.metrics.log_requests,
  });
  await machineChecks.check();

  const { descriptors } = services;
  await openHttpClient(descriptors.isTight);
  if (!descriptors.canServe()) {
    // One that only ever refuses, or cannot even accept, looks like a gateway and is none.
    await services.claudePrograms.stop();
    throw new Scarcity(null);
  }
  const { host: hostname, port } = config.server;
  let server: Server;
  try {
    server = createServer(
      createServerPort(
        services,
        current,
        { ...reloader, peek: () => options.source.peek() },
        machineChecks,
        () => [...startProblems, ...claim.problems()],
        options.logTail ?? createLogTail(),
      ),
      { hostname, port },
    );
  } catch (error) {
    await services.claudePrograms.stop();
    throw await listenProblem(error, { ...loaded, host: hostname, port });
  }
  // From here to the end nothing is waited for: who connects is answered when the start is over.
  const url = `http://${urlHost(config.server.host)}:${server.port}`;
  const startedAt = new Date(clock.nowMs()).toISOString();
  const runFile: RunFile = { pid: process.pid, url, token, startedAt };
  if (server.port !== undefined) services.claudePrograms.listensOn(server.port);
  claim.announce(runFile);
  const stopClaim = claim.watch(() => {
    services.state.checkFile();
    services.spending.checkSlots();
  });
  const stopDescriptors = descriptors.watch(server.closeIdle, (isShort, inUse) =>
    isShort
      ? log.warn("short of file descriptors: new requests are refused until there is room", {
          inUse,
          limit: descriptors.limit,
        })
      : log.info("there are file descriptors again", { inUse, limit: descriptors.limit }),
  );
  services.claudePrograms.warmUp();
  const stopProviderChecks = startProviderChecks(services, current);
  const stopMachineChecks = machineChecks.watch();
  const stopSessionSweep = sweepSessions(
    clock,
    () => snapshots.currentConfig().config.session.cleanup_interval * 1000,
    services.stickiness.sweep,
  );
  const stopWatching = options.source.watch(() => void reloader.reload("file"));

  const abortRequests = (): void =>
    services.live.cancelAll(
      new Failure("shutting-down", "The gateway is shutting down. Try again in a moment."),
    );
  let stopping: Promise<void> | null = null;
  const stop = async (drainMs: number): Promise<void> => {
    stopProviderChecks();
    stopClaim();
    stopDescriptors();
    stopWatching();
    stopSessionSweep();
    stopMachineChecks();
    reloader.stop();
    const stopTimer = clock.setTimer(drainMs, abortRequests);
    await server.stop(drainMs + closingMs);
    stopTimer();
    abortRequests();
    try {
      await services.claudePrograms.stop();
      await services.store.close();
      await services.spending.close();
      await services.savedHealth.flush();
      await services.state.close();
    } finally {
      // Whatever could not be closed: what says that we are here must not outlive us.
      await releaseStateDirectory(places, claim).catch((error: unknown) =>
        log.warn("what is left of this run could not be taken away", { detail: errorText(error) }),
      );
    }
    log.info("stopped");
  };
  return {
    url,
    server,
    services,
    current,
    snapshotsInUse: () => snapshots.inUse().length,
    reload: reloader.reload,
    abortRequests,
    stop: (drainMs) => (stopping ??= stop(drainMs)),
  };
}

type StateLocation = Pick<ServicesOptions, "stateDirectory" | "temporaryDirectory">;

/** The state directory; where it cannot be used, which is said, memory serves, and programs get a folder that goes with us. */
async function openStateLocation(
  environment: Environment,
  log: Log,
  startProblems: HealthProblem[],
): Promise<StateLocation> {
  try {
    return { stateDirectory: await openStateDirectory(environment) };
  } catch (error) {
    const from = stateDirectoryFrom(environment);
    const place = `${stateDirectory(environment)} (from ${from})`;
    startProblems.push({
      id: "state.directory",
      message: `state is kept in memory: ${place}: ${errorText(error)}`,
    });
    log.warn(
      "the state directory cannot be used: state is kept in memory and ends with this process. Commands do not find this gateway, and its write routes need auth.admin_key. Set CLAWGATE_STATE_DIR to a folder of your own that can be written to",
      { path: stateDirectory(environment), from, detail: errorText(error) },
    );
  }
  const prefix = join(tmpdir(), "clawgate-state-");
  return {
    temporaryDirectory: await mkdtemp(prefix).catch((error: unknown) => {
      log.warn("there is no folder for programs either", { path: prefix, detail: errorText(error) });
      return `${prefix}${randomToken().slice(0, 12)}`;
    }),
  };
}

/** Last of all, for with the tenure goes what keeps others out. */
async function releaseStateDirectory(
  { temporaryDirectory }: StateLocation,
  claim: StateDirectoryClaim,
): Promise<void> {
  if (temporaryDirectory !== undefined) await rm(temporaryDirectory, { recursive: true, force: true });
  await claim.release();
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The address as a client would write it. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::" || host === "[::]") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
