// Finds which kind of failure a vendor's message means, and until when: applies failure-patterns/ to one error answer.
// It must never suspend a key or a model for text that a client wrote and the vendor only repeats.

import type { FailureKind } from "../canon/failure.ts";
import type { PatternKind, FailurePattern } from "./failure-patterns/pattern.ts";
import { failurePatterns } from "./failure-patterns/pattern-table.ts";

export type ErrorText = {
  readonly message: string;
  readonly type: string | null;
  readonly code: string | null;
  readonly param: string | null;
};

/** 500 represents an error inside a stream, which has no status. */
const statusesOf: Readonly<Record<PatternKind, readonly number[]>> = {
  "context-exceeded": [400, 413, 422, 500],
  "quota-exhausted": [400, 401, 402, 403, 404, 409, 412, 422, 429, 500],
  "rate-limited": [429],
  "model-missing": [400, 403, 404, 422],
  refused: [400, 403, 422, 500],
  "credentials-rejected": [400, 422, 500],
  overloaded: [429, 500],
};

/** Kinds that count against the gateway's own account at the vendor, or against a model. */
const penalizedKinds: ReadonlySet<FailureKind> = new Set([
  "quota-exhausted",
  "rate-limited",
  "credentials-rejected",
  "model-missing",
]);
/** With these statuses the vendor has not read the request's content. */
const statusesBeforeContent: readonly number[] = [401, 402, 403, 429];

const mentionsRate = /rate limit|too many requests|throttl|please wait before trying again/i;

/** The row that matches the message; null: only the status counts. */
export function matchPattern(status: number, error: ErrorText): FailurePattern | null {
  const code = `${error.type ?? ""} ${error.code ?? ""}`.trim();
  const vendorText = vendorOwnText(status, error);
  for (const row of failurePatterns) {
    if (!(row.statuses ?? statusesOf[row.kind]).includes(status)) continue;
    if (row.place === "code") {
      if (row.pattern.test(code)) return row;
      continue;
    }
    const searched = penalizedKinds.has(row.kind) ? vendorText : error.message;
    if (!row.pattern.test(searched)) continue;
    if (row.kind === "context-exceeded" && mentionsRate.test(error.message)) continue;
    return row;
  }
  return null;
}

/**
 * The vendor's own words: a rejection quotes from the request, so only the text before the first quotation counts, and
 * nothing where it names a field. The model's name may be quoted.
 */
function vendorOwnText(status: number, { message, param }: ErrorText): string {
  if (statusesBeforeContent.includes(status)) return message;
  if (param !== null && param !== "model") return "";
  const named = message.replace(/`([\w.:/@-]{1,200})`/g, "$1");
  const at = named.search(/["“«`]|(?<![\p{L}\p{N}])['‘]/u);
  return at < 0 ? named : named.slice(0, at);
}

const isoTimestamp =
  /\b(\d{4}-\d{2}-\d{2})(?:(?:T|,? at | )(\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s?(UTC|GMT|Z\b|[+-]\d{2}:?\d{2}\b)?)?/;
const written =
  /\b((?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*) (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?:,?(?: at)? (\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?))?/i;
const dayFirst =
  /\b(\d{1,2})(?:st|nd|rd|th)? (?:of )?((?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*),? (\d{4})(?:,?(?: at)? (\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?))?/i;
const resetPhrase = /regain|reset|again|until|available|renew|refresh|back on|resume/i;

/** When the limit ends, as the text says; null where it does not. */
export function statedEnd(status: number, error: ErrorText, zone = "Z"): number | null {
  const own = vendorOwnText(status, error);
  const from = own.search(resetPhrase);
  if (from < 0) return null;
  const rest = own.slice(from);
  const exact = isoTimestamp.exec(rest);
  if (exact !== null) {
    const [, day, time, offset] = exact;
    const clock = (time ?? "00:00").padStart(5, "0");
    const named = offset === undefined ? zone : /^(?:utc|gmt|z)$/i.test(offset) ? "Z" : offset;
    return valid(Date.parse(`${day}T${clock.length === 7 ? `0${clock}` : clock}${named}`));
  }
  const writtenDate = written.exec(rest);
  const [, month, day, year, time] = writtenDate ?? fromMatch(dayFirst.exec(rest));
  if (month === undefined) return null;
  return valid(Date.parse(`${month?.slice(0, 3)} ${day} ${year} ${time ?? "00:00"} UTC`));
}

/** Groups in the order of `written`. */
const fromMatch = (found: RegExpExecArray | null): readonly (string | undefined)[] =>
  found === null ? [] : [found[0], found[2], found[1], found[3], found[4]];

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const duration =
  /\b(?:again|retry|reset\w{0,4}|wait|available)\b[^.\n]{0,40}?\b(?:in|for|after) (\d[\d.]{0,12}\s?[a-z]{1,12}(?:[\s,]{0,2}(?:and )?\d[\d.]{0,12}\s?[a-z]{1,12}){0,4})/i;
const part = /(\d+(?:\.\d+)?)\s?(ms|milli|d|h|m|s)/gi;

/** "Please try again in 1m12.5s" in milliseconds; null where the text names no time. */
export function statedWait(status: number, error: ErrorText): number | null {
  const found = duration.exec(vendorOwnText(status, error))?.[1];
  if (found === undefined) return null;
  let sum = 0;
  for (const [, number, unit] of found.matchAll(part)) {
    const short = unit?.toLowerCase() === "milli" ? "ms" : (unit?.toLowerCase() ?? "s");
    sum += Number(number) * (unitMs[short] ?? 1_000);
  }
  return Number.isFinite(sum) && sum > 0 ? Math.ceil(sum) : null;
}

const valid = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);
