// Finds the vendor's message in an error body of any shape: servers of one format still have error shapes of their own.
// It must never pass on a key, a page of HTML or more than a paragraph of a vendor's text.

import { type ErrorDetails, isRecord, parseLoosely } from "./decoding.ts";

type Body = Record<string, unknown>;

/**
 * Members that contain the text, best first: OpenAI; MiniMax, Alibaba; Baidu; others. `detail` and `message` may be
 * objects themselves (FastAPI, Mistral).
 */
const textNames = [
  "message",
  "msg",
  "error_msg",
  "error_message",
  "errorMessage",
  "err_msg",
  "errmsg",
  "status_msg",
  "Message",
  "detail",
  "error_description",
  "description",
  "reason",
  "title",
  "faultstring",
  "details",
  "info",
] as const;
/** Members that contain the error: OpenAI; Cloudflare; MiniMax; Spark. */
const innerNames = ["error", "errors", "Error", "err", "message", "detail", "base_resp", "header"] as const;
const codeNames = ["code", "error_code", "errorCode", "errcode", "status_code", "Code"] as const;
const typeNames = ["type", "status", "error_type", "__type"] as const;
/** Words that mark an error body and name no error. */
const envelope: ReadonlySet<string> = new Set(["error", "failed", "fail", "response.failed"]);
const deepest = 4;
const noReason = "no reason given";

/** Null when the body contains no readable error. */
export function readErrorDetails(body: unknown): ErrorDetails | null {
  return detailsIn(body, 0) ?? quotedError(anyText(body, 0));
}

/** The same, using only known members. */
function detailsIn(body: unknown, depth: number): ErrorDetails | null {
  if (depth > deepest) return null;
  if (Array.isArray(body)) return listText(body, depth);
  if (!isRecord(body)) return null;
  for (const name of innerNames) {
    const inner = body[name];
    if (typeof inner === "string" && inner !== "" && (name === "error" || name === "Error"))
      return detailsOf(longerText(body, inner), body);
    const found = typeof inner === "object" && inner !== null ? detailsIn(inner, depth + 1) : null;
    if (found !== null) return withOuterDetails(found, body);
    if (name === "error" && isRecord(inner)) {
      const nested = quotedError(anyText(inner, depth + 1));
      return nested === null ? detailsOf(noReason, inner) : withOuterDetails(nested, inner);
    }
  }
  const text = textIn(body);
  return text === null ? null : detailsOf(text, body);
}

/** The text's author is unknown: it is marked as a quotation, so that it suspends no key (match-failure.ts). */
const quotedError = (words: ErrorDetails | null): ErrorDetails | null =>
  words === null ? null : { ...words, message: `the upstream's answer says "${words.message}"` };

/**
 * Where no expected member holds text: a member with a known name at any depth, then any sentence. A list may be a
 * valid answer, so errors are not looked for in it.
 */
function anyText(body: unknown, depth: number): ErrorDetails | null {
  if (!isRecord(body) || depth > deepest) return null;
  for (const inner of Object.values(body)) {
    const found = isRecord(inner) ? (detailsIn(inner, depth + 1) ?? anyText(inner, depth + 1)) : null;
    if (found !== null) return withOuterDetails(found, body);
  }
  for (const value of Object.values(body))
    if (typeof value === "string" && /\S\s+\S/.test(value)) return detailsOf(value, body);
  return null;
}

/** Where `error` is a code or a status text (OAuth, Spring), the sentence is in a member next to it. */
function longerText(body: Body, found: string): string {
  const beside = textIn(body) ?? "";
  return beside.length > found.length ? beside : found;
}

