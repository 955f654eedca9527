// `clawgate stats`: what requests cost and how they went, summed by the running gateway or read from its database file.

import { Failure } from "../canon/failure.ts";
import { groupings } from "../canon/request-filters.ts";
import { ConfigProblem } from "../config/problems.ts";
import type { SeriesAnswer } from "../operator/reports/record-reports.ts";
import { systemClock } from "../system/clock.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayOptions, gatewayOptionsHelp } from "./gateway-options.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { filterOptions, filterOptionsHelp, recordQuery, startOfDays } from "./record-options.ts";
import { openRecordsSource, type RecordsSource } from "./records-source.ts";
import { refuseProblem } from "./running-gateway.ts";
import { dailyRows, groupRows, statsCsv, summaryText, tableText } from "./stats-text.ts";
import { plain, terminalStyle } from "./terminal.ts";

const help = `Usage: clawgate stats [options]

Sums of the recorded requests: how many, how many failed, tokens, cost, latency. The running gateway is asked; if none
runs, its database file is read. Without --daily and --by: today and the last days, and the models that cost most.
A failed request counts once, however many providers were tried. What it would have cost without routing or without a
prompt cache is an estimate; requests of your own sign-in (a flat rate) cost $0 and show their list value apart.

Options:
  --daily         one line a day
  --by X          ${groupings.slice(0, -1).join(", ")} or ${groupings.at(-1)}: one line for each
  --days N        the last N days, today included (default 30); not with --from
  --top N         with --by: most lines, the rest is "other" (default 50)
  --json          the report as JSON (with --daily: a day a bucket)
  --csv           the table as CSV
${filterOptionsHelp}${gatewayOptionsHelp}`;

const usualDays = 30;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "stats", {
    ...filterOptions,
    ...gatewayOptions,
    daily: { type: "boolean", default: false },
    by: { type: "string" },
    days: { type: "string" },
    top: { type: "string" },
    csv: { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const { values } = read;
  const refuse = (why: string): number => refuseUsage(context, "stats", why).usage;
  if (values.daily && values.by !== undefined) return refuse("--daily and --by exclude each other");
  if (values.json && values.csv) return refuse("--json and --csv exclude each other");
  if (values.days !== undefined && "from" in values && values["from"] !== undefined)
    return refuse("--days and --from exclude each other");
  const nowMs = systemClock.nowMs();
  const days = Number(values.days ?? usualDays);
  let query: URLSearchParams;
  try {
    query = recordQuery(values, nowMs, {
      bucket: values.daily ? "1d" : "total",
      ...(values.by === undefined ? {} : { by: values.by, limit: values.top ?? "50" }),
    });
    if (!query.has("from")) query.set("from", String(startOfDays(days, nowMs, query.get("tz") ?? "UTC")));
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return refuse(thrown.message.replace(/\.$/, ""));
  }
  let source: RecordsSource | null = null;
  try {
    source = await openRecordsSource(context, values);
    context.stdout.write(await answer(context, source, query, { ...values, days, nowMs }));
    return exitCodes.ok;
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblem)) return refuseProblem(context, thrown);
    context.stderr.write(`${thrown.message}\n`);
    return exitCodes.config;
  } finally {
    await source?.close();
  }
}

type Asked = {
  readonly daily: boolean;
  readonly json: boolean;
  readonly csv: boolean;
  readonly by?: string | undefined;
  readonly days: number;
  readonly nowMs: number;
};

async function answer(
  context: CommandContext,
  source: RecordsSource,
  query: URLSearchParams,
  { daily, json, csv, by, days, nowMs }: Asked,
): Promise<string> {
  const report = await source.series(query);
  if (json) return `${JSON.stringify(report, null, 2)}\n`;
  const style = terminalStyle(context);
  const heading = `${plain(source.name)}, ${periodText(report, query, days)}`;
  if (daily || by !== undefined) {
    const rows = daily ? dailyRows(report) : groupRows(report);
    const title = daily ? "day" : (by ?? "");
    return csv ? statsCsv(title, rows) : `${style.dim(heading)}\n${tableText(title, rows, report, style)}`;
  }
  if (csv) return statsCsv("period", [{ name: periodText(report, query, days), totals: report.totals }]);
  const [today, models] = await Promise.all([
    source.series(changed(query, { from: String(startOfDays(1, nowMs, report.tz)) })),
    source.series(changed(query, { by: "model", limit: "8" })),
  ]);
  return `${style.dim(heading)}\n${summaryText({ today, report, models, period: isDays(query) ? daysText(days) : "that time" }, style)}`;
}

function changed(query: URLSearchParams, values: Readonly<Record<string, string>>): URLSearchParams {
  const copy = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) copy.set(name, value);
  return copy;
}

function periodText({ tz }: SeriesAnswer, query: URLSearchParams, days: number): string {
  const to = query.get("to");
  const words = isDays(query)
    ? `last ${daysText(days)}`
    : `from ${query.get("from") ?? ""}${to === null ? "" : ` to ${to}`}`;
  return `${plain(words)} (${plain(tz)})`;
}

/** The time was given as a number of days, or not at all. */
const isDays = (query: URLSearchParams): boolean =>
  /^\d{13}$/.test(query.get("from") ?? "") && !query.has("to");

const daysText = (days: number): string => (days === 1 ? "1 day" : `${days} days`);

export const stats: Command = { name: "stats", summary: "what requests cost and how they went", help, run };
