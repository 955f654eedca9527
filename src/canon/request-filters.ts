// The parameters that select and group recorded requests: one table for the query of a URL, the options of a command, the API
// description and the manual. It must never ignore a value that it cannot read: a wrong filter would show wrong totals.

import { maxModelLength, maxWordLength } from "./bounds.ts";
import { consequences, Failure } from "./failure.ts";
import { nearest } from "./nearest.ts";
import { isZone, readTime, timeForms } from "./zoned-time.ts";

export const groupings = [
  "tenant",
  "client",
  "session",
  "agent",
  "provider",
  "model",
  "rule",
  "status",
  "class",
] as const;
const bucketSizes = ["auto", "total", "1m", "5m", "15m", "1h", "1d"] as const;

type Kind = "time" | "zone" | "text" | "status" | "usd" | "cursor" | "count" | "choice" | "switch";

export type Parameter = {
  readonly name: string;
  readonly kind: Kind;
  readonly description: string;
  readonly choices?: readonly string[];
  /** The longest text, or the largest number. */
  readonly most?: number;
};

const text = (name: string, description: string, most = maxWordLength): Parameter => ({
  name,
  kind: "text",
  description,
  most,
});

/** What every list and report of requests understands. */
export const filterParameters: readonly Parameter[] = [
  { name: "from", kind: "time", description: "Requests that started at this time or later." },
  { name: "to", kind: "time", description: "Requests that started before this time." },
  {
    name: "tz",
    kind: "zone",
    description: "The IANA zone in which days begin and times without a zone are read. Absent: UTC.",
  },
  text("tenant", "The tenant's name."),
  text("client", "The client program with its version, as in its user agent: `curl/8.5.0`."),
  text("session", "The client's id of the conversation.", maxModelLength),
  text("agent", "The client's agent that sent the request, or whose subagent did."),
  text("provider", "The provider that answered, or was tried last."),
  text("model", "The model that answered.", maxModelLength),
  text("rule", "The routing rule that decided."),
  text(
    "class",
    "What Claude Code called the turn, where it says so: `main`, `subagent`, `workflow`, `compaction`, `auxiliary`.",
  ),
  {
    name: "status",
    kind: "status",
    description:
      "`ok`, `failed`, `cancelled`, an HTTP status (`429`), a class of them (`4xx`), or a kind of failure (`rate-limited`).",
  },
  text("tag", "One of the request's tags; of several with commas between them it must have all."),
  { name: "min_usd", kind: "usd", description: "Requests that cost at least this many USD." },
  { name: "cursor", kind: "cursor", description: "`next` of the page before." },
  { name: "limit", kind: "count", description: "Most rows, or most groups.", most: 1000 },
];

/** What only a report over time understands. */
export const seriesParameters: readonly Parameter[] = [
  {
    name: "bucket",
    kind: "choice",
    choices: bucketSizes,
    description: "The length of each step; `1d` is a day of `tz`. Absent: `auto`, at most 120 steps.",
  },
  { name: "by", kind: "choice", choices: groupings, description: "One group for each value of this." },
  { name: "previous", kind: "switch", description: "`1`: also the sums of the same length of time before." },
  { name: "waste", kind: "switch", description: "`1`: also what could have been spared, as estimates." },
];

/** The forms of an export. */
export const exportFormats = ["csv", "jsonl"] as const;

export const exportParameters: readonly Parameter[] = [
  { name: "format", kind: "choice", choices: exportFormats, description: "Absent: `csv`." },
];

/** The condition on requests that a query holds. */
export type RequestFilter = {
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly tenant?: string;
  readonly client?: string;
  readonly session?: string;
  readonly agent?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly rule?: string;
  readonly class?: string;
  readonly status?: string;
  readonly tag?: string;
  readonly minNanoUsd?: number;
};

export type RequestQuery = {
  readonly filter: RequestFilter;
  readonly tz: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly bucket: (typeof bucketSizes)[number];
  readonly by?: (typeof groupings)[number];
  readonly previous: boolean;
  readonly waste: boolean;
  readonly format: (typeof exportFormats)[number];
};

const allParameters = [...filterParameters, ...seriesParameters, ...exportParameters];
const parameterNamed = new Map(allParameters.map((each) => [each.name, each]));

const names: Readonly<Record<string, string>> = { from: "fromMs", to: "toMs", min_usd: "minNanoUsd" };

/**
 * An empty value is an absent one. Throws Failure `invalid-request`, whose `param` is the parameter at fault. `shown`:
 * how a parameter is called where it was written.
 */
