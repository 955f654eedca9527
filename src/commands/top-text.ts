// The picture of `clawgate top`: a head, the providers, the running requests; never wider or longer than the terminal.

import type { ProviderRow } from "../operator/reports/provider-report.ts";
import type { LiveRow } from "../operator/reports/live-report.ts";
import { shownMilliseconds, shownSeconds, shownTokens, shownUsd } from "./quantities.ts";
import { cut, type Paint, plain, type TerminalStyle } from "./terminal.ts";
import type { TopData } from "./top-data.ts";

export type Size = { readonly columns: number; readonly rows: number };

type Painted = { readonly text: string; readonly paint?: Paint };
type Field<T> = {
  readonly title: string;
  readonly width: number;
  /** The lowest stay on a narrow terminal. */
  readonly rank: number;
  readonly isNumber?: boolean;
  /** Takes the rest of the line; one of them. */
  readonly grows?: boolean;
  value(row: T): Painted;
};

const gap = 2;

/** Lines without line breaks, at most `rows` of them. */
export function topLines(data: TopData, style: TerminalStyle, { columns, rows }: Size): readonly string[] {
  const head = headLines(data, style, columns);
  const spare = rows - head.length - 1;
  const providers = table(providerFields(style), inUse(data.providers), columns, style);
  const shown = providers.slice(0, Math.max(2, Math.floor(spare / 2)));
  const requests =
    data.requests.length === 0
      ? [style.dim(cut("No request is running.", columns))]
      : table(requestFields(data, style), data.requests, columns, style);
  const room = Math.max(2, spare - shown.length - 1);
  return [...head, ...shown, "", ...shortened(requests, room, style, columns)].slice(0, rows - 1);
}

/** The last line says how many more there are. */
function shortened(lines: readonly string[], room: number, style: TerminalStyle, columns: number): string[] {
  if (lines.length <= room) return [...lines];
  const hidden = lines.length - room + 1;
  return [...lines.slice(0, room - 1), style.dim(cut(`... and ${hidden} more`, columns))];
}

function headLines(data: TopData, style: TerminalStyle, columns: number): string[] {
  const paint = { ok: style.green, degraded: style.yellow }[data.status] ?? style.red;
  const waiting = data.requests.filter(({ stage, queue }) => stage === "waiting" || queue !== null).length;
  const up = data.uptime_s === null ? "" : `  up ${shownSeconds(data.uptime_s)}`;
  const status = cut(plain(data.status), 10);
  const words = `ClawGate ${plain(data.version)}  ${plain(data.url)}${up}  `;
  const first = cut(words, columns - Bun.stringWidth(status) - 1);
  const running = `${data.requests.length} running, ${waiting} waiting`;
  return [
    `${style.bold(first)} ${paint(status)}`,
    cut([running, todayText(data)].filter((each) => each !== "").join("  |  "), columns),
    ...data.problems.slice(0, 2).map((problem) => style.yellow(cut(plain(problem), columns))),
    "",
  ];
}

function todayText({ today }: TopData): string {
  if (today === null) return "";
  const failed = today.failures === 0 ? "" : ` (${today.failures} failed)`;
  const latency = today.p50_latency_ms === null ? "" : `, median ${shownMilliseconds(today.p50_latency_ms)}`;
  return `today ${today.requests} requests${failed}, ${shownUsd(today.cost_usd)}, ${shownTokens(today.input_tokens)} in, ${shownTokens(today.output_tokens)} out${latency}`;
}

/** Those that work, and those that do not; not the dozens that nobody uses. */
const inUse = (rows: readonly ProviderRow[]): readonly ProviderRow[] => {
  const busy = rows.filter(
    ({ state, running, waiting, requests_today: today }) =>
      state !== "healthy" || running > 0 || waiting > 0 || (today ?? 0) > 0,
  );
  return busy.length === 0 ? rows : busy;
};

