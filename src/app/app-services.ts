// The services that are created once and outlive every config: clock, log, health, records, prices, running requests.
// A function elsewhere takes the few that it uses (`Pick<AppServices, ...>`), never all of them.

import { join, resolve } from "node:path";
import { AlertMonitor } from "../alerts/alert-monitor.ts";
import { createAlertCommand } from "../alerts/delivery/command.ts";
import { createNtfy } from "../alerts/delivery/ntfy.ts";
import { Outbox } from "../alerts/delivery/outbox.ts";
import { createWebhook } from "../alerts/delivery/webhook.ts";
import { TrafficCounts } from "../alerts/traffic-counts.ts";
import { createGatewayRun } from "../backends/agent-process/gateway-run.ts";
import { cliNames } from "../backends/claude-code/models/cli-models.ts";
import { createProgramRegistry } from "../backends/claude-code/loaded-programs.ts";
import { createConnectionTracker } from "../backends/http/connection-tracker.ts";
import { dialOut } from "../backends/http/dial.ts";
import type { ProviderSettings } from "../backends/settings.ts";
import type { Target } from "../canon/decision.ts";
import { createPriceBook } from "../catalog/prices.ts";
import type { LoadedConfig } from "../config/load.ts";
import { AuditLog, type AuditLogOptions } from "../operator/audit-log.ts";
import { OperatorSessions } from "../operator/operator-sessions.ts";
import { createExposition } from "../metrics/exposition/exposition.ts";
import { RequestLog } from "../request-log/request-log.ts";
import { createBodyMemory } from "../pipeline/body/body-memory.ts";
import { EventFeed } from "../operator/events/event-feed.ts";
import { createLiveRegistry } from "../pipeline/live-requests.ts";
import { PromptReadings } from "../pipeline/prompt/prompt-reading.ts";
import { RunningAnswers } from "../pipeline/responses/running-answers.ts";
import { ResponseStore } from "../response-store/response-store.ts";
import { createRetryBudget } from "../pipeline/attempts/retry-budget.ts";
import { createUnreadBodies } from "../pipeline/body/unread-body.ts";
import { createStickiness } from "../routing/stickiness.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Clock } from "../system/clock.ts";
import { createDescriptors, descriptorLimit, descriptorsInUse } from "../system/descriptors.ts";
import { version } from "../system/identity.ts";
import type { Log } from "../system/log.ts";
import { openedConnections } from "../system/opened-connections.ts";
import { createTicker } from "../system/ticker.ts";
import { createGuessLimiter, type GuessLimiter } from "../tenants/guess-limiter.ts";
import { createQueueRegistry } from "../tenants/provider-queues.ts";
import { createAccessLog, type AccessLogStyle } from "./access-log.ts";
import { createConfiguredModels } from "./providers/configured-models.ts";
import { createRefusals } from "./refusals.ts";
import { keepsRecords, openRecords, RequestRecorder } from "./request-records.ts";
import { openSavedState } from "./persistence/saved-state.ts";
import { createSecretRegistry, type SecretRegistry } from "./known-secrets.ts";
import { createTelemetry } from "./telemetry-service.ts";

export type ServicesOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** The first config: its database settings hold until the process ends. */
  readonly loaded: LoadedConfig;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch: typeof fetch;
  /** The active config. Not the snapshot: that one is built from the services. */
  readonly currentConfig: () => LoadedConfig;
  /** The active config and older ones that still have requests, newest first. Absent: there are no older ones. */
  readonly configsInUse?: () => readonly LoadedConfig[];
  /** The target of a name in the active config. Absent: none is asked for. */
  readonly targetOf?: (name: string) => Target | null;
  /** The folder of `state.db`. Absent: nothing is kept beyond this process. */
  readonly stateDirectory?: string;
  /** False: another gateway has taken over the directory, and its files must not be opened again. Absent: that cannot happen. */
  readonly mayOpenState?: () => boolean;
  /** Where programs get their folders when there is no `stateDirectory`. */
  readonly temporaryDirectory?: string;
  /** How requests are logged. Absent: no person reads the log. */
  readonly accessLog?: AccessLogStyle;
  /** Holds the secrets of the active config and older ones. Absent: those of `loaded` are masked. */
  readonly secrets?: SecretRegistry;
};

/** What createServices returns. */
export type AppServices = ReturnType<typeof createServices>;

