// `clawgate providers list`: every provider as the running gateway reports it; without a gateway, from the config.

import {
  offlineProviderReport,
  type ProviderReport,
  type ProviderRow,
} from "../../operator/reports/provider-report.ts";
import { loadOffline, offlineEnvironment } from "../../app/offline/offline-config.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { notLoadedLines } from "../not-loaded.ts";
import { readOptions } from "../options.ts";
import { shownMilliseconds, shownSeconds } from "../quantities.ts";
import { findGateway, refuseProblem } from "../running-gateway.ts";
import { offlineInput } from "../config-input.ts";
import { type TerminalStyle, terminalStyle, plain } from "../terminal.ts";
import { type Cell, textTable } from "../text-table.ts";

const help = `Usage: clawgate providers [list] [options]

Shows every provider of the running gateway: backend, model, state, when it is tried again, latency, requests answered
today (UTC), the share of a key's quota that its vendor reports as used, and its last error. If no gateway runs, it
shows the config.

States:
  healthy     requests go there
  half-open   taken out of use after failures; the next request checks whether it works again
  open        taken out of use after failures, until the time shown
  cooling     it (or some of its models) is on hold: rate limit, quota, or a model that is missing upstream
  rejected    the vendor did not accept the key

Options:
  --json          the whole report as JSON
  --config FILE   config file, as for serve (used when no gateway runs)
  -h, --help      this text
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "providers list", {
    json: { type: "boolean", default: false },
    config: { type: "string" },
  });
  if ("usage" in read) return read.usage;
  const input = offlineInput(context, read.values.config);
  const found = await findGateway(context, offlineEnvironment(input));
  let report: ProviderReport;
  let isLive = true;
  try {
    if ("why" in found) {
      isLive = false;
      report = offlineProviderReport(await loadOffline(input));
      const source = report.config === null ? "what was found on this machine" : "what the config declares";
      context.stderr.write(`clawgate: ${found.why}; this is ${source}.\n`);
    } else report = (await found.askForBody({ method: "GET", path: "/api/providers" })) as ProviderReport;
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblem)) return refuseProblem(context, thrown);
    context.stderr.write(`${thrown.message}\n`);
    return exitCodes.config;
  }
  if (read.values.json) context.stdout.write(`${JSON.stringify({ running: isLive, ...report }, null, 2)}\n`);
  else context.stdout.write(tableOf(report, isLive, terminalStyle(context)));
  return exitCodes.ok;
}

function tableOf(report: ProviderReport, isLive: boolean, style: TerminalStyle): string {
  const skipped = notLoadedLines(report.skipped).map(
    (line) => `${style.dim(`not loaded: ${plain(line)}`)}\n`,
  );
  if (report.providers.length === 0) return `No provider is loaded.\n${skipped.join("")}`;
  const start = [{ title: "provider" }, { title: "backend" }, { title: "model" }];
  const live = [
    { title: "state" },
    { title: "retry in", isNumber: true },
    { title: "latency", isNumber: true },
    { title: "today", isNumber: true },
    { title: "last error", shrinks: true },
  ];
  const rows = report.providers.map((row): Cell[] => [
    { text: row.id, paint: style.bold },
    row.backend,
    modelOf(row),
    ...(isLive ? liveCells(row, style) : []),
  ]);
  return textTable(isLive ? [...start, ...live] : start, rows, style) + skipped.join("");
}

function modelOf({ model, models }: ProviderRow): string {
  const more = models.filter((each) => each !== model).length;
  return more === 0 ? plain(model) : `${plain(model)} +${more}`;
}

function liveCells(row: ProviderRow, style: TerminalStyle): Cell[] {
  const inks = {
    healthy: style.green,
    "half-open": style.yellow,
    cooling: style.yellow,
    open: style.red,
    rejected: style.red,
    unknown: style.dim,
  };
  return [
    { text: row.state, paint: inks[row.state] ?? style.dim },
    row.retry_in_s === null ? "" : shownSeconds(row.retry_in_s),
    row.avg_latency_ms === null ? "" : shownMilliseconds(row.avg_latency_ms),
    row.requests_today === null ? "" : String(row.requests_today),
    noteOf(row),
  ];
}

function noteOf(row: ProviderRow): string {
  const cooling = Object.keys(row.cooling_models);
  const held = row.credentials.filter((each) => each.state !== "ok").length;
  const parts = [
    ...(held === 0 || row.credentials.length < 2
      ? []
      : [`${held} of ${row.credentials.length} keys on hold`]),
    ...scarce(row),
    ...(cooling.length === 0 ? [] : [`resting: ${cooling.join(", ")}`]),
    ...(row.last_error === null ? [] : [row.last_error]),
  ];
  return plain(parts.join("; "));
}

/** The lowest share that the vendor reports as left for a key; empty for a provider with all its quota. */
function scarce({ credentials }: ProviderRow): string[] {
  return credentials.flatMap(({ id, allowances }) => {
    const used = (allowances ?? []).filter((each) => each.used_percent !== null && each.used_percent >= 1);
    const most = used.reduce<(typeof used)[number] | null>(
      (found, each) => ((found?.used_percent ?? 0) >= (each.used_percent ?? 0) ? found : each),
      null,
    );
    if (most === null) return [];
    const key = credentials.length < 2 ? "" : `key ${id}: `;
    const until =
      most.resets_at === null ? "" : ` until ${most.resets_at.slice(0, 16).replace("T", " ")} UTC`;
    return [`${key}${most.name} ${Math.round(most.used_percent ?? 0)} % used${until}`];
  });
}

export const list: Command = { name: "list", summary: "show every provider", help, run };
