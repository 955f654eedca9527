// `clawgate serve`: load or discover a config, open the house, say where it stands, and stop it in order.

import { constants } from "node:os";
import { type Gateway, openGateway } from "../assemble/gateway.ts";
import { ConfigProblem } from "../config/problems.ts";
import { systemClock } from "../system/clock.ts";
import { isScarcity } from "../system/descriptors.ts";
import { banner } from "./banner.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { type Launcher, launcherOf } from "./launcher.ts";
import { readOptions } from "./options.ts";
import { fileMode, readFile, readFound } from "./surroundings.ts";

const help = `Usage: clawgate [serve] [options]

Starts the gateway. Without a config file it looks for known API-key variables, local model servers
(Ollama, LM Studio, vLLM, llama.cpp) and serves what it finds; if there is nothing, the offline demonstration.

Options:
  --config FILE   config file (else $CLAWGATE_CONFIG, ./config.yaml, $XDG_CONFIG_HOME/clawgate/config.yaml)
  --host HOST     address to listen on (default 127.0.0.1)
  --port PORT     port to listen on (default 8090; 0 = any free one)
  --demo          serve only the built-in demonstration
  --json-log      log as JSON lines even on a terminal
  -h, --help      this text

A config.yaml or .env of the working directory that nobody named is read only where it is yours and nobody else may write.
It starts no program of that folder; its .env names no program, path or address for a key from elsewhere. What was taken is said.

Signals: SIGTERM and SIGINT drain running requests (server.drain_s) and stop; a second one stops at once.
SIGHUP reads the config again, as a change of the config file or its .env does. A config that is not valid changes nothing.
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "serve", {
    config: { type: "string" },
    host: { type: "string" },
    port: { type: "string" },
    demo: { type: "boolean", default: false },
    "json-log": { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const { config, host, port, demo, "json-log": isJsonLog } = read.values;
  const input = {
    argvConfigPath: config,
    environment: context.environment,
    workingDirectory: context.workingDirectory,
    homeDirectory: context.homeDirectory,
    readFile,
    readFound,
    fileMode,
    flags: { host, port },
    isDemo: demo,
    isJsonLog,
    stderr: context.stderr,
  };
  const hangup = listenForHangup();
  const ending = listenForEnding();
  const launcher = launcherOf(context.environment, systemClock);
  let opened: Gateway;
  try {
    opened = await openGateway(input);
  } catch (thrown) {
    hangup.stop();
    ending.stop();
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    const words = startFailure(thrown);
    context.stderr.write(`clawgate: ${words}\n`);
    return exitCodes.failed;
  }
  if (!isJsonLog) context.stdout.write(banner(opened.summary, context));
  hangup.reload(opened.house);
  const stopTidying = tidyAfterStart(opened.house);
  return untilStopped(opened, ending, launcher).finally(async () => {
    stopTidying();
    hangup.stop();
    ending.stop();
    await opened.flushLog();
  });
}

/** What reading the config and putting the house together leaves behind is a quarter of an idle gateway's own memory. */
function tidyAfterStart({ estate }: Gateway["house"]): () => void {
  return estate.clock.setTimer(1_000, () => {
    // It holds everything up for some milliseconds: nobody may be waiting.
    if (estate.live.count() > 0) return;
    Bun.gc(true);
    Bun.shrink();
  });
}

/** From the first moment on, because without a listener the signal ends the process. One that comes during the start is kept. */
function listenForHangup() {
  let house: Gateway["house"] | null = null;
  let hasCome = false;
  const onHangup = (): void => {
    hasCome = true;
    void house?.reload("signal");
  };
  process.on("SIGHUP", onHangup);
  return {
    reload(opened: Gateway["house"]) {
      house = opened;
      if (hasCome) onHangup();
    },
    stop: () => void process.off("SIGHUP", onHangup),
  };
}

const signals = ["SIGTERM", "SIGINT"] as const;

type Ending = { obey(onSignal: () => void): void; stop(): void };

/** From the first moment on as well: a start that is told to end ends in order when it is over, and at once when it is told again. */
function listenForEnding(): Ending {
  let obeyed: (() => void) | null = null;
  let hasCome = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (obeyed !== null) obeyed();
    else if (hasCome) process.exit(128 + constants.signals[signal]);
    hasCome = true;
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    obey(listener) {
      obeyed = listener;
      if (hasCome) listener();
    },
    stop() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** Resolves with the exit code when the gateway has stopped in order; a second signal ends the drain at once. */
function untilStopped(
  { house, drainMs }: Gateway,
  ending: Ending,
  launcher: Launcher | null,
): Promise<number> {
  const { clock, live, log } = house.estate;
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    const onSignal = (): void => {
      if (firstMs !== null) {
        if (launcher?.isEcho(firstMs) !== true) house.cutOff();
        return;
      }
      firstMs = clock.monotonicMs();
      stopWatching?.();
      const running = live.count();
      log.info(running === 0 ? "stopping" : `stopping when ${running} running requests are done`, {
        running,
      });
      house.stop(drainMs()).then(
        () => resolve(exitCodes.ok),
        (error: unknown) => {
          log.error("the gateway did not stop in order", { error });
          resolve(exitCodes.failed);
        },
      );
    };
    const stopWatching = launcher?.watch(() => {
      log.warn("the program that started this gateway has ended");
      onSignal();
    });
    ending.obey(onSignal);
  });
}

function startFailure(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isScarcity(thrown))
    return `too few files and connections may be open for a start: ${message}. Raise the limit (\`ulimit -n 65536\`, or LimitNOFILE=65536 in its service).`;
  return message;
}

export const serve: Command = { name: "serve", summary: "start the gateway (the default)", help, run };