export function createServices(options: ServicesOptions) {
  const { clock, log, currentConfig } = options;
  const { redact } = options.secrets ?? secretsOf(options.loaded);
  const settingsOf = settingsLookup(options);
  const accessLogStyle = options.accessLog ?? { isTerminal: false, isPretty: false };
  const isConfigured = createConfiguredModels();
  const isListed = (id: string, model: string): boolean =>
    isConfigured(currentConfig().config, settingsOf(id), id, model) ||
    cliNames(claudePrograms.models(id)).includes(model);
  const recording = createRecording(options, { settingsOf, isListed, accessLogStyle });
  const { store } = recording;
  const saved = openSavedState({ ...options, redact, records: store });
  const stateDirectory = programDirectory(options);
  const run = createGatewayRun({ stateDirectory, clock, log, programs: "Claude Code" });
  const claudePrograms = createProgramRegistry({
    clock,
    log,
    redact,
    run,
    stateDirectory,
    state: saved.state,
  });
  const network = createNetwork(clock);
  const { live, ticker, descriptors } = network;
  return {
    clock,
    log,
    redact,
    currentConfig,
    fetch: options.fetch,
    startedAtSeconds: Math.floor(clock.nowMs() / 1000),
    ...network,
    ...saved,
    meters: saved.spending.meters,
    sessions: saved.savedSessions.sessions,
    ...recording,
    reports: store,
    ...createRefusals(log, accessLogStyle, clock.monotonicMs),
    bodies: createBodyMemory(),
    unreadBodies: createUnreadBodies(ticker, descriptors.admits),
    queues: createQueueRegistry(clock),
    guessLimiter: limitGuesses(clock, log),
    ...createOperatorServices(options, { store: saved.state, redact }),
    stickiness: createStickiness({
      nowMs: clock.monotonicMs,
      ttlMs: () => currentConfig().config.session.ttl * 1000,
    }),
    retryBudget: createRetryBudget({ activeRequests: live.count, setTimer: clock.setTimer }),
    stateDirectory,
    claudePrograms,
    requestLog: createRequestLog({ ...options, redact, stateDirectory }),
    keptAnswers: new ResponseStore({
      clock,
      log,
      settings: () => currentConfig().config.responses_store,
      path: join(stateDirectory, "responses", "responses.db"),
    }),
    runningAnswers: new RunningAnswers(),
    vendorIds: saved.savedVendorIds.ids,
    alerts: createAlerts({ ...options, redact, traffic: recording.alertTraffic, store: saved.state }),
  };
}

type RecordingParts = {
  readonly settingsOf: (id: string) => ProviderSettings | undefined;
  readonly isListed: (id: string, model: string) => boolean;
  readonly accessLogStyle: AccessLogStyle;
};

/** Where finished requests go, and what follows them. */
function createRecording(options: ServicesOptions, { settingsOf, isListed, accessLogStyle }: RecordingParts) {
  const { clock, log, currentConfig } = options;
  const isKept = keepsRecords(options.loaded.config.metrics);
  const prompts = isKept ? new PromptReadings() : null;
  const completeRecords = (): Promise<void> => {
    prompts?.finish();
    return recorder.completed();
  };
  const { store, recordsLocation } = openRecords({ ...options, isListed, completeRecords });
  const events = new EventFeed(clock);
  const prices = openPrices(log);
  const isCounted = options.loaded.config.metrics.enabled;
  const telemetry = createTelemetry(options, settingsOf);
  const isPriced = (id: string, model: string): boolean => {
    const seller = { baseUrl: settingsOf(id)?.base_url ?? null };
    return (prices.table()?.find(seller, model) ?? null) !== null;
  };
  const exposition = createExposition({ counts: isCounted, isListed, isPriced, more: telemetry.moreSeries });
  const alertTraffic = new TrafficCounts(clock.nowMs);
  const recorder = new RequestRecorder({
    keepsRecords: isKept,
    store,
    alertTraffic,
    isCounted,
    recorded: events.recorded,
    exposition,
    telemetry,
    prices,
    accessLog: createAccessLog(log, accessLogStyle),
    currentConfig,
    settingsOf,
    targetOf: options.targetOf ?? (() => null),
  });
  return {
    store,
    recordsLocation,
    events,
    prices,
    telemetry,
    exposition,
    alertTraffic,
    costOf: recorder.costOf.bind(recorder),
    record: recorder.record.bind(recorder),
    recorder,
    prompts,
    completeRecords,
  };
}

