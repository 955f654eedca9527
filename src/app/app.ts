// The composition root: services, config snapshots and server are put together here, and stopped together.

import { requireSafeAt } from "../config/cross-checks.ts";
import { type ReloadReport, reloadSummary } from "../config/changes.ts";
import type { LoadedConfig } from "../config/load.ts";
import { createServer, type Server } from "../server/server.ts";
import type { Clock } from "../system/clock.ts";
import { reachableOrigin } from "../system/http-origin.ts";
import { openHttpClient, Scarcity } from "../system/descriptors.ts";
import type { Log } from "../system/log.ts";
import { createLogTail, type LogTail } from "../system/log-tail.ts";
import { randomToken } from "../system/secret.ts";
import { type RunFile, stateDirectoryFrom } from "../system/state-directory.ts";
import { createServerPort, type PortParts } from "./app-port.ts";
import { type AppServices, createServices, type ServicesOptions } from "./app-services.ts";
import { createConfigEditor } from "./config-port.ts";
import { BackgroundWork } from "./background-work.ts";
import { type ConfigSnapshot, createConfigSnapshot, type RequestCounter } from "./config-snapshot.ts";
import type { ConfigSource } from "./config-source.ts";
import { Handover, type HandoverOptions, type HandoverResult } from "./handover/handover.ts";
import type { Predecessor } from "./handover/predecessor.ts";
import type { SuccessorCommand } from "./handover/successor.ts";
import { claimSharedPort, takeOver } from "./handover/take-over.ts";
import { listenProblem } from "./listen-problem.ts";
import { liveState } from "./live-state.ts";
import { createMachineChecks, type MachineChecks } from "./machine-checks.ts";
import { createReadings, type Readings } from "./reading-port.ts";
import { createReloader, dropUnusedProviders } from "./reloader.ts";
import { createSecretRegistry, type SecretRegistry } from "./known-secrets.ts";
import { RunningApp } from "./running-app.ts";
import { createSnapshots, type Snapshots } from "./snapshots.ts";
import { claimStateDirectory, type StateDirectoryClaim } from "./persistence/state-directory-claim.ts";
import {
  errorText,
  openStateLocation,
  releaseStateLocation,
  type StateLocation,
} from "./persistence/state-location.ts";
import { warnOfUnpricedModels } from "./tenants/unpriced-models.ts";

export type App = {
  readonly url: string;
  readonly server: Server;
  readonly services: AppServices;
  current(): ConfigSnapshot;
  /** Config snapshots in use: the active one, and older ones that still have requests. */
  snapshotsInUse(): number;
  /** Reads the config again and applies all of it, or nothing. Never rejects; one at a time. */
  reload(reason: string): Promise<ReloadReport>;
  /** Starts a successor and gives everything to it. Never rejects. */
  handOver(command: SuccessorCommand, options: Omit<HandoverOptions, "drainMs">): Promise<HandoverResult>;
  /** A restart that was asked for and cannot be: says why, to the log and to the command that asked. */
  refuseRestart(why: string): void;
  /** Lets running requests finish for `drainMs`, then ends them; flushes records. Idempotent. */
  stop(drainMs: number): Promise<void>;
  /** Ends every running request now. */
  abortRequests(): void;
};

export type AppOptions = {
  readonly loaded: LoadedConfig;
  /** Where `loaded` and later configs come from. */
  readonly source: Pick<ConfigSource, "watch" | "peek"> & { load(): Promise<LoadedConfig> };
  /** Shared with `log`, so that it masks the secrets of the active config. Absent: the app creates its own. */
  readonly secrets?: SecretRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly accessLog?: ServicesOptions["accessLog"];
  /** The last lines of `log`. Absent: none are kept. */
  readonly logTail?: LogTail;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch?: typeof fetch;
  /** The process that hands over to this one. */
  readonly predecessor?: Predecessor | null;
};

/** Throws ListenProblem and DirectoryInUse. */
export async function startApp(options: AppOptions): Promise<App> {
  const { log } = options;
  const { environment } = options.loaded;
  const location = await openStateLocation(environment, log);
  const claim = await claimStateDirectory(location.stateDirectory, {
    ...options,
    from: stateDirectoryFrom(environment),
  });
  try {
    return await buildApp(options, { location, claim });
  } catch (error) {
    await releaseStateLocation(location, claim).catch((second: unknown) =>
      log.warn("leftovers of this start could not be cleaned up", { detail: errorText(second) }),
    );
    throw error;
  }
}

