// Reads from a body what the pipeline must know: the model's name, the session, whether to stream. It scans the bytes and parses
// only what it needs.

import { isUtf8 } from "node:buffer";
import { cut, maxModelLength, shortened } from "../../canon/bounds.ts";
import { Failure } from "../../canon/failure.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import type { Dialect } from "../../dialects/dialect.ts";
import type { Endpoint } from "../endpoints.ts";
import type { Form } from "../../wire/multipart.ts";
import {
  BrokenJson,
  type JsonMember,
  type JsonScan,
  memberNamed,
  readString,
  scanObject,
} from "../../wire/json.ts";

export const maxJsonDepth = 128;

export type Envelope = {
  readonly bytes: Buffer;
  readonly scan: JsonScan;
  readonly model: string;
  readonly stream: boolean;
  readonly session: string | null;
  /** Set when the body is form data; `scan` then has no members. */
  readonly form?: Form;
};

/** What an endpoint's path says about a request, if anything. */
export type PathCall = { readonly model: string; readonly stream: boolean };

/**
 * Throws Failure. `call`: what the path already says and the body need not repeat. `dialect`: the endpoint's format.
 */
export function readEnvelope(
  headers: Headers,
  bytes: Buffer,
  call: PathCall | null = null,
  dialect?: Dialect,
): Envelope {
  if (!isUtf8(bytes)) throw new Failure("invalid-request", "The body is not valid UTF-8.");
  let scan: JsonScan;
  try {
    scan = scanObject(bytes, maxJsonDepth, dialect?.backend?.passthrough.watchedWords);
  } catch (thrown) {
    if (!(thrown instanceof BrokenJson)) throw thrown;
    throw new Failure("invalid-request", `The body is not usable JSON: ${thrown.message}.`);
  }
  const model = checkedModel(call === null ? modelIn(bytes, memberOf(scan, "model")) : call.model);
  if (model === null || model === "")
    throw new Failure("invalid-request", "model is required: a model name, or auto.", {
      param: "model",
    });
  return {
    bytes,
    scan,
    model,
    stream:
      call === null
        ? (booleanOf(bytes, memberOf(scan, "stream")) ?? dialect?.client?.streamsByDefault === true)
        : call.stream,
    session: sessionOf(headers, bytes, scan),
  };
}

/** A name that goes into records, headers, maps and statistics. Throws Failure. */
export function checkedModel(model: string | null): string | null {
  if (model === null) return null;
  if (model.length > maxModelLength) throw noModel(model, `a name has at most ${maxModelLength} characters`);
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(model)) throw noModel(model, "a name holds no control characters");
  return model;
}

function noModel(name: string, why: string): Failure {
  return new Failure("unknown-model", `The model "${shortened(name, 120)}" does not exist here: ${why}.`, {
    param: "model",
    code: "model_not_found",
  });
}

/** A character takes at most six bytes: a longer value is refused without being read. */
function modelIn(bytes: Buffer, member: JsonMember | undefined): string | null {
  if (member?.kind === "string" && member.end - member.start > maxModelLength * 6 + 2)
    checkedModel(bytes.toString("utf8", member.start + 1, member.start + 2 + maxModelLength * 4));
  return textOf(bytes, member, "model");
}

/**
 * Null where the body says it. Throws Failure when a stream is requested in the form that only Google's own servers support.
 */
export function callInPath(endpoint: Endpoint, url: string, pathName: string): PathCall | null {
  if (endpoint.stream === undefined) return null;
  const query = new URLSearchParams(url.split("?")[1] ?? "");
  if (endpoint.stream && query.get("alt") !== "sse")
    throw new Failure(
      "unsupported",
      "streamGenerateContent needs the query parameter alt=sse: streams are sent only as server-sent events.",
      { param: "alt" },
    );
  // Some clients send the full resource name.
  return { model: pathName.replace(/^models\//, ""), stream: endpoint.stream };
}

/** Throws on a duplicate key: it is unknown which one an upstream would use. */
function memberOf(scan: JsonScan, key: string): JsonMember | undefined {
  let found: JsonMember | undefined;
  for (const member of scan.members) {
    if (member.key !== key) continue;
    if (found !== undefined)
      throw new Failure("invalid-request", `Duplicate member \`${key}\`.`, { param: key });
    found = member;
  }
  return found;
}

function textOf(bytes: Buffer, member: JsonMember | undefined, key: string): string | null {
  if (member === undefined || member.kind === "null") return null;
  if (member.kind !== "string")
    throw new Failure("invalid-request", `${key} must be a string.`, { param: key });
  try {
    return readString(bytes, member.start, member.end);
  } catch {
    throw new Failure("invalid-request", `${key} is not a valid JSON string.`, { param: key });
  }
}

/** Null: the body does not say. */
function booleanOf(bytes: Buffer, member: JsonMember | undefined): boolean | null {
  if (member === undefined || member.kind === "null") return null;
  if (member.kind !== "boolean")
    throw new Failure("invalid-request", "stream must be true or false.", { param: "stream" });
  return bytes[member.start] === 0x74;
}

const maxSessionLength = 200;
/** Claude Code sends 150 characters. */
const maxMetadataBytes = 4_096;

// The only per-conversation keys that clients really send, most specific first.
const sessionHeaders = [
  "x-claude-code-session-id",
  "x-clawrouter-session-id",
  "session-id",
  "session_id",
  "x-session-id",
  "x-session-affinity",
  "thread-id",
];

/** The conversation id from the client's headers; null when there is none. */
export function sessionHeader(headers: Headers): string | null {
  for (const name of sessionHeaders) {
    const value = headers.get(name);
    if (value !== null && value !== "") return cut(value, maxSessionLength);
  }
  return null;
}

function sessionOf(headers: Headers, bytes: Buffer, scan: JsonScan): string | null {
  const named = sessionHeader(headers);
  if (named !== null) return named;
  const key = memberNamed(scan, "prompt_cache_key");
  if (key?.kind === "string") {
    const text = textOf(bytes, key, "prompt_cache_key");
    return text === null ? null : cut(text, maxSessionLength);
  }
  const metadata = memberNamed(scan, "metadata");
  if (metadata?.kind !== "object" || metadata.end - metadata.start > maxMetadataBytes) return null;
  const value = parseLoosely(bytes.toString("utf8", metadata.start, metadata.end));
  const user = isRecord(value) ? value["user_id"] : null;
  return typeof user === "string" && user !== "" ? cut(user, maxSessionLength) : null;
}

/** The whole body, parsed. The scan has already limited its depth. Throws Failure. */
export function parseBody(envelope: Envelope): unknown {
  try {
    return JSON.parse(envelope.bytes.toString("utf8")) as unknown;
  } catch {
    throw new Failure("invalid-request", "The body is not valid JSON.");
  }
}
