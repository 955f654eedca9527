// `clawgate status`: is a gateway running, which, where and since when. It must never start or change anything.

import { stateDirectory } from "../system/state-directory.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import { shownSeconds } from "./quantities.ts";
import {
  type Answer,
  findGateway,
  memberOf,
  problemsOf,
  refuseProblem,
  type RunningGateway,
} from "./running-gateway.ts";
import { terminalStyle, plain } from "./terminal.ts";

const help = `Usage: clawgate status [options]

Shows whether a gateway is running with this state directory: its process, address, version, start time and health.
Exit code 0: one is running. 1: none is, or it does not answer.

Options:
  --json          the same as JSON
${gatewayOptionsHelp}`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "status", gatewayOptions);
  if ("usage" in read) return read.usage;
  const environment = gatewayEnvironment(context, read.values);
  const found = await findGateway(context, environment, true);
  const write = (value: object): void => void context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  if ("why" in found) {
    if (read.values.json) write({ running: false, state_dir: stateDirectory(environment), why: found.why });
    else context.stdout.write(`${sentence(found.why)}\n`);
    return exitCodes.failed;
  }
  let answer: Answer;
  try {
    answer = await found.ask({ method: "GET", path: "/health" });
  } catch (thrown) {
    return refuseProblem(context, thrown);
  }
  const state = stateOf(found, answer.body);
  if (read.values.json) write(state);
  else context.stdout.write(statusText(state, context));
  return exitCodes.ok;
}

function stateOf(found: RunningGateway, health: unknown) {
  const providers = Object.values((memberOf(health, "providers") as object | undefined) ?? {});
  const number = (name: string): number | null => {
    const value = memberOf(health, name);
    return typeof value === "number" ? value : null;
  };
  const status = memberOf(health, "status");
  return {
    running: true,
    pid: found.pid,
    url: found.url,
    version: found.version,
    started_at: found.startedAt,
    uptime_s: number("uptime_s"),
    state_dir: found.stateDirectory,
    status: typeof status === "string" ? status : "unknown",
    providers: {
      healthy: providers.filter((each) => memberOf(each, "healthy") === true).length,
      loaded: providers.length,
    },
    problems: problemsOf(health),
    running_requests: number("running"),
    opentelemetry: memberOf(health, "opentelemetry") ?? null,
  };
}

const signals = ["traces", "metrics"] as const;

/** A row for each signal that is exported. */
function exportRows(opentelemetry: unknown): readonly (readonly [string, string])[] {
  return signals.flatMap((signal) => {
    const [collector, problem] = ["collector", "problem"].map((name) =>
      memberOf(memberOf(opentelemetry, signal), name),
    );
    if (typeof collector !== "string") return [];
    const trouble = typeof problem === "string" ? `; not received: ${plain(problem)}` : "";
    return [["Telemetry", `${signal} to ${plain(collector)}${trouble}`] as const];
  });
}

function statusText(state: ReturnType<typeof stateOf>, context: CommandContext): string {
  const style = terminalStyle(context);
  const paint = { ok: style.green, degraded: style.yellow }[state.status] ?? style.red;
  const since = [
    state.started_at === null ? null : plain(state.started_at),
    state.uptime_s === null ? null : `for ${shownSeconds(state.uptime_s)}`,
  ].filter((part) => part !== null);
  const rows: readonly (readonly [string, string])[] = [
    ["Process", String(state.pid)],
    ["Address", plain(state.url)],
    ["Since", since.join(", ")],
    ["State", plain(state.state_dir)],
    [
      "Health",
      `${paint(plain(state.status))} (${state.providers.healthy} of ${state.providers.loaded} providers healthy)`,
    ],
    ...state.problems.map((problem) => ["Problem", style.yellow(plain(problem))] as const),
    ...exportRows(state.opentelemetry),
    ["Requests", `${state.running_requests ?? "?"} running`],
  ];
  const lines = rows.map(([name, value]) => `  ${style.dim(name.padEnd(10))}${value}`);
  return [`ClawGate ${plain(state.version)} is running.`, ...lines, ""].join("\n");
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

export const status: Command = {
  name: "status",
  summary: "show whether a gateway is running, where and since when",
  help,
  run,
};
