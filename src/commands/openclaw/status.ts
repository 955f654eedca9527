// `clawgate openclaw status`: the OpenClaw instances of this machine, whether they are connected as this version would connect them,
// what their agents spend, and what they spend while nobody asks them anything.

import { ConfigProblem } from "../../config/problems.ts";
import { systemClock } from "../../system/clock.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { gatewayOptions, gatewayOptionsHelp } from "../gateway-options.ts";
import { readOptions } from "../options.ts";
import { openRecordsSource, type RecordsSource } from "../records-source.ts";
import { GatewayProblem, refuseProblem } from "../running-gateway.ts";
import { terminalStyle } from "../terminal.ts";
import { statusReport } from "./status-report.ts";
import { statusJson, statusText } from "./status-text.ts";

const help = `Usage: clawgate openclaw [status] [options]

Shows every OpenClaw instance of this machine and of Docker: its version, whether our part of its config is up to date, its
main model, how many models it is offered, what each of its agents spent, and its idle burn: each heartbeat and scheduled turn
with its cost a day, and the one command that moves it to the cheapest model. It changes nothing.

A cost is measured where each run has a session of its own, else estimated from the tokens that OpenClaw counted.
Exit code 1: an instance is not connected, or not as this version would connect it (\`clawgate setup\` does).

Options:
  --days N        spending of the last N days (default 30)
  --json          the report as JSON
${gatewayOptionsHelp}`;

const usualDays = 30;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "openclaw status", { ...gatewayOptions, days: { type: "string" } });
  if ("usage" in read) return read.usage;
  const { values } = read;
  const days = Number(values.days ?? usualDays);
  let records: RecordsSource | null = null;
  try {
    records = await openRecordsSource(context, values).catch((thrown: unknown) => {
      if (!(thrown instanceof GatewayProblem)) throw thrown;
      context.stderr.write(`clawgate: no spending is shown: ${thrown.message}\n`);
      return null;
    });
    const report = await statusReport(context, {
      config: values.config,
      days,
      nowMs: systemClock.nowMs(),
      records,
    });
    context.stdout.write(
      values.json
        ? `${JSON.stringify(statusJson(report, days), null, 2)}\n`
        : statusText(report, days, terminalStyle(context)),
    );
    return report.instances.every(({ connection }) => connection === "current")
      ? exitCodes.ok
      : exitCodes.failed;
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblem)) return refuseProblem(context, thrown);
    context.stderr.write(`${thrown.message}\n`);
    return exitCodes.config;
  } finally {
    await records?.close();
  }
}

export const status: Command = {
  name: "status",
  summary: "show OpenClaw instances, their spending and idle burn",
  help,
  run,
};