/** Who signed in on the dashboard, and who changed what. */
function createOperatorServices(
  { clock, log, currentConfig }: ServicesOptions,
  { store, redact }: Pick<AuditLogOptions, "store" | "redact">,
) {
  return {
    audit: new AuditLog({ store, clock, log, redact }),
    operatorSessions: new OperatorSessions({
      nowMs: clock.nowMs,
      adminKey: () => currentConfig().config.auth.admin_key ?? null,
    }),
  };
}

type AlertOptions = Pick<ServicesOptions, "clock" | "log" | "fetch" | "currentConfig"> & {
  redact(text: string): string;
  readonly traffic: TrafficCounts;
  readonly store: StateStore;
};

type RequestLogServices = Pick<
  ServicesOptions,
  "clock" | "log" | "currentConfig" | "homeDirectory" | "workingDirectory"
> & {
  redact(text: string): string;
  readonly stateDirectory: string;
};

function createRequestLog({ stateDirectory, ...options }: RequestLogServices) {
  const { homeDirectory, workingDirectory } = options;
  const settings = () => options.currentConfig().config.request_log;
  return new RequestLog({
    ...options,
    settings,
    path() {
      const { path } = settings();
      if (path === undefined) return join(stateDirectory, "request-log", "requests.db");
      return path.startsWith("~/") ? join(homeDirectory, path.slice(2)) : resolve(workingDirectory, path);
    },
  });
}

/** The monitor of alerts, and the ways by which the operator is told. */
function createAlerts({ clock, log, fetch: fetcher, currentConfig, redact, traffic, store }: AlertOptions) {
  const settings = () => currentConfig().config.alerts;
  const environment = () => currentConfig().environment;
  const channels = [
    createWebhook(() => settings().webhook, fetcher, version),
    createNtfy(() => settings().ntfy, fetcher, version),
    createAlertCommand(settings, { clock, environment, redact }),
  ];
  const outbox = new Outbox({ clock, log, channels });
  return new AlertMonitor({ clock, log, settings, traffic, outbox, store });
}

const openPrices = (log: Log) =>
  createPriceBook({
    onTableLost: (error) => log.error("the bundled price table could not be loaded", { error }),
  });

/** Running requests, timers, and what the machine allows of files and connections. */
function createNetwork(clock: Clock) {
  const live = createLiveRegistry();
  const ticker = createTicker(clock);
  const descriptors = createDescriptors({
    limit: descriptorLimit(),
    inUse: descriptorsInUse,
    running: live.count,
    nowMs: clock.monotonicMs,
    setTimer: clock.setTimer,
  });
  const connections = createConnectionTracker({
    ticker,
    dial: dialOut,
    lookups: () => Bun.dns.getCacheStats().totalCount,
    opened: openedConnections(clock.monotonicMs),
    lacksRoom: descriptors.wereShort,
  });
  return { live, ticker, descriptors, connections };
}

/** The settings of a provider, even one that a reload removed while it still answers. */
function settingsLookup({
  currentConfig,
  configsInUse,
}: ServicesOptions): (id: string) => ProviderSettings | undefined {
  return (id) => {
    const now = currentConfig().config.providers[id];
    if (now !== undefined) return now;
    const configs = configsInUse?.() ?? [];
    return configs.map((each) => each.config.providers[id]).find((each) => each !== undefined);
  };
}

/** A command that only explains must start no program and create no folder. */
const programDirectory = ({ stateDirectory, temporaryDirectory, homeDirectory }: ServicesOptions): string =>
  stateDirectory ?? temporaryDirectory ?? join(homeDirectory, ".local", "state", "clawgate");

function limitGuesses(clock: Clock, log: Log): GuessLimiter {
  return createGuessLimiter({
    nowMs: clock.monotonicMs,
    onHeldBack(address, more) {
      const rest = more ? "; more addresses do the same and are not logged one by one" : "";
      log.warn(
        `too many wrong keys from ${address}: wrong keys from there are answered a second later for a minute${rest}`,
        { address },
      );
    },
  });
}

function secretsOf(loaded: LoadedConfig): SecretRegistry {
  const secrets = createSecretRegistry();
  secrets.add(loaded);
  return secrets;
}
