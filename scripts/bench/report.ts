// The table for people: every row with its ratios, and the project's target values, each met or not met.
// It must never round a miss into a hit: values are compared before they are formatted.

import { cases, type Row } from "./cases.ts";
import { type CliCase, type CliRow, cliTitles } from "./cli.ts";
import type { Endurance } from "./endurance.ts";
import type { RoutingCost } from "./routing.ts";
import type { TargetName } from "./targets.ts";

export type Report = {
  readonly machine: string;
  readonly tool: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
  /** Cases that could not be measured; their target values count as not met. */
  readonly failures: readonly string[];
  readonly endurance: Partial<Record<TargetName, Endurance>>;
  /** Empty: the program was missing, or not to be measured. */
  readonly cli: readonly CliRow[];
  readonly routing: RoutingCost;
};

type Goal = { readonly what: string; readonly goal: string; readonly value: number; readonly isMet: boolean };

const cliGoals: readonly (readonly [id: CliCase, limit: number])[] = [
  ["warm", 0.2],
  ["warm-tools", 0.45],
  ["next-words", 0.1],
  ["next-result", 0.1],
];

export function goalsOf(report: Report): Goal[] {
  const row = (id: string): Row | undefined =>
    report.rows.find((each) => each.caseId === id && each.target === "gateway");
  const atMost = (what: string, limit: number, unit: string, value: number | null | undefined): Goal => ({
    what,
    goal: `≤ ${limit}${unit}`,
    value: value ?? NaN,
    isMet: (value ?? NaN) <= limit,
  });
  const atLeast = (what: string, limit: number, unit: string, value: number | null | undefined): Goal => ({
    what,
    goal: `≥ ${limit}${unit}`,
    value: value ?? NaN,
    isMet: (value ?? NaN) >= limit,
  });
  const cliGoal = (id: CliCase, limit: number): Goal => {
    const found = report.cli.find((each) => each.id === id);
    return atMost(`Claude Code, first word: ${cliTitles[id]}`, limit, " × cold", found?.ratio);
  };
  const marks = [
    atMost("added p50 over direct, 1 connection", 0.4, " ms", row("c1")?.addedP50Ms),
    atLeast("requests/s, 64 connections", 0.6, " × pass-through", row("c64")?.ratioToPassthrough),
    atMost("CPU per request, 64 connections", 2, " × pass-through", row("c64")?.cpuRatioToPassthrough),
    atMost(
      "CPU, 100 KB chat prompt, direct target",
      1.5,
      " × pass-through",
      row("agent-chat")?.cpuRatioToPassthrough,
    ),
    atMost(
      "CPU, 100 KB messages prompt, direct target",
      1.5,
      " × pass-through",
      row("agent-messages")?.cpuRatioToPassthrough,
    ),
    atMost("CPU, 100 KB chat prompt, `auto`", 3, " × pass-through", row("auto-chat")?.cpuRatioToPassthrough),
    atMost(
      "CPU, 100 KB messages prompt, `auto`",
      3,
      " × pass-through",
      row("auto-messages")?.cpuRatioToPassthrough,
    ),
    atLeast(
      "chunks/s, 100-chunk streams, 32 connections",
      0.6,
      " × pass-through",
      row("stream")?.ratioToPassthrough,
    ),
    atMost("time to first chunk added, p50", 0.5, " ms", row("first-event")?.addedFirstEventMs),
    atMost("routing decision, 65 KB OpenClaw request, p50", 50, " µs", report.routing.decideP50Us),
  ];
  if (report.cli.length > 0) marks.push(...cliGoals.map(([id, limit]) => cliGoal(id, limit)));
  const endurance = report.endurance.gateway;
  if (endurance === undefined) return marks;
  return [
    ...marks,
    atMost("idle RSS", 60, " MB", endurance.idleRssMb),
    atLeast("1,000 aborted streams: cancelled upstream", 99, " %", endurance.cancelledShare * 100),
    atMost(
      "1,000 aborted streams: RSS growth",
      20,
      " MB",
      endurance.rssAfterAbortsMb - endurance.rssBeforeAbortsMb,
    ),
    atLeast("1,000 concurrent streams: completed", 1000, "", endurance.concurrentCompleted),
    atLeast("1,000 concurrent streams: at once upstream", 1000, "", endurance.upstreamPeak),
  ];
}

