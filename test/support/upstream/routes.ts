// The fake vendor's answer to each path when no code scripts it: the correct answer, controlled by the prompt.

import { anthropicBody, anthropicError, anthropicFrames, anthropicThreadError } from "./anthropic.ts";
import type { Scripted } from "./deliver.ts";
import { answered, faulty } from "./faults.ts";
import { listOf, parsed, recordOf } from "./json.ts";
import type { Json } from "./json.ts";
import type { Frame } from "./frame.ts";
import { googleBody, googleError, googleFrames } from "./google.ts";
import { openaiBody, openaiError, openaiFrames } from "./openai.ts";
import { planAnswer } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { responsesBody, responsesFrames } from "./responses.ts";
import type { HttpRequest } from "./socket.ts";
import { breachOfAnthropic } from "./strict-anthropic.ts";
import { breachOfGoogle } from "./strict-google.ts";
import { breachOfOpenai } from "./strict-openai.ts";
import { breachOfResponses } from "./strict-responses.ts";
import { readGoogleTurn, googleCallOf } from "./turn-google.ts";
import type { GoogleCall } from "./turn-google.ts";
import { readResponsesTurn } from "./turn-responses.ts";
import { readTurn } from "./turn.ts";
import type { Format, Turn } from "./turn.ts";

export type Rules = {
  /** Answers 400 to a body that breaks the vendor's own rules. */
  readonly isStrict: boolean;
  /** Accepted keys; null accepts all. */
  readonly keys: readonly string[] | null;
  /** The names in the model list. Other names are served too, except those that start with "missing" or "unknown". */
  readonly models: readonly string[];
  /** A new number on every call, for ids. */
  readonly nextNumber: () => number;
};

export type Answer = { readonly scripted: Scripted; readonly breach: string | null };

const isMissing = (model: string): boolean => /^(missing|unknown)/.test(model.split("/").at(-1) ?? "");

export function keyOf(headers: Readonly<Record<string, string>>): string {
  return (
    headers["x-api-key"] ??
    headers["x-goog-api-key"] ??
    (headers.authorization ?? "").replace(/^Bearer\s+/i, "")
  );
}

/** Everything that differs between the formats for the same answer. */
type Speech = {
  readonly error: (status: number, message?: string, code?: string) => Json;
  /** The member that contains the conversation. */
  readonly turns: string;
  breach(body: Json, headers: Readonly<Record<string, string>>): string | null;
  frames(plan: Plan, turn: Turn, id: string): Frame[];
  body(plan: Plan, turn: Turn, id: string): Json;
  readonly requestId: string;
};

const speeches: Readonly<Record<Format, Speech>> = {
  openai: {
    error: openaiError,
    turns: "messages",
    breach: breachOfOpenai,
    frames: openaiFrames,
    body: openaiBody,
    requestId: "x-request-id",
  },
  responses: {
    error: openaiError,
    turns: "input",
    breach: breachOfResponses,
    frames: responsesFrames,
    body: responsesBody,
    requestId: "x-request-id",
  },
  anthropic: {
    error: anthropicError,
    turns: "messages",
    breach: breachOfAnthropic,
    frames: anthropicFrames,
    body: anthropicBody,
    requestId: "request-id",
  },
  google: {
    error: googleError,
    turns: "contents",
    breach: breachOfGoogle,
    frames: googleFrames,
    body: googleBody,
    requestId: "x-request-id",
  },
};

function turnOf(format: Format, body: Json, bodyBytes: number, call: GoogleCall | null): Turn {
  if (format === "responses") return readResponsesTurn(body, bodyBytes);
  if (format === "google") return readGoogleTurn(call ?? { model: "", method: "" }, body, bodyBytes);
  return readTurn(format, body, bodyBytes);
}

