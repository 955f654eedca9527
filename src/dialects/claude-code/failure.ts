// Reads from the program's codes how a turn failed. Its messages are for people, change between versions and name
// hosts: only the API's own words about the request are passed on, and only when they name no host, address or path.

import { Failure } from "../../canon/failure.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { readErrorDetails } from "../error-details.ts";
import { statedEnd, matchPattern } from "../match-failure.ts";
import type { ProtocolLine } from "./protocol-lines.ts";

export type TurnProblem = {
  readonly result: ProtocolLine;
  /** `error` of the synthetic message before the result ("rate_limit", "authentication_failed" …). */
  readonly error: string | null;
  /** The last exceeded limit that the program reported. */
  readonly limit: ProtocolLine | null;
  /** Part of the answer has been streamed. */
  readonly hasAnswered: boolean;
  readonly nowMs: number;
};

export function failureOfResult(trouble: TurnProblem): Failure {
  const { result, hasAnswered } = trouble;
  const code = result["api_error_status"];
  const status = typeof code === "number" ? code : null;
  const detail = { upstreamStatus: status, maybeBilled: hasAnswered };
  switch (result["subtype"]) {
    case "error_max_structured_output_retries":
      return new Failure("bad-output", "The model did not keep to the JSON schema.", detail);
    case "error_max_turns":
      return new Failure("bad-output", "The program reached its limit of tool rounds.", detail);
    case "error_max_budget_usd":
      return new Failure("quota-exhausted", "The program's budget is used up.", detail);
    default:
  }
  if (result["terminal_reason"] === "prompt_too_long") return tooLong(detail);
  const isLimited = status === 429 || trouble.error === "rate_limit";
  // A limit that the program reported includes its end.
  if (isLimited && trouble.limit !== null) return limited(trouble, status);
  const apiFailure = byApiError(trouble, status, detail);
  if (apiFailure !== null) return apiFailure;
  return isLimited ? limited(trouble, status) : byCode(trouble, status, detail);
}

function tooLong(detail: Detail): Failure {
  return new Failure(
    "context-exceeded",
    "prompt is too long: it exceeds the model's context window.",
    detail,
  );
}

/** What the API's own message means, where it says more than the code. */
function byApiError({ result, nowMs }: TurnProblem, status: number | null, detail: Detail): Failure | null {
  const text = textOf(result);
  const at = text.indexOf("{");
  const error = readErrorDetails(at < 0 ? undefined : parseLoosely(text.slice(at))) ?? {
    message: text.replace(statusPrefix, ""),
    type: null,
    code: null,
    param: null,
  };
  const code = status ?? 500;
  const row = matchPattern(code, error);
  switch (row?.kind) {
    case "context-exceeded":
      return tooLong(detail);
    case "quota-exhausted": {
      const endsAtMs = statedEnd(code, error, row.zone);
      const retryAfterMs = endsAtMs === null ? null : Math.max(0, endsAtMs - nowMs);
      return new Failure("quota-exhausted", outOfCredit, { ...detail, endsAtMs, retryAfterMs });
    }
    case "refused":
      return new Failure("refused", requestWords(result) ?? "The API refused the request.", detail);
    case "model-missing":
      return new Failure("model-missing", "The claude program cannot use this model.", detail);
    default:
      return null;
  }
}

const statusPrefix = /^API Error:?\s*(?:\d{3})?\s*/;
const outOfCredit = "The account behind the claude program has no credit left.";

type Detail = { readonly upstreamStatus: number | null; readonly maybeBilled: boolean };