export function renderReport(report: Report): string {
  const marks = goalsOf(report).map(({ what, goal, value, isMet }) =>
    line([what, goal, number(value), verdict(value, isMet)]),
  );
  return [
    `Machine: ${report.machine}. Load: ${report.tool}. Median of ${report.rounds} rounds of one second a target; every ratio is taken inside a round.`,
    "",
    line(["what", "mark", "measured", ""]),
    line(["---", "---", "---:", "---"]),
    ...marks,
    "",
    ...report.failures.map((failure) => `**Not measured:** ${failure}\n`),
    ...loadTable(report),
    "",
    routingLine(report.routing),
    "",
    ...cliTable(report.cli),
    ...enduranceTable(report),
    "",
  ].join("\n");
}

function verdict(value: number, isMet: boolean): string {
  if (Number.isNaN(value)) return "not measured";
  return isMet ? "met" : "**not met**";
}

function loadTable(report: Report): string[] {
  const heading = [
    "case",
    "target",
    "requests/s",
    "chunks/s",
    "× direct",
    "× pass-through",
    "added p50 ms",
    "added p99 ms",
    "CPU µs/request",
    "CPU × pass-through",
    "errors",
  ];
  const rows = report.rows.map((row) => {
    const isDirect = row.target === "direct";
    const isFirstEvent = row.addedFirstEventMs !== null;
    return line([
      isDirect ? (cases.find((each) => each.id === row.caseId)?.title ?? row.caseId) : "",
      row.target,
      number(row.requestsPerSecond),
      row.chunksPerSecond > 0 ? number(row.chunksPerSecond) : "",
      number(row.ratioToDirect),
      number(row.ratioToPassthrough),
      isDirect
        ? ""
        : `${number(row.addedFirstEventMs ?? row.addedP50Ms)}${isFirstEvent ? " (first chunk)" : ""}`,
      isDirect || isFirstEvent ? "" : number(row.addedP99Ms),
      number(row.cpuUsPerRequest),
      number(row.cpuRatioToPassthrough),
      String(row.errors),
    ]);
  });
  return [line(heading), line(heading.map((_, at) => (at < 2 ? "---" : "---:"))), ...rows];
}

function routingLine(cost: RoutingCost): string {
  const times = number(cost.decideP50Us / cost.parseP50Us);
  return `Routing (${number(cost.bytes / 1000)} KB OpenClaw request for \`auto\`, stock rules, p50, in one process): decision ${number(cost.decideP50Us)} µs, which is ${times} × JSON.parse of the same bytes (${number(cost.parseP50Us)} µs); decoding ${number(cost.decodeP50Us)} µs.`;
}

function cliTable(rows: readonly CliRow[]): string[] {
  if (rows.length === 0) return [];
  const heading = ["Claude Code behind the gateway, fake API", "first word, ms (median)", "× cold", "runs"];
  return [
    line(heading),
    line(heading.map((_, at) => (at === 0 ? "---" : "---:"))),
    ...rows.map((row) => line([row.title, number(row.firstWordMs), number(row.ratio), String(row.measured)])),
    "",
  ];
}

function enduranceTable(report: Report): string[] {
  const entries = Object.entries(report.endurance);
  if (entries.length === 0) return [];
  const measures: readonly (readonly [string, (each: Endurance) => string])[] = [
    ["cold start to the first answer, ms (median of 5)", (each) => number(each.coldStartMs)],
    ["idle RSS, MB", (each) => number(each.idleRssMb)],
    ["aborted streams cancelled upstream, %", (each) => number(each.cancelledShare * 100)],
    [
      "RSS before → after 1,000 aborts, MB",
      (each) => `${number(each.rssBeforeAbortsMb)} → ${number(each.rssAfterAbortsMb)}`,
    ],
    [
      "1,000 concurrent streams: completed / errors / peak upstream",
      (each) => `${each.concurrentCompleted} / ${each.concurrentErrors} / ${each.upstreamPeak}`,
    ],
    ["RSS after them, MB", (each) => number(each.rssAfterConcurrentMb)],
  ];
  return [
    line(["", ...entries.map(([name]) => name)]),
    line(["---", ...entries.map(() => "---:")]),
    ...measures.map(([what, read]) => line([what, ...entries.map(([, each]) => read(each))])),
  ];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
