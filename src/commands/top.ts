// `clawgate top`: running requests and providers, live. Whatever ends it, the terminal is left as it was.

import { pause, systemClock } from "../system/clock.ts";
import { isAlive } from "../system/process.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptions, gatewayOptionsHelp } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import { localZone } from "./record-options.ts";
import {
  findGateway,
  GatewayProblem,
  refuseAbsent,
  refuseProblem,
  type RunningGateway,
} from "./running-gateway.ts";
import { terminalStyle } from "./terminal.ts";
import { type TopData, topReader } from "./top-data.ts";
import { topLines } from "./top-text.ts";

const help = `Usage: clawgate top [options]

Shows the running requests, the providers and today's sums, and refreshes them every second. The tokens of a running
answer are an estimate. q or Ctrl-C ends it. Without a terminal it prints one picture.

Options:
  --once          print one picture and end
  --json          one line of JSON a second, until the gateway or this command ends
${gatewayOptionsHelp}`;

const refreshMs = 1_000;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Without a terminal nothing is cut off. */
const unlimited = { columns: 200, rows: 10_000 };

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "top", { ...gatewayOptions, once: { type: "boolean", default: false } });
  if ("usage" in read) return read.usage;
  const { json, once } = read.values;
  const found = await findGateway(context, gatewayEnvironment(context, read.values));
  if ("why" in found) return refuseAbsent(context, found);
  const look = topReader(found, localZone());
  const stopper = new AbortController();
  const stop = (): void => stopper.abort();
  for (const signal of signals) process.on(signal, stop);
  // `clawgate top --json | head`: the reader has ended.
  context.stdout.on("error", stop);
  try {
    if (json) return await printLines(context, { gateway: found, look, isOnce: once, stopper });
    if (once || !context.stdout.isTTY) {
      const lines = topLines(await look(), terminalStyle(context), unlimited);
      context.stdout.write(`${lines.join("\n")}\n`);
      return exitCodes.ok;
    }
    return await showScreen(context, { gateway: found, look, isOnce: false, stopper });
  } catch (thrown) {
    return refuseProblem(context, thrown);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

type Watch = {
  readonly gateway: RunningGateway;
  readonly look: () => Promise<TopData>;
  readonly isOnce: boolean;
  readonly stopper: AbortController;
};

async function printLines({ stdout, stderr }: CommandContext, watch: Watch): Promise<number> {
  const { isOnce, stopper } = watch;
  while (!stopper.signal.aborted) {
    const data = await lookOn(watch);
    if (data === "ended") return ended(stderr);
    if (data !== "silent") stdout.write(`${JSON.stringify(data)}\n`);
    if (isOnce) break;
    await pause(systemClock, refreshMs, stopper.signal);
  }
  return exitCodes.ok;
}

async function lookOn({ look, gateway, isOnce }: Watch): Promise<TopData | "ended" | "silent"> {
  try {
    return await look();
  } catch (thrown) {
    if (!(thrown instanceof GatewayProblem)) throw thrown;
    // Another gateway has taken its place, with another token.
    if (thrown.status === 401) return "ended";
    if (isOnce || thrown.status !== null) throw thrown;
    return isAlive(gateway.pid) ? "silent" : "ended";
  }
}

function ended(stderr: NodeJS.WriteStream): number {
  stderr.write("clawgate: the gateway has ended.\n");
  return exitCodes.ok;
}

const enter = "\u001b[?1049h\u001b[?25l";
// Cleared first: tmux keeps what does not fit the old size of a window that was resized meanwhile.
const leave = "\u001b[H\u001b[2J\u001b[?25h\u001b[?1049l";

async function showScreen(context: CommandContext, watch: Watch): Promise<number> {
  const { stdout, stderr } = context;
  const { stopper } = watch;
  let data: TopData | null = null;
  let note = "q quits";
  const draw = (): void => {
    if (data === null || stopper.signal.aborted) return;
    // A line that ends in the last column would be taken for a wrapped one when the window changes.
    const size = { columns: Math.max(20, (stdout.columns || 80) - 1), rows: Math.max(6, stdout.rows || 24) };
    const style = terminalStyle(context);
    const lines = [...topLines(data, style, { ...size, rows: size.rows - 1 })];
    while (lines.length < size.rows - 1) lines.push("");
    lines.push(style.dim(note.slice(0, size.columns)));
    // Each line clears its rest, so that nothing flickers.
    stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`);
  };
  const restore = takeTerminal(stdout, () => stopper.abort());
  stdout.on("resize", draw);
  let isEnded = false;
  try {
    while (!stopper.signal.aborted && !isEnded) {
      const next = await lookOn(watch);
      isEnded = next === "ended";
      if (typeof next === "object") data = next;
      note = next === "silent" ? "the gateway does not answer; q quits" : "q quits";
      draw();
      if (!isEnded) await pause(systemClock, refreshMs, stopper.signal);
    }
  } finally {
    stdout.off("resize", draw);
    restore();
  }
  return isEnded ? ended(stderr) : exitCodes.ok;
}

/** q, Ctrl-C and Ctrl-D: a terminal in raw mode sends no signal for them. */
const quitKeys = ["q", "Q", "\u0003", "\u0004"];

/** The alternate screen and single keys. The returned function gives the terminal back; so does an exit that nobody foresaw. */
function takeTerminal(stdout: NodeJS.WriteStream, quit: () => void): () => void {
  const { stdin } = process;
  const onKey = (keys: Buffer): void => {
    if (quitKeys.some((key) => keys.includes(key))) quit();
  };
  let isTaken = true;
  const restore = (): void => {
    if (!isTaken) return;
    isTaken = false;
    process.off("exit", restore);
    stdin.off("data", onKey);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.write(leave);
  };
  process.on("exit", restore);
  stdout.write(enter);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onKey);
  stdin.resume();
  return restore;
}

export const top: Command = {
  name: "top",
  summary: "running requests and providers, live",
  help,
  run,
};
