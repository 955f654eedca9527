// One log line for each request when it has ended: client, model, target, result, cost and reason. At info on a terminal, at debug
// elsewhere; failed requests are always logged. It must never contain what was asked or answered, and costs nothing where its level
// is switched off.

import type { Layer } from "../canon/decision.ts";
import { consequences, type Failure, type FailureKind, mayRepeatContent } from "../canon/failure.ts";
import { mask } from "../canon/redact.ts";
import type { AttemptRecord, RequestRecord, UnpricedRecord } from "../canon/record.ts";
import type { RefusedRequest } from "../server/server-port.ts";
import type { Log, LogLevel } from "../system/log.ts";

export type AccessLogStyle = {
  /** A person reads the log: successful requests are logged at info. */
  readonly isTerminal: boolean;
  /** For people: the text only. Otherwise the same content as fields too. */
  readonly isPretty: boolean;
};

export type FinishedRequest = Omit<RequestRecord, "costNanoUsd"> &
  Pick<UnpricedRecord, "costNanoUsd" | "cause">;

export type AccessLog = {
  /** The level of this request's line; null: that level is switched off. */
  levelOf(record: FinishedRequest): Level | null;
  write(record: FinishedRequest, level: Level): void;
};

type Level = Exclude<LogLevel, "silent">;

export function createAccessLog(log: Log, style: AccessLogStyle): AccessLog {
  const usual = style.isTerminal ? "info" : "debug";
  return {
    levelOf(record) {
      const level = levelOf(record) ?? usual;
      return log.shows(level) ? level : null;
    },
    write(record, level) {
      const cause = record.cause === undefined ? {} : { error: record.cause };
      const fields = style.isPretty ? { request: record.id } : fieldsOf(record);
      log[level](lineText(record), { ...fields, ...cause });
    },
  };
}

/** Null: it succeeded, or its client ended it. */
function levelOf(record: FinishedRequest): Level | null {
  const { failure, attempts } = record;
  if (failure !== null) return levelOfKind(failure);
  // Nearly all have one attempt.
  if (attempts.length < 2) return null;
  return attempts.some((each, at) => isReported(each, attempts[at + 1])) ? "warn" : null;
}

function levelOfKind(kind: FailureKind): Level {
  if (kind === "internal") return "error";
  return kind === "at-capacity" || consequences[kind].penalizes !== "nobody" ? "warn" : "info";
}

/** The same request was sent again immediately over a new connection because the old one had been closed: not a failure of the provider. */
const isResent = (one: AttemptRecord, next: AttemptRecord | undefined): boolean =>
  one.failure === "unreachable" &&
  next?.provider === one.provider &&
  next.model === one.model &&
  next.credential === one.credential;

const isReported = (one: AttemptRecord, next: AttemptRecord | undefined): boolean =>
  one.outcome === "failed" &&
  one.failure !== null &&
  consequences[one.failure].penalizes !== "nobody" &&
  !isResent(one, next);

const maxRefusals = 30;
const refusalsMs = 60_000;
/** Scanners and browsers request paths at random. */
const harmless: ReadonlySet<number> = new Set([400, 404, 405, 421, 426]);

/** Logs what is refused before routing: at most a fixed number of lines a minute, then how many were left out. */
export function createRefusalLog(log: Log, { isTerminal }: AccessLogStyle, monotonicMs: () => number) {
  let windowMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (refused: () => RefusedRequest, failure: Failure, status: number): void => {
    const level = isTerminal || !harmless.has(status) ? "info" : "debug";
    if (!log.shows(level)) return;
    const nowMs = monotonicMs();
    if (nowMs - windowMs >= refusalsMs) {
      const unreported = count - maxRefusals;
      if (unreported > 0)
        log.info(`${unreported} more requests were refused before routing and not logged one by one`);
      windowMs = nowMs;
      count = 0;
    }
    count += 1;
    if (count > maxRefusals) return;
    const { requestId, method, path, peer } = refused();
    const from = peer === null ? "" : ` from ${peer}`;
    const what = `${shownName(method, 20)} ${shownName(withoutKeys(path), 120)}${from}`;
    log[level](`refused: ${what} ${status}; ${failure.kind}: ${onOneLine(failure.message, 200)}`, {
      request: requestId,
    });
  };
}

/** Some programs put their key into the path, and in an unknown path the key cannot be located. */
const keyLike = /(?<![A-Za-z0-9_])(?=[A-Za-z_]*\d)(?=[0-9_]*[A-Za-z])[A-Za-z0-9_]{20,}/g;
const withoutKeys = (path: string): string => path.replace(keyLike, mask);

function lineText(record: FinishedRequest): string {
  const { usage, provider, model, attempts } = record;
  const last = attempts.at(-1);
  const target =
    provider === null
      ? last === undefined
        ? "none"
        : shownName(`${last.provider}/${last.model}`, 120)
      : shownName(`${provider}/${model ?? ""}`, 120);
  const tokens =
    usage.input === null && usage.output === null
      ? []
      : [`${usage.input ?? "?"} in + ${usage.output ?? "?"} out`];
  return [
    `${clientText(record)} ${shownName(record.requestedModel, 80)} -> ${target} ${record.status}`,
    `${record.durationMs} ms`,
    ...tokens,
    ...costText(record),
    reasonText(record),
  ].join(", ");
}

