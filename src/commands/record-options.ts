// The options that select recorded requests, made from the same table as the parameters of the API.

import { filterParameters, readRequestQuery } from "../canon/request-filters.ts";
import { dayIn, isZone, readTime } from "../canon/zoned-time.ts";

type TextOption = { readonly type: "string" };

const optionName = (name: string): string => name.replaceAll("_", "-");
const selecting = filterParameters.filter(({ name }) => name !== "cursor" && name !== "limit");

export const filterOptions: Readonly<Record<string, TextOption>> = Object.fromEntries(
  selecting.map(({ name }) => [optionName(name), { type: "string" }]),
);

const column = 15;

export const filterOptionsHelp: string = selecting
  .map(({ name, kind, description }) => {
    const value = kind === "time" ? "TIME" : kind === "zone" ? "ZONE" : kind === "usd" ? "USD" : "X";
    const option = `--${optionName(name)} ${value}`;
    const words =
      name === "tz"
        ? "IANA zone of days and of times without a zone (default: this machine's)"
        : name === "from"
          ? "requests from this time on: 2026-11-30, 2026-11-30T08:00, now-24h"
          : lowerFirst(description).replace(/\.$/, "").replaceAll("`", "");
    return `  ${option.padEnd(column)} ${words}\n`;
  })
  .join("");

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/**
 * The query of the options, checked. Throws Failure, whose message names the option. `more`: parameters that the command
 * adds.
 */
export function recordQuery(
  values: OptionValues,
  nowMs: number,
  more: Readonly<Record<string, string>> = {},
): URLSearchParams {
  const query = new URLSearchParams({ tz: localZone(), ...more });
  for (const { name } of selecting) {
    const value = values[optionName(name)];
    if (typeof value === "string") query.set(name, value);
  }
  readRequestQuery(query, nowMs, (name) => `--${optionName(name)}`);
  return query;
}

/** The zone of this machine; UTC where it has none that has a name. */
export function localZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return isZone(zone) ? zone : "UTC";
}

/** The beginning of the day `days - 1` days ago, so that today is the last of them. */
export function startOfDays(days: number, nowMs: number, zone: string): number {
  const todayMs = Date.parse(`${dayIn(zone, nowMs)}T00:00:00Z`);
  const first = new Date(todayMs - (days - 1) * 86_400_000).toISOString().slice(0, 10);
  const startMs = readTime(first, nowMs, zone);
  if (startMs === null) throw new Error(`the day ${first} has no beginning`);
  return startMs;
}
