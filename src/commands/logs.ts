// `clawgate logs`: the last lines of the running gateway's log, and on request the lines that follow.

import { pause, systemClock } from "../system/clock.ts";
import { type Fields, type LogLevel, logLevels, logStyle, oneLineJson, prettyLine } from "../system/log.ts";
import { maxLines } from "../system/log-tail.ts";
import { isAlive } from "../system/process.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import {
  findGateway,
  GatewayProblem,
  memberOf,
  refuseAbsent,
  refuseProblem,
  type RunningGateway,
} from "./running-gateway.ts";

const help = `Usage: clawgate logs [options]

Prints the last lines of the running gateway's log. It keeps the last 2,000 in memory, wherever the log goes; keys are masked.

Options:
  -n, --lines N   number of lines (default 100, at most 2000)
  -f, --follow    also print new lines, until the gateway ends
  --json          each line as JSON
${gatewayOptionsHelp}`;

const usualLines = 100;
const lookMs = 500;

type Batch = { readonly lines: readonly unknown[]; readonly cursor: number };

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "logs", {
    ...gatewayOptions,
    lines: { type: "string", short: "n" },
    follow: { type: "boolean", short: "f", default: false },
  });
  if ("usage" in read) return read.usage;
  const { lines = String(usualLines), follow, json } = read.values;
  const found = await findGateway(context, gatewayEnvironment(context, read.values));
  if ("why" in found) return refuseAbsent(context, found);
  const print = printer(context, json);
  try {
    let { cursor } = print(await ask(found, Number(lines), 0));
    while (follow && !print.isOver()) {
      await pause(systemClock, lookMs);
      const next = await askOn(found, cursor);
      if (next === null) {
        context.stderr.write("clawgate: the gateway has ended.\n");
        return exitCodes.ok;
      }
      ({ cursor } = print(next));
    }
    return exitCodes.ok;
  } catch (thrown) {
    return refuseProblem(context, thrown);
  }
}

async function ask(gateway: RunningGateway, limit: number, cursor: number): Promise<Batch> {
  const body = await gateway.askForBody({ method: "GET", path: `/api/logs?limit=${limit}&cursor=${cursor}` });
  const lines = memberOf(body, "lines");
  const next = memberOf(body, "cursor");
  if (!Array.isArray(lines) || typeof next !== "number")
    throw new GatewayProblem("The gateway's answer contains no log lines.");
  return { lines: lines as readonly unknown[], cursor: next };
}

/** Null: the gateway ended, or another one replaced it. */
async function askOn(gateway: RunningGateway, cursor: number): Promise<Batch | null> {
  try {
    return await ask(gateway, maxLines, cursor);
  } catch (thrown) {
    if (!(thrown instanceof GatewayProblem)) throw thrown;
    if (thrown.status === 401) return null;
    if (thrown.status !== null) throw thrown;
    // No answer: it ended, or is busy.
    return isAlive(gateway.pid) ? { lines: [], cursor } : null;
  }
}

function printer({ stdout, environment }: CommandContext, isJson: boolean) {
  let isOver = false;
  // `clawgate logs -f | head`: the reader has ended.
  stdout.on("error", () => {
    isOver = true;
  });
  const { colour } = logStyle({ isTerminal: stdout.isTTY, environment, format: "pretty" });
  const lineOf = (line: unknown): string => {
    const { time, level, message, ...fields } = Object(line) as Fields;
    if (isJson || typeof message !== "string") return `${oneLineJson(line)}\n`;
    const known = logLevels.find((each: LogLevel) => each === level) ?? "info";
    return prettyLine({ time: typeof time === "string" ? time : "", level: known, message }, fields, colour);
  };
  const print = (batch: Batch): Batch => {
    if (batch.lines.length > 0) stdout.write(batch.lines.map(lineOf).join(""));
    return batch;
  };
  return Object.assign(print, { isOver: () => isOver });
}

export const logs: Command = {
  name: "logs",
  summary: "the last lines of the running gateway's log",
  help,
  run,
};
