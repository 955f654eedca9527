// `clawgate alerts`: what the running gateway has to report, and a test of the ways by which it tells.

import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import {
  findGateway,
  memberOf,
  refuseAbsent,
  refuseProblem,
  type RunningGateway,
} from "./running-gateway.ts";
import { type Cell, textTable } from "./text-table.ts";
import { plain, terminalStyle } from "./terminal.ts";

const help = `Usage: clawgate alerts [options]

Lists the alerts that last, and those that ended lately. With --test a message is sent at once by every way that
the config names (alerts.webhook, alerts.ntfy, alerts.command); exit code 1 if one of them fails or none is configured.

Options:
  --test          send a test message
  --json          the answer as JSON
${gatewayOptionsHelp}`;

/** A webhook and ntfy have 10 s each, a command as long as the config says. */
const testMs = 620_000;
const shownEnded = 10;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "alerts", {
    ...gatewayOptions,
    test: { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const found = await findGateway(context, gatewayEnvironment(context, read.values));
  if ("why" in found) return refuseAbsent(context, found);
  try {
    return read.values.test
      ? await test(context, found, read.values.json)
      : await list(context, found, read.values.json);
  } catch (thrown) {
    return refuseProblem(context, thrown);
  }
}

async function list(context: CommandContext, gateway: RunningGateway, isJson: boolean): Promise<number> {
  const report = await gateway.askForBody({ method: "GET", path: "/api/alerts" });
  if (isJson) context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    const active = rowsOf(memberOf(report, "alerts"));
    const ended = rowsOf(memberOf(report, "recent")).slice(0, shownEnded);
    const style = terminalStyle(context);
    const since = { title: "SINCE (UTC)" };
    const rest = [{ title: "SEVERITY" }, { title: "ALERT", shrinks: true }];
    const isOff = memberOf(report, "enabled") === false;
    const nothing = isOff ? "Alerts are switched off (alerts.enabled).\n" : "Nothing to report.\n";
    context.stdout.write(
      (active.length === 0
        ? nothing
        : textTable(
            [since, ...rest],
            active.map((each) => [timeOf(each, "since_ms"), ...cellsOf(each)]),
            style,
          )) +
        (ended.length === 0
          ? ""
          : `\nEnded lately:\n${textTable(
              [since, { title: "ENDED (UTC)" }, ...rest],
              ended.map((each) => [timeOf(each, "since_ms"), timeOf(each, "ended_ms"), ...cellsOf(each)]),
              style,
            )}`),
    );
  }
  return exitCodes.ok;
}

async function test(context: CommandContext, gateway: RunningGateway, isJson: boolean): Promise<number> {
  const answer = await gateway.askForBody({ method: "POST", path: "/api/alerts/test", timeoutMs: testMs });
  const deliveries = rowsOf(memberOf(answer, "deliveries"));
  if (isJson) context.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else if (deliveries.length === 0)
    context.stdout.write(
      "No way is configured: set alerts.webhook, alerts.ntfy or alerts.command. The log and /api/alerts have every alert.\n",
    );
  else
    for (const each of deliveries) {
      const failed = each["ok"] === true ? "" : `: ${plain(String(each["error"]))}`;
      context.stdout.write(
        `${plain(String(each["channel"]))} ${failed === "" ? "works" : "failed"}${failed}\n`,
      );
    }
  const isDone = deliveries.length > 0 && deliveries.every((each) => each["ok"] === true);
  return isDone ? exitCodes.ok : exitCodes.failed;
}

type Row = Readonly<Record<string, unknown>>;

function rowsOf(value: unknown): readonly Row[] {
  return Array.isArray(value) ? value.map((each: unknown) => Object(each) as Record<string, unknown>) : [];
}

const cellsOf = ({ severity, message }: Row): readonly Cell[] => [
  plain(String(severity)),
  plain(String(message)),
];

function timeOf(alert: Row, name: string): string {
  const at = alert[name];
  return typeof at === "number" ? new Date(at).toISOString().slice(0, 16).replace("T", " ") : "";
}

export const alerts: Command = {
  name: "alerts",
  summary: "what the running gateway has to report",
  help,
  run,
};