function chat(
  format: Format,
  request: HttpRequest,
  body: Json,
  rules: Rules,
  call: GoogleCall | null = null,
): Answer {
  const { error, ...speech } = speeches[format];
  const refuse = (status: number, message: string): Answer => ({
    scripted: { status, body: error(status, message) },
    breach: message,
  });
  if (format === "anthropic" && body.thread !== undefined)
    return { scripted: { status: 400, body: anthropicThreadError() }, breach: null };
  if (rules.isStrict) {
    const breach = speech.breach(body, request.headers);
    if (breach !== null) return refuse(400, breach);
  } else if (typeof body[speech.turns] !== "string" && listOf(body[speech.turns]).length === 0)
    return refuse(400, `${speech.turns}: at least one message is required`);
  const turn = turnOf(format, body, request.body.length, call);
  if (isMissing(turn.model)) return { scripted: { status: 404, body: error(404) }, breach: null };
  const number = String(rules.nextNumber());
  const plan = planAnswer(
    turn,
    () => `${format === "anthropic" ? "toolu" : "call"}_fake_${String(rules.nextNumber())}`,
  );
  const correct = {
    format,
    isStream: turn.stream,
    frames: speech.frames(plan, turn, number),
    body: speech.body(plan, turn, number),
    error,
    headers: { [speech.requestId]: `req_fake_${number}` },
    paceMs: plan.paceMs,
  };
  if (plan.mode === null) return { scripted: answered(correct), breach: null };
  const scripted = faulty(correct, plan.mode.name, plan.mode.argument);
  return scripted
    ? { scripted, breach: null }
    : refuse(400, `The fake vendor knows no mode ${plan.mode.name}.`);
}

function models(format: Format, path: string, rules: Rules): Scripted {
  const card = (id: string): Json =>
    format === "openai"
      ? { id, object: "model", created: 1_700_000_000, owned_by: "fake" }
      : { id, type: "model", display_name: id, created_at: "2026-01-01T00:00:00Z" };
  const wanted = decodeURIComponent(path.slice("/v1/models".length).replace(/^\//, ""));
  if (wanted !== "") {
    if (rules.models.includes(wanted)) return { body: card(wanted) };
    return { status: 404, body: format === "openai" ? openaiError(404) : anthropicError(404) };
  }
  const data = rules.models.map(card);
  if (format === "openai") return { body: { object: "list", data } };
  return {
    body: { data, has_more: false, first_id: rules.models[0] ?? null, last_id: rules.models.at(-1) ?? null },
  };
}

function embeddings(body: Json): Scripted {
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  const data = inputs.map((input, index) => {
    const vector = [String(input).length, index, 0.5, -0.25];
    const packed = Buffer.from(new Float32Array(vector).buffer).toString("base64");
    return { object: "embedding", index, embedding: body.encoding_format === "base64" ? packed : vector };
  });
  const tokens = Math.ceil(JSON.stringify(inputs).length / 4);
  return {
    body: { object: "list", data, model: body.model, usage: { prompt_tokens: tokens, total_tokens: tokens } },
  };
}

export function route(request: HttpRequest, rules: Rules): Answer {
  const [path = ""] = request.target.split("?");
  const plain = (scripted: Scripted): Answer => ({ scripted, breach: null });
  const isMessages = path.startsWith("/v1/messages");
  const format: Format = isMessages || request.headers["anthropic-version"] ? "anthropic" : "openai";
  const googleCall = googleCallOf(path);
  const error = googleCall ? googleError : format === "openai" ? openaiError : anthropicError;
  if (request.method === "HEAD") return plain({ status: 200, body: "" });
  if (rules.keys !== null && !rules.keys.includes(keyOf(request.headers)))
    return plain({ status: 401, body: error(401) });
  if (request.method === "GET" && path.startsWith("/v1/models")) return plain(models(format, path, rules));
  if (request.method !== "POST") return plain({ status: 404, body: error(404, `No route ${path}.`) });
  const value = parsed(request.body.toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return {
      scripted: { status: 400, body: error(400, "We could not parse the JSON body.") },
      breach: "not JSON",
    };
  const body = recordOf(value);
  if (googleCall?.method === "countTokens")
    return plain({ body: { totalTokens: Math.ceil(request.body.length / 4) } });
  if (googleCall) return chat("google", request, body, rules, googleCall);
  switch (path) {
    case "/v1/chat/completions":
      return chat("openai", request, body, rules);
    case "/v1/responses":
      return chat("responses", request, body, rules);
    case "/v1/messages":
      return chat("anthropic", request, body, rules);
    case "/v1/messages/count_tokens":
      return plain({ body: { input_tokens: Math.ceil(request.body.length / 4) } });
    case "/v1/embeddings":
      return plain(embeddings(body));
    default:
      return plain({ status: 404, body: error(404, `No route ${path}.`) });
  }
}