/** What it cost; where a flat rate paid, what it is worth; what of it a missed cache cost. */
function costText({ costNanoUsd, listNanoUsd, cacheMiss }: FinishedRequest): string[] {
  const shown = (nanoUsd: number): string => shownUsd(nanoUsd / 1e9);
  const list = listNanoUsd === undefined || listNanoUsd === null ? "" : ` (list ${shown(listNanoUsd)})`;
  const cost = costNanoUsd === null ? [] : [`${shown(costNanoUsd)}${list}`];
  if (cacheMiss === undefined) return cost;
  const { cause, index, change, missedTokens, nanoUsd } = cacheMiss;
  const place = index === null ? cause : `${cause}[${index}]`;
  const what = change === null ? place : `${place} ${change}`;
  const price = nanoUsd === null ? "" : ` for ${shown(nanoUsd)}`;
  return [...cost, `missed ${missedTokens} cached tokens${price}: ${what}`];
}

function clientText({ tenant, client }: FinishedRequest): string {
  if (tenant === null) return client === null ? "-" : shownName(client, 60);
  return client === null ? shownName(tenant, 64) : `${shownName(tenant, 64)} (${shownName(client, 60)})`;
}

function reasonText({ layer, rule, failure, error, attempts, tags }: FinishedRequest): string {
  const tried = attempts.flatMap((each, at) =>
    each.outcome === "failed" && !isResent(each, attempts[at + 1]) ? [attemptText(each)] : [],
  );
  const end = failure === null ? [] : [endText(failure, error, attempts)];
  return [
    routeText(layer, rule),
    ...(tags.includes("hedged") ? ["hedged"] : []),
    ...end,
    ...(tried.length > 1 || (failure === null && tried.length > 0) ? [`after ${tried.join(", ")}`] : []),
  ].join("; ");
}

function routeText(layer: Layer | null, rule: string | null): string {
  if (layer === null || rule === null) return "not routed";
  const [, name = rule, diversion = ""] = /^(.*?)(->fallback)?$/s.exec(rule) ?? [];
  return `${layer} ${shownName(name, 80)}${diversion}`;
}

const attemptText = ({ provider, model, failure, status, message }: AttemptRecord): string =>
  `${shownName(`${provider}/${model}`, 120)} ${failureText(failure ?? "cancelled", status, message)}`;

function endText(kind: FailureKind, error: string | null, attempts: FinishedRequest["attempts"]): string {
  if (kind === "internal") return "internal: a bug in the gateway";
  const failed = attempts.findLast((each) => each.failure === kind);
  return failureText(kind, failed?.status ?? null, error);
}

function failureText(kind: FailureKind, status: number | null, message: string | null): string {
  const text = status === null ? kind : `${kind} ${status}`;
  return message === null || mayRepeatContent(kind, status) ? text : `${text}: ${onOneLine(message, 200)}`;
}

/** For machines, under the column names of the records. */
function fieldsOf(record: FinishedRequest): Readonly<Record<string, unknown>> {
  const { usage, attempts } = record;
  const adapted = attempts.at(-1)?.adapted ?? [];
  return {
    request: record.id,
    door: record.door,
    tenant: record.tenant,
    client: record.client,
    requested_model: record.requestedModel,
    provider: record.provider,
    model: record.model,
    status: record.status,
    failure: record.failure,
    stream: record.stream,
    duration_ms: record.durationMs,
    first_token_ms: record.firstTokenMs,
    queue_wait_ms: record.queueWaitMs,
    input_tokens: usage.input,
    output_tokens: usage.output,
    cost_usd: record.costNanoUsd === null ? null : record.costNanoUsd / 1e9,
    ...estimates(record),
    layer: record.layer,
    rule: record.rule,
    attempts: attempts.length,
    ...(record.trace === undefined ? {} : { trace: record.trace.traceId }),
    ...(adapted.length === 0 ? {} : { adapted }),
  };
}

const usdOf = (nanoUsd: number | null): number | null => (nanoUsd === null ? null : nanoUsd / 1e9);

/** Only those that there are. */
function estimates({ listNanoUsd, baselineNanoUsd, uncachedNanoUsd, cacheMiss }: FinishedRequest) {
  return {
    ...(listNanoUsd === undefined ? {} : { list_usd: usdOf(listNanoUsd) }),
    ...(baselineNanoUsd === undefined ? {} : { baseline_usd: usdOf(baselineNanoUsd) }),
    ...(uncachedNanoUsd === undefined ? {} : { uncached_usd: usdOf(uncachedNanoUsd) }),
    ...(cacheMiss === undefined
      ? {}
      : {
          cache_miss: {
            cause: cacheMiss.cause,
            index: cacheMiss.index,
            change: cacheMiss.change,
            missed_tokens: cacheMiss.missedTokens,
            usd: usdOf(cacheMiss.nanoUsd),
          },
        }),
  };
}

const plainName = /^[\w.:/@+*-]+$/;
/** Control characters, direction marks, line ends, lone surrogates and unassigned characters. */
const unshown = /[\p{C}\p{Zl}\p{Zp}]+/gu;

function onOneLine(text: string, most: number): string {
  const plain = text
    .slice(0, 4 * most)
    .replace(unshown, " ")
    .trim();
  return plain.length > most ? `${plain.slice(0, most - 1)}…` : plain;
}

/** Clients choose most names: one that could be mistaken for a part of the line is quoted. */
export function shownName(name: string, most: number): string {
  if (name === "") return "-";
  if (name.length <= most && plainName.test(name)) return name;
  return `"${onOneLine(name, most).replaceAll('"', "'")}"`;
}

function shownUsd(usd: number): string {
  if (usd === 0) return "$0";
  if (usd < 0.000_001) return "<$0.000001";
  return `$${usd.toFixed(usd >= 1 ? 2 : usd >= 0.01 ? 4 : 6)}`;
}