type StartContext = { readonly location: StateLocation; readonly claim: StateDirectoryClaim };

async function buildApp(options: AppOptions, context: StartContext): Promise<App> {
  const { loaded, clock } = options;
  const { location, claim } = context;
  const { host } = loaded.config.server;
  const token = randomToken();
  const { services, snapshots, secrets, build } = createCore(options, context, token);
  snapshots.activate(loaded, (counter) => build(loaded, counter));
  await prepare(services, snapshots, options);
  const reloader = createReloader({
    async load() {
      const next = await options.source.load();
      requireSafeAt(host, next.config, next.path);
      return next;
    },
    started: loaded,
    snapshots,
    services,
    build,
    onReloaded: (report) => noteReload(services, report),
  });
  const machineChecks = await startMachineChecks(options, services, location);
  await demandDescriptors(services);
  const logTail = options.logTail ?? createLogTail();
  const readings = createReadings(services, { ...options, current: snapshots.current, logTail });
  const startProblems = () => [...location.problems, ...claim.problems()];
  const server = await listen(services, options, {
    current: snapshots.current,
    reload: reloader.reload,
    diskState: reloader.diskState,
    peek: () => options.source.peek(),
    editor: createConfigEditor({
      active: snapshots.currentConfig,
      source: options.source,
      started: loaded,
      reload: () => reloader.reload("api"),
      redact: services.redact,
      secrets: secrets.known,
    }),
    machineChecks,
    startProblems,
    logTail,
    readings,
  });
  startTelemetry(services, snapshots, options.log);
  // From here to the end nothing is awaited: a client that connects is answered once the start is complete.
  const url = reachableOrigin(host, server.port);
  const runFile: RunFile = { pid: process.pid, url, token, startedAt: new Date(clock.nowMs()).toISOString() };
  services.claudePrograms.listensOn(server.port);
  claim.announce(runFile);
  options.predecessor?.tell({ kind: "listening" });
  services.claudePrograms.warmUp();
  const work = new BackgroundWork({
    ...options,
    services,
    snapshots,
    claim,
    server,
    machineChecks,
    reloader,
    startProblems,
  });
  const started = { services, server, work, readings };
  const running = new RunningApp(options, context, { ...started, reloader });
  const handover = createHandover(options, context, { ...started, running, runFile });
  return {
    url,
    server,
    services,
    current: snapshots.current,
    snapshotsInUse: () => snapshots.inUse().length,
    reload: reloader.reload,
    abortRequests: () => running.abortRequests(),
    handOver(command, options) {
      const drainMs = snapshots.currentConfig().config.server.drain_s * 1000;
      return handover.run(command, { drainMs, ...options });
    },
    refuseRestart: (why) => void handover.refuse(why),
    stop: (drainMs) => handover.abandon().then(() => running.stop(drainMs)),
  };
}

type HandoverSources = {
  readonly services: AppServices;
  readonly server: Server;
  readonly work: BackgroundWork;
  readonly readings: Readings;
  readonly running: RunningApp;
  readonly runFile: RunFile;
};

function createHandover(
  { clock, log, predecessor = null }: AppOptions,
  { location, claim }: StartContext,
  { services, server, work, readings, running, runFile }: HandoverSources,
): Handover {
  return new Handover({
    clock,
    log,
    services,
    server,
    work,
    lockDescriptor: claim.lockDescriptor,
    stateDirectory: location.stateDirectory ?? null,
    isAlone: predecessor === null ? Promise.resolve() : claimSharedPort(server.port, predecessor),
    isTold: () => predecessor?.isGone() === false,
    abortRequests: () => running.abortRequests(),
    endFeeds: () => readings.stop(),
    announce: () => claim.announce(runFile),
    stop: (drainMs) => running.stop(drainMs),
  });
}

/** The API notes its reloads itself, with who asked for them. */
function noteReload({ audit }: Pick<AppServices, "audit">, report: ReloadReport): void {
  if (report.reason === "api") return;
  const [subject, detail] = [report.config ?? "", reloadSummary(report)];
  audit.note({ actor: report.reason, address: null, action: "config.reload", subject, detail });
}