function providerFields(style: TerminalStyle): readonly Field<ProviderRow>[] {
  const text = (words: string): Painted => ({ text: plain(words) });
  const paintOf = (state: string): Paint =>
    state === "healthy"
      ? style.green
      : state === "cooling" || state === "half-open"
        ? style.yellow
        : style.red;
  return [
    { title: "PROVIDER", width: 16, rank: 0, value: ({ id }) => text(id) },
    {
      title: "STATE",
      width: 9,
      rank: 1,
      value: ({ state }) => ({ text: plain(state), paint: paintOf(state) }),
    },
    { title: "RUN", width: 4, rank: 2, isNumber: true, value: ({ running }) => text(String(running)) },
    { title: "WAIT", width: 4, rank: 3, isNumber: true, value: ({ waiting }) => text(String(waiting)) },
    {
      title: "TODAY",
      width: 7,
      rank: 4,
      isNumber: true,
      value: ({ requests_today: today }) => text(today === null ? "-" : String(today)),
    },
    {
      title: "LATENCY",
      width: 8,
      rank: 5,
      isNumber: true,
      value: ({ avg_latency_ms: ms }) => text(ms === null ? "-" : shownMilliseconds(ms)),
    },
    {
      title: "LAST ERROR",
      width: 10,
      rank: 6,
      grows: true,
      value: ({ last_error: error, retry_in_s: again }) =>
        text(`${again === null ? "" : `again in ${shownSeconds(again)}; `}${error ?? ""}`),
    },
  ];
}

function requestFields(data: TopData, style: TerminalStyle): readonly Field<LiveRow>[] {
  const text = (words: string | null): Painted => ({ text: plain(words ?? "-") });
  const stageOf = ({ stage, queue }: LiveRow): Painted =>
    queue === null
      ? { text: plain(stage), ...(stage === "streaming" ? { paint: style.green } : {}) }
      : { text: `queue ${queue.position}`, paint: style.yellow };
  return [
    {
      title: "AGE",
      width: 7,
      rank: 1,
      isNumber: true,
      value: ({ started_at_ms: at }) => text(shownMilliseconds(Math.max(0, data.at_ms - at))),
    },
    { title: "STAGE", width: 9, rank: 2, value: stageOf },
    { title: "MODEL", width: 16, rank: 0, grows: true, value: ({ model }) => text(model || null) },
    {
      title: "PROVIDER",
      width: 14,
      rank: 3,
      value: ({ provider: asked, queue }) => text(asked ?? queue?.provider ?? null),
    },
    {
      title: "OUT",
      width: 6,
      rank: 4,
      isNumber: true,
      value: ({ output_tokens: tokens }) => text(tokens === null ? null : shownTokens(tokens)),
    },
    {
      title: "TOK/S",
      width: 6,
      rank: 5,
      isNumber: true,
      value: ({ tokens_per_second: speed }) => text(speed === null ? null : String(Math.round(speed))),
    },
    { title: "TENANT", width: 12, rank: 6, value: ({ tenant }) => text(tenant) },
    { title: "CLIENT", width: 20, rank: 7, value: ({ client }) => text(client) },
    { title: "RULE", width: 18, rank: 8, value: ({ rule }) => text(rule) },
    { title: "ID", width: 26, rank: 9, value: ({ id }) => text(id) },
    { title: "SESSION", width: 20, rank: 10, value: ({ session }) => text(session) },
  ];
}

function table<T>(
  fields: readonly Field<T>[],
  rows: readonly T[],
  columns: number,
  style: TerminalStyle,
): string[] {
  const widthOf = (some: readonly Field<T>[]): number =>
    some.reduce((sum, { width }) => sum + width, gap * Math.max(0, some.length - 1));
  let kept: readonly Field<T>[] = [];
  for (const field of fields.toSorted((one, other) => one.rank - other.rank))
    if (kept.length === 0 || widthOf([...kept, field]) <= columns) kept = [...kept, field];
    else break;
  const spare = Math.max(0, columns - widthOf(kept));
  const shown = fields
    .filter((field) => kept.includes(field))
    .map((field) => ({
      ...field,
      width: Math.min(columns, field.width + (field.grows === true ? spare : 0)),
    }));
  const line = (cells: readonly Painted[]): string =>
    shown
      .map(({ width, isNumber }, at) => {
        const { text = "", paint } = cells[at] ?? {};
        const words = cut(text, width);
        const blanks = " ".repeat(Math.max(0, width - Bun.stringWidth(words)));
        const painted = paint === undefined ? words : paint(words);
        return isNumber === true ? blanks + painted : painted + blanks;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return [
    line(shown.map(({ title }) => ({ text: title, paint: style.dim }))),
    ...rows.map((row) => line(shown.map((field) => field.value(row)))),
  ];
}