export function readRequestQuery(
  query: Iterable<readonly [string, string]>,
  nowMs: number,
  shown: (name: string) => string = (name) => name,
): RequestQuery {
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    if (!parameterNamed.has(name)) throw unknownParameter(name, shown);
    if (given.has(name)) throw wrong(name, `${shown(name)} is given twice.`);
    if (value !== "") given.set(name, value);
  }
  const tz = given.get("tz") ?? "UTC";
  const read: Record<string, string | number | boolean> = {};
  // The zone first: times are read in it.
  for (const { name } of [{ name: "tz" }, ...allParameters]) {
    const value = given.get(name);
    const parameter = parameterNamed.get(name);
    if (value === undefined || parameter === undefined) continue;
    const found = valueOf(parameter, value, { nowMs, tz });
    if (found === null)
      throw wrong(
        name,
        `${shown(name)} must be ${takes(parameter)}, not ${JSON.stringify(value.slice(0, 80))}.`,
      );
    read[name] = found;
  }
  const { from, to } = read;
  if (typeof from === "number" && typeof to === "number" && to <= from)
    throw wrong("to", `${shown("to")} must be later than ${shown("from")}.`);
  return queryOf(read, tz);
}

function queryOf(read: Readonly<Record<string, string | number | boolean>>, tz: string): RequestQuery {
  const apart = new Set(["tz", "cursor", "limit", "bucket", "by", "previous", "waste", "format"]);
  const entries = Object.entries(read).filter(([name]) => !apart.has(name));
  const { cursor, limit, by } = read;
  return {
    filter: Object.fromEntries(entries.map(([name, value]) => [names[name] ?? name, value])),
    tz,
    ...(cursor === undefined ? {} : { cursor: String(cursor) }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    bucket: (read["bucket"] ?? "auto") as RequestQuery["bucket"],
    ...(by === undefined ? {} : { by: by as NonNullable<RequestQuery["by"]> }),
    previous: read["previous"] === true,
    waste: read["waste"] === true,
    format: (read["format"] ?? "csv") as RequestQuery["format"],
  };
}

/** Null: not a value of this kind. */
function valueOf(
  { kind, choices = [], most = 0 }: Parameter,
  value: string,
  { nowMs, tz }: { readonly nowMs: number; readonly tz: string },
): string | number | boolean | null {
  switch (kind) {
    case "time":
      return readTime(value, nowMs, tz);
    case "zone":
      return isZone(value) ? value : null;
    case "text":
      return value.length <= most ? value : null;
    case "status":
      return isStatus(value) ? value : null;
    case "usd":
      return nanoUsdOf(value);
    case "cursor":
      return /^[\w.~:+/=-]{1,500}$/.test(value) ? value : null;
    case "count":
      return /^\d{1,9}$/.test(value) && Number(value) >= 1 && Number(value) <= most ? Number(value) : null;
    case "choice":
      return choices.includes(value) ? value : null;
    case "switch":
      return value === "1" || value === "true" ? true : value === "0" || value === "false" ? false : null;
  }
}

function takes({ kind, choices = [], most = 0 }: Parameter): string {
  switch (kind) {
    case "time":
      return timeForms;
    case "zone":
      return "a time zone of the IANA database, such as Europe/Berlin";
    case "text":
      return `a text of at most ${most} characters`;
    case "status":
      return "ok, failed, cancelled, an HTTP status, a class such as 4xx, or a kind of failure";
    case "usd":
      return "an amount in USD, such as 0.05";
    case "cursor":
      return "the `next` of an earlier page";
    case "count":
      return `a whole number from 1 to ${most}`;
    case "choice":
      return `one of ${choices.join(", ")}`;
    case "switch":
      return "1 or 0";
  }
}

const isStatus = (value: string): boolean =>
  /^(?:ok|failed|cancelled|[1-5]\d\d|[1-5]xx)$/.test(value) || Object.hasOwn(consequences, value);

/** Exact: from the digits, because 0.1 has no binary form. */
function nanoUsdOf(value: string): number | null {
  const [whole, dollars = "", rest = ""] = /^\$?(\d{1,6})(?:\.(\d{1,9}))?$/.exec(value) ?? [];
  return whole === undefined ? null : Number(`${dollars}${rest.padEnd(9, "0")}`);
}

const wrong = (param: string, message: string): Failure => new Failure("invalid-request", message, { param });

function unknownParameter(name: string, shown: (name: string) => string): Failure {
  const near = nearest(name, parameterNamed.keys());
  const hint = near === null ? "" : ` Did you mean ${shown(near)}?`;
  return wrong(name, `There is no parameter ${JSON.stringify(name.slice(0, 80))} here.${hint}`);
}
