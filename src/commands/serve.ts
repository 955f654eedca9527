// `clawgate serve`: load or discover a config, open the house, say where it stands, and stop it in order.

import { type Gateway, openGateway } from "../assemble/gateway.ts";
import { ConfigProblem } from "../config/problems.ts";
import { isScarcity } from "../system/descriptors.ts";
import { errorCode } from "../system/files.ts";
import { banner } from "./banner.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
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
  let opened: Gateway;
  try {
    opened = await openGateway(input);
  } catch (thrown) {
    hangup.stop();
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    const words = startFailure(thrown, port);
    context.stderr.write(`clawgate: ${words}\n`);
    return exitCodes.failed;
  }
  if (!isJsonLog) context.stdout.write(banner(opened.summary, context));
  hangup.reload(opened.house);
  const stopTidying = tidyAfterStart(opened.house);
  return untilStopped(opened).finally(async () => {
    stopTidying();
    hangup.stop();
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

/** Resolves with the exit code when the gateway has stopped in order; a second signal ends the drain at once. */
function untilStopped({ house, drainMs }: Gateway): Promise<number> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (): void => {
      count += 1;
      if (count > 1) {
        house.cutOff();
        return;
      }
      const running = house.estate.live.count();
      house.estate.log.info(
        running === 0 ? "stopping" : `stopping when ${running} running requests are done`,
        { running },
      );
      const over = (code: number): void => {
        for (const signal of signals) process.off(signal, onSignal);
        resolve(code);
      };
      house.stop(drainMs()).then(
        () => over(exitCodes.ok),
        (error: unknown) => {
          house.estate.log.error("the gateway did not stop in order", { error });
          over(exitCodes.failed);
        },
      );
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}

function startFailure(thrown: unknown, port: string | undefined): string {
  const code = errorCode(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === "EADDRINUSE" || /in use/i.test(message))
    return `the address is already in use${port === undefined ? "" : ` (port ${port})`}. Another gateway may be running; choose a port with --port.`;
  if (isScarcity(thrown))
    return `too few files and connections may be open for a start: ${message}. Raise the limit (\`ulimit -n 65536\`, or LimitNOFILE=65536 in its service).`;
  if (code === "EACCES") return `this address may not be used without more rights: ${message}`;
  return message;
}

export const serve: Command = { name: "serve", summary: "start the gateway (the default)", help, run };