function textIn(body: Body): string | null {
  for (const name of textNames) {
    const value = body[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}

/** A list of errors: the first three for FastAPI, the first for others (Google, Cloudflare). */
function listText(list: readonly unknown[], depth: number): ErrorDetails | null {
  const texts = list
    .slice(0, 3)
    .map((item) => (isRecord(item) && typeof item["msg"] === "string" ? item["msg"] : ""))
    .filter((text) => text !== "");
  if (texts.length > 0)
    return detailsOf(texts.join("; "), isRecord(list[0]) ? { ...list[0], type: null } : {});
  const [first] = list;
  return typeof first === "string" && first !== "" ? detailsOf(first, {}) : detailsIn(first, depth + 1);
}

function withOuterDetails(words: ErrorDetails, body: Body): ErrorDetails {
  return {
    ...words,
    type: words.type ?? word(body, typeNames),
    code: words.code ?? word(body, codeNames),
    param: words.param ?? word(body, ["param"]),
    endsAtMs: words.endsAtMs ?? endIn(body),
  };
}

function detailsOf(message: string, from: Body): ErrorDetails {
  const outer: ErrorDetails = {
    message: presentable(message),
    type: word(from, typeNames),
    code: word(from, codeNames),
    param: word(from, ["param"]),
    ...(from["details"] === undefined ? {} : { details: from["details"] }),
    endsAtMs: endIn(from),
  };
  return innerError(outer, from["metadata"]);
}

/** OpenRouter's "Provider returned error": the provider's own error is a text in `metadata.raw`, often JSON. */
function innerError(outer: ErrorDetails, metadata: unknown): ErrorDetails {
  if (!isRecord(metadata)) return outer;
  const { raw, headers } = metadata;
  const resetMs = isRecord(headers) ? Number(headers["X-RateLimit-Reset"]) : Number.NaN;
  const endsAtMs = outer.endsAtMs ?? (Number.isFinite(resetMs) ? resetMs : null);
  const nested = typeof raw === "string" ? (parseLoosely(raw) ?? raw) : raw;
  const inner = typeof nested === "string" ? plainText(nested) : detailsIn(nested, 1);
  if (inner === null || inner.message === noReason) return { ...outer, endsAtMs };
  const isEmpty = /^provider returned (?:an )?error\.?$/i.test(outer.message.trim());
  return {
    ...outer,
    message: isEmpty ? inner.message : presentable(`${outer.message}: ${inner.message}`),
    type: inner.type ?? outer.type,
    code: inner.code ?? outer.code,
    param: inner.param ?? outer.param,
    endsAtMs: endsAtMs ?? inner.endsAtMs ?? null,
  };
}

function word(body: Body, names: readonly string[]): string | null {
  for (const name of names) {
    const value = body[name];
    if (typeof value === "string" && value !== "" && !envelope.has(value)) return value.slice(0, 200);
    if (typeof value === "number") return `${value}`;
  }
  return null;
}

/** `resets_at` of ChatGPT's plans in seconds (or a date), as wall time. */
function endIn(body: Body): number | null {
  const value = body["resets_at"] ?? body["reset_at"];
  if (typeof value === "number" && Number.isFinite(value) && value > 0)
    return value < 100_000_000_000 ? value * 1000 : value;
  const read = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isFinite(read) ? read : null;
}

/** The JSON of an error body; undefined: it is not JSON. Some vendors send JSON inside a string, or a frame of the requested stream. */
export function errorBody(text: string): unknown {
  const body =
    parseLoosely(text) ?? parseLoosely(/^(?:event:[^\n]*\n)?data: ?([^\n]*)/.exec(text)?.[1] ?? "");
  return typeof body === "string" && body !== "" ? { message: body } : body;
}

/** An error body that is not JSON; null for an HTML page or nothing. */
export function plainText(body: string): ErrorDetails | null {
  const text = body.trim();
  if (text === "" || text.startsWith("<") || /<html|<!doctype/i.test(text)) return null;
  return { message: presentable(text.slice(0, 300)), type: null, code: null, param: null };
}

/** Vendors quote the rejected key in their messages. Google's keys begin with AIza (old) and AQ. (new). */
function presentable(text: string): string {
  return text
    .slice(0, 1000)
    .replace(/\b(?:sk-[\w.*-]{8,}|AIza[\w*-]{8,}|AQ\.[\w*-]{8,})/g, "[key]")
    .replace(/\b(?:(?:sk_|gsk[-_]|xai[-_]|Bearer )[\w.*~+/-]{8,})/g, (found) =>
      keyLike.test(found) ? "[key]" : found,
    );
}

/**
 * True when part of it is masked or is not a word: long, or letters mixed with digits. `skip_special_tokens` consists of
 * words.
 */
const keyLike = /\*{2}|[A-Za-z0-9]{16}|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{8}/;
