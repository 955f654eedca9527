// `clawgate serve`: loads or discovers a config, starts the app, shows its address, and stops it cleanly.

import { constants } from "node:os";
import { type Gateway, startGateway } from "../app/gateway.ts";
import { isInContainer, type MadeKey } from "../app/own-key.ts";
import { ConfigProblem } from "../config/problems.ts";
import { systemClock } from "../system/clock.ts";
import { isScarcity } from "../system/descriptors.ts";
import { banner, madeKeyText } from "./banner.ts";
import { createServiceNotifier, type ServiceNotifier } from "../system/service-notify.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { type Launcher, launcherOf } from "./launcher.ts";
import { readOptions } from "./options.ts";
import { listenForRestart, startedBy, successorCommand } from "./restart-signal.ts";
import { fileMode, readFile, readFound } from "./config-input.ts";

const help = `Usage: clawgate [serve] [options]

Starts the gateway. Without a config file it looks for known API-key variables, local model servers
(Ollama, LM Studio, vLLM, llama.cpp) and serves what it finds; otherwise the offline demonstration.

Options:
  --config FILE   config file (else $CLAWGATE_CONFIG, ./config.yaml, $XDG_CONFIG_HOME/clawgate/config.yaml)
  --host HOST     address to listen on (default 127.0.0.1)
  --port PORT     port to listen on (default 8090; 0 = any free one)
  --compat NAME   take the place of cc-gateway, claude-proxy or cliproxyapi: its default port and the shape of its /health
  --demo          serve only the built-in demonstration
  --json-log      log as JSON lines even on a terminal
  -h, --help      this text

A config.yaml or .env that is found in the working directory, not named, is read only if it is yours and only you can write
it. It cannot start programs of that folder, and the .env cannot set a program, a path, or an address for a key from
elsewhere. The start shows what was read.

Signals: SIGTERM and SIGINT drain running requests (server.drain_s) and stop; a second one stops immediately.
SIGHUP reads the config again, as a change of the config file or its .env does. An invalid config changes nothing.
SIGUSR2 replaces the process by a new one of the program that now lies at its path, without losing a request (Linux;
"clawgate restart" sends it and waits).
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "serve", {
    config: { type: "string" },
    host: { type: "string" },
    port: { type: "string" },
    compat: { type: "string" },
    demo: { type: "boolean", default: false },
    "json-log": { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const { config, host, port, compat, demo, "json-log": isJsonLog } = read.values;
  const { predecessor, environment, problem } = startedBy(context.environment);
  if (problem !== null) {
    context.stderr.write(`clawgate: ${problem}\n`);
    return exitCodes.failed;
  }
  const input = {
    argvConfigPath: config,
    environment,
    predecessor,
    workingDirectory: context.workingDirectory,
    homeDirectory: context.homeDirectory,
    readFile,
    readFound,
    fileMode,
    flags: { host, port, compat },
    isDemo: demo,
    isJsonLog,
    stderr: context.stderr,
    // To the output, never to the log: the log is kept, and /api/logs shows it.
    ...(isInContainer(context.environment)
      ? { showMadeKey: (made: MadeKey) => void context.stdout.write(madeKeyText(made, isJsonLog)) }
      : {}),
  };
  const hangup = listenForHangup();
  const stopSignals = listenForStop();
  const restarts = listenForRestart();
  const launcher = launcherOf(environment, systemClock);
  let started: Gateway;
  try {
    started = await startGateway(input);
  } catch (thrown) {
    hangup.stop();
    stopSignals.stop();
    restarts.stop();
    predecessor?.tell({ kind: "failed", why: thrown instanceof Error ? thrown.message : String(thrown) });
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    const words = startFailure(thrown);
    context.stderr.write(`clawgate: ${words}\n`);
    return exitCodes.failed;
  }
  // Whoever started the first process has read it.
  if (!isJsonLog && predecessor === null) context.stdout.write(banner(started.summary, context));
  const notifier = notifierOf(started, environment, predecessor?.released ?? null);
  notifier?.ready(listeningText(started));
  hangup.reload(started, notifier);
  const stopTidying = tidyAfterStart(started.app);
  const command = successorCommand({ ...context, environment });
  const handedOver = restarts.untilHandedOver(started.app, { command, launcher, notifier });
  const stopped = untilStopped(started, { stopSignals, launcher, notifier });
  return Promise.race([stopped, handedOver]).finally(async () => {
    notifier?.close();
    stopTidying();
    hangup.stop();
    stopSignals.stop();
    restarts.stop();
    await started.flushLog();
  });
}

function notifierOf(
  { app }: Gateway,
  environment: CommandContext["environment"],
  isMain: Promise<void> | null,
): ServiceNotifier | null {
  const { clock, log } = app.services;
  const onTrouble = (why: string): void => void log.warn(why);
  return createServiceNotifier({ environment, clock, pid: process.pid, isMain, onTrouble });
}

const listeningText = ({ app, summary }: Gateway): string =>
  `listening on ${app.url}, providers: ${summary.providers.length}`;

/** Memory left over from reading the config and starting the app is a quarter of an idle gateway's total. */
function tidyAfterStart({ services }: Gateway["app"]): () => void {
  return services.clock.setTimer(1_000, () => {
    // It blocks the process for some milliseconds: no request may be waiting.
    if (services.live.count() > 0) return;
    Bun.gc(true);
    Bun.shrink();
  });
}

/** Installed first, because without a listener the signal ends the process. A signal during the start is kept. */
function listenForHangup() {
  let reload: (() => Promise<void>) | null = null;
  let hasCome = false;
  const onHangup = (): void => {
    hasCome = true;
    void reload?.();
  };
  process.on("SIGHUP", onHangup);
  return {
    reload(started: Gateway, notifier: ServiceNotifier | null) {
      reload = async () => {
        notifier?.reloading();
        // An invalid config changes nothing: the service is ready again either way.
        await started.app.reload("signal").finally(() => notifier?.ready(listeningText(started)));
      };
      if (hasCome) onHangup();
    },
    stop: () => void process.off("SIGHUP", onHangup),
  };
}

const signals = ["SIGTERM", "SIGINT"] as const;

type StopSignals = { onStop(onSignal: () => void): void; stop(): void };

/** Also installed first: a signal during the start ends the gateway cleanly after the start, a second one immediately. */
function listenForStop(): StopSignals {
  let obeyed: (() => void) | null = null;
  let hasCome = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (obeyed !== null) obeyed();
    else if (hasCome) process.exit(128 + constants.signals[signal]);
    hasCome = true;
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    onStop(listener) {
      obeyed = listener;
      if (hasCome) listener();
    },
    stop() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

type Endings = {
  readonly stopSignals: StopSignals;
  readonly launcher: Launcher | null;
  readonly notifier: ServiceNotifier | null;
};

/** Beyond the drain: streams are cut off, records and state are written. */
const stopGraceMs = 15_000;

/** Resolves with the exit code when the gateway has stopped cleanly; a second signal ends the drain immediately. */
function untilStopped(
  { app, drainMs }: Gateway,
  { stopSignals, launcher, notifier }: Endings,
): Promise<number> {
  const { clock, live, log } = app.services;
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    const onSignal = (): void => {
      if (firstMs !== null) {
        if (launcher?.isRepeated(firstMs) !== true) app.abortRequests();
        return;
      }
      firstMs = clock.monotonicMs();
      stopWatching?.();
      const running = live.count();
      const words = running === 0 ? "stopping" : `stopping after ${running} running requests`;
      log.info(words, { running });
      notifier?.stopping(words, drainMs() + stopGraceMs);
      app.stop(drainMs()).then(
        () => resolve(exitCodes.ok),
        (error: unknown) => {
          log.error("the gateway did not stop cleanly", { error });
          resolve(exitCodes.failed);
        },
      );
    };
    const stopWatching = launcher?.watch(() => {
      log.warn("the program that started this gateway has ended");
      onSignal();
    });
    stopSignals.onStop(onSignal);
  });
}

function startFailure(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isScarcity(thrown))
    return `the limit of open files and connections is too low to start: ${message}. Raise the limit (\`ulimit -n 65536\`, or LimitNOFILE=65536 in its service).`;
  return message;
}

export const serve: Command = { name: "serve", summary: "start the gateway (the default)", help, run };
