// The rows of ClawGate (Python)'s table `requests` as records of ours, each with an id that tells which row it was: whoever imports twice
// finds them again. Pure.

import { createHash } from "node:crypto";
import { ulid } from "../canon/id.ts";
import type { Layer } from "../canon/decision.ts";
import type { FailureKind } from "../canon/failure.ts";
import type { RequestRecord } from "../canon/record.ts";
import { unknownUsage, usageFromTotal } from "../canon/usage.ts";

export const earlierTable = "requests";
export const earlierColumns = [
  "id",
  "timestamp",
  "provider",
  "model",
  "layer",
  "rule_name",
  "prompt_tok",
  "compl_tok",
  "cache_hit",
  "cache_miss",
  "cost_usd",
  "latency_ms",
  "success",
  "error",
] as const;

/** SQLite keeps any type in any column. */
export type EarlierRow = Readonly<Record<(typeof earlierColumns)[number], unknown>>;

/** Marks each imported record. */
export const importedTag = "imported";

/** Crockford's base 32, as in a ULID: its order is that of the numbers. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const numberLetters = 8;

function letters(value: number): string {
  let text = "";
  for (let rest = value, at = 0; at < numberLetters; at++, rest = Math.floor(rest / 32))
    text = (alphabet[rest % 32] ?? "0") + text;
  return text;
}

export function rowNumber(text: string): number {
  return [...text].reduce((sum, letter) => sum * 32 + Math.max(0, alphabet.indexOf(letter)), 0);
}

/** What tells one database from another, wherever it lies: its first row. */
export function sourceOf(first: EarlierRow): string {
  const hash = createHash("sha256")
    .update(JSON.stringify(earlierColumns.map((name) => first[name])))
    .digest();
  return letters(hash.readUIntBE(0, 5));
}

const largestRow = 32 ** numberLetters - 1;
const layers: Readonly<Record<string, Layer>> = {
  direct: "direct",
  static: "static",
  heuristic: "heuristic",
  fallback: "fallback",
  "llm-classify": "llm-classify",
};

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value)
    ? value
    : typeof value === "bigint"
      ? Number(value)
      : null;
const count = (value: unknown): number => Math.max(0, Math.round(number(value) ?? 0));

function failureOf(error: string): FailureKind {
  if (/\b429\b|rate.?limit/i.test(error)) return "rate-limited";
  if (/time.?out|timed out/i.test(error)) return "timed-out";
  return "upstream-error";
}

/** Null: the row has no time or number that could be kept. */
export function earlierRecord(
  row: EarlierRow,
  source: string,
  redact: (text: string) => string,
): RequestRecord | null {
  const [id, seconds] = [number(row.id), number(row.timestamp)];
  if (id === null || !Number.isInteger(id) || id < 0 || id > largestRow) return null;
  if (seconds === null || seconds <= 0 || seconds > 253_402_300_799) return null;
  const startedAtMs = Math.round(seconds * 1000);
  const durationMs = count(row.latency_ms);
  const isOk = number(row.success) !== 0;
  const written = text(row.error);
  const failure = isOk ? null : failureOf(written);
  const error = isOk || written === "" ? null : redact(written).slice(0, 300);
  const status = isOk ? 200 : failure === "rate-limited" ? 429 : 502;
  const [provider, model] = [text(row.provider), text(row.model)];
  const [hits, misses, prompt] = [count(row.cache_hit), count(row.cache_miss), count(row.prompt_tok)];
  const usage = isOk
    ? usageFromTotal({
        input: prompt,
        inputCached: hits + misses > 0 ? Math.min(hits, prompt) : null,
        output: count(row.compl_tok),
      })
    : unknownUsage;
  const rule = text(row.rule_name).replaceAll("→", "->");
  return {
    id: ulid(startedAtMs).slice(0, 10) + source + letters(id),
    startedAtMs,
    tenant: null,
    keyId: null,
    session: null,
    door: "chat",
    client: null,
    tags: [importedTag],
    requestedModel: model,
    stream: false,
    layer: layers[text(row.layer)] ?? null,
    rule: rule === "" ? null : rule,
    confidence: null,
    reason: "imported from ClawGate (Python)",
    facts: null,
    candidates: [],
    attempts: [
      {
        provider,
        model,
        credential: null,
        outcome: isOk ? "ok" : "failed",
        lane: "hub",
        status: isOk ? 200 : null,
        failure,
        message: error,
        startedAtMs,
        waitMs: 0,
        headersMs: null,
        firstTokenMs: null,
        durationMs,
        maybeBilled: isOk,
        adapted: [],
      },
    ],
    provider: isOk ? provider : null,
    model: isOk ? model : null,
    upstreamModel: null,
    queueWaitMs: 0,
    overheadMs: null,
    firstTokenMs: null,
    durationMs,
    usage,
    costNanoUsd: Math.max(0, Math.round((number(row.cost_usd) ?? 0) * 1e9)),
    status,
    finish: isOk ? "stop" : null,
    failure,
    error,
  };
}