type Core = {
  readonly services: AppServices;
  readonly secrets: SecretRegistry;
  readonly snapshots: Snapshots;
  build(loaded: LoadedConfig, counter: RequestCounter): ConfigSnapshot;
};

function createCore(options: AppOptions, { location, claim }: StartContext, token: string): Core {
  const { loaded } = options;
  const secrets = options.secrets ?? createSecretRegistry();
  const snapshots = createSnapshots({
    first: loaded,
    secrets,
    onReleased: () => dropUnusedProviders(services, snapshots),
  });
  const services = createServices({
    ...options,
    secrets,
    ...location,
    mayOpenState: claim.isHeld,
    fetch: options.fetch ?? fetch,
    currentConfig: snapshots.currentConfig,
    targetOf: (name) => snapshots.current().pipeline.router.targetOf(name),
    configsInUse: () => snapshots.inUse().map((each) => each.loaded),
  });
  return {
    services,
    snapshots,
    secrets,
    build(next, counter) {
      const snapshot = createConfigSnapshot(next, services, token, counter);
      // The socket keeps its first address, whatever a later config says.
      return { ...snapshot, rules: { ...snapshot.rules, bindHost: loaded.config.server.host } };
    },
  };
}

/** Restores what an earlier process saved, and checks what must hold before the first request. */
async function prepare(
  services: Pick<
    AppServices,
    | "savedHealth"
    | "audit"
    | "savedSessions"
    | "savedVendorIds"
    | "keptAnswers"
    | "alerts"
    | "spending"
    | "claudePrograms"
    | "prices"
    | "clock"
    | "log"
  >,
  snapshots: Snapshots,
  { loaded: { config }, predecessor = null }: Pick<AppOptions, "loaded" | "predecessor">,
): Promise<void> {
  await services.savedHealth.load();
  await services.audit.load();
  await services.savedSessions.load();
  await services.savedVendorIds.load();
  await services.keptAnswers.load(predecessor !== null);
  await services.alerts.load();
  await services.spending.follow(config.tenants);
  await warnOfUnpricedModels(config, snapshots.current().pipeline, services);
  await services.claudePrograms.sweep();
  await services.claudePrograms.checkJails().catch(async (error: unknown) => {
    // A start that is refused must leave nothing of the check behind.
    await services.claudePrograms.stop();
    throw error;
  });
}

async function startMachineChecks(
  { loaded, workingDirectory }: AppOptions,
  services: AppServices,
  { stateDirectory }: StateLocation,
): Promise<MachineChecks> {
  const { config, environment } = loaded;
  const machineChecks = createMachineChecks({
    services,
    environment,
    workingDirectory,
    state: { path: stateDirectory ?? null, from: stateDirectoryFrom(environment) },
    isRecorded: config.metrics.enabled && config.metrics.log_requests,
  });
  await machineChecks.check();
  return machineChecks;
}

/** Throws Scarcity: a gateway that refuses every request, or cannot accept any, must not look like a running one. */
async function demandDescriptors({
  descriptors,
  claudePrograms,
}: Pick<AppServices, "descriptors" | "claudePrograms">): Promise<void> {
  await openHttpClient(descriptors.isTight);
  if (descriptors.canServe()) return;
  await claudePrograms.stop();
  throw new Scarcity(null);
}

/** Throws ListenProblem. */
async function listen(
  services: AppServices,
  { loaded, predecessor = null }: Pick<AppOptions, "loaded" | "predecessor">,
  parts: PortParts,
): Promise<Server> {
  if (predecessor !== null) takeOver(services, predecessor);
  const { host: hostname, port: configured } = loaded.config.server;
  // "Any free port" was chosen by the first process of the row.
  const port = configured === 0 && predecessor !== null ? predecessor.port : configured;
  try {
    return createServer(createServerPort(services, parts), {
      hostname,
      port,
      isShared: predecessor?.isGone() === false,
    });
  } catch (error) {
    await services.claudePrograms.stop();
    throw await listenProblem(error, { ...loaded, host: hostname, port });
  }
}

function startTelemetry(services: AppServices, { current }: Pick<Snapshots, "current">, log: Log): void {
  services.telemetry.startMetrics(async () =>
    services.exposition.snapshot(await liveState(services, current())),
  );
  for (const notice of services.telemetry.status()?.notices ?? []) log.warn(notice);
}