function byCode({ error, result, hasAnswered }: TurnProblem, status: number | null, detail: Detail): Failure {
  if (error === "billing_error" || status === 402) return new Failure("quota-exhausted", outOfCredit, detail);
  if (
    error === "authentication_failed" ||
    error === "oauth_org_not_allowed" ||
    status === 401 ||
    status === 403
  )
    return new Failure(
      "credentials-rejected",
      "The claude program is not logged in, or its login was refused (clawgate doctor on its machine says more).",
      detail,
    );
  if (error === "model_not_found" || status === 404)
    return new Failure("model-missing", "The claude program cannot use this model.", detail);
  if (status === 413) return new Failure("too-large", "The request is too large for the API.", detail);
  if (status === 529 || status === 503 || error === "overloaded")
    return new Failure(
      "overloaded",
      `The API behind the claude program is overloaded${inBrackets(status)}.`,
      detail,
    );
  if (status === 408 || status === 504)
    return new Failure(
      "timed-out",
      `The API behind the claude program took too long${inBrackets(status)}.`,
      detail,
    );
  if (status !== null && status >= 500)
    return new Failure(
      "upstream-error",
      `The API behind the claude program failed${inBrackets(status)}.`,
      detail,
    );
  if (error === "invalid_request" && status === null && result["stop_reason"] === "refusal")
    return new Failure("refused", "The model refused to answer.", detail);
  if (status !== null && status >= 400)
    return new Failure(
      "invalid-request",
      requestWords(result) ?? `The API refused the request${inBrackets(status)}.`,
      detail,
    );
  if (error === "server_error")
    return hasAnswered
      ? connectionLost(detail)
      : new Failure("unreachable", "The claude program cannot reach its API.", detail);
  return new Failure("upstream-error", "The claude program failed to answer.", {
    ...detail,
    cause: textOf(result),
  });
}

export function connectionLost(detail: Partial<Detail> = {}): Failure {
  return new Failure("upstream-error", "The connection behind the claude program was lost.", {
    maybeBilled: true,
    ...detail,
  });
}

const inBrackets = (status: number | null): string => (status === null ? "" : ` (${status})`);

/** A wait this long comes from the API; a shorter one is the program's own backoff. */
export const leastWaitMs = 1_000;

/** The limit is reached and the program would wait until it ends: another target can answer earlier. */
export function limitedFor(waitMs: number, hasAnswered: boolean): Failure {
  return new Failure("rate-limited", limitReached, {
    upstreamStatus: 429,
    retryAfterMs: waitMs,
    maybeBilled: hasAnswered,
  });
}

const limitReached = "The limit of the account behind the claude program is reached.";

function limited({ limit, nowMs }: TurnProblem, status: number | null): Failure {
  const resetsAt = limit?.["resetsAt"];
  const resetsAtMs = typeof resetsAt === "number" && Number.isFinite(resetsAt) ? resetsAt * 1000 : null;
  return new Failure("rate-limited", limitReached, {
    upstreamStatus: status ?? 429,
    retryAfterMs: resetsAtMs === null ? null : Math.max(0, resetsAtMs - nowMs),
    details: limit === null ? null : limitDetails(limit),
  });
}

/** Only these fields, under the program's own names: the rest of the account stays private. */
function limitDetails(limit: ProtocolLine): ProtocolLine {
  const names = ["status", "resetsAt", "rateLimitType", "utilization", "overageStatus", "overageResetsAt"];
  return Object.fromEntries(
    names.flatMap((name) => (limit[name] === undefined ? [] : [[name, limit[name]]])),
  );
}

function textOf(result: ProtocolLine): string {
  if (typeof result["result"] === "string") return result["result"].slice(0, 2_000);
  const { errors } = result;
  return Array.isArray(errors) ? errors.map(String).join("; ").slice(0, 2_000) : "";
}

/** The API's message about a refused request, which the client has to correct. */
function requestWords(result: ProtocolLine): string | null {
  const output = textOf(result);
  const at = output.indexOf("{");
  const body = at < 0 ? undefined : parseLoosely(output.slice(at));
  const error = isRecord(body) ? body["error"] : null;
  const message = isRecord(error) && typeof error["message"] === "string" ? error["message"] : null;
  const words = (message ?? output.replace(statusPrefix, "")).trim().slice(0, 300);
  // A host, an address or a path would reveal where the gateway's requests go.
  const namesPlace =
    /:\/\/|localhost|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?:^|\s)~?\/\w|\w:\d{2,5}\b/i;
  const isPath = /^(?:messages|tools|system|thinking)\.[\w.]+:/;
  const rest = words.replace(isPath, "");
  return words === "" || namesPlace.test(rest) ? null : words;
}
