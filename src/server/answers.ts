// Responses that the server creates itself: JSON of the operator's routes, and every refusal in the caller's dialect.
// A refusal must never show more than the Failure's own message.

import { Failure, failureFrom } from "../canon/failure.ts";
import { type Endpoint, endpoints, nativePath } from "../pipeline/endpoints.ts";
import type { ServerPort, RefusedRequest } from "./server-port.ts";
import { splitUrl } from "./paths.ts";

type Dialect = Endpoint["dialect"];

/** Below /v1 several formats share paths, and other parts of the request decide; elsewhere each endpoint has its own path. */
export function ownPathsOf(rows: readonly Endpoint[]): ReadonlyMap<string, Dialect> {
  return new Map(rows.flatMap(({ path, dialect }) => (path.startsWith("/v1") ? [] : [[path, dialect]])));
}
const ownPaths = ownPathsOf(endpoints);

/** The dialect whose errors the caller understands, determined before any route is known. */
export function dialectOf(written: string, headers: Headers, own = ownPaths): Dialect {
  const path = written.startsWith(nativePath) ? written.slice(nativePath.length) : written;
  const alone = own.size === 0 ? undefined : own.get(path);
  if (alone !== undefined) return alone;
  if (isGoogle(path, headers)) return "google-genai";
  const isMessages = path.startsWith("/v1/messages") && (path.length === 12 || path.charCodeAt(12) === 0x2f);
  return isMessages || headers.has("anthropic-version") ? "anthropic-messages" : "openai-chat";
}

/** Google's v1 shares `/v1/models` with the others: there the verb decides, or the headers that Google's packages send. */
function isGoogle(path: string, headers: Headers): boolean {
  if (path.startsWith("/v1beta/")) return true;
  if (!path.startsWith("/v1/models")) return false;
  return googleVerb.test(path) || isFromGoogleClient(headers);
}

const isFromGoogleClient = (headers: Headers): boolean =>
  headers.has("x-goog-api-key") || headers.has("x-goog-api-client");

const googleVerb = /:(?:generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$/;

// Ids contain colons too (`llama3:latest`), but only Google's clients POST to a model. Vertex and uploads have paths of their own.
const googlePlaces =
  /^\/(?:(?:upload|download)\/)?v1(?:alpha|beta)\d*(?:\/|$)|^\/(?:upload|download)\/v1\/|^\/v1\/(?:projects|tunedModels|cachedContents|corpora)(?:\/|$)/;
const anthropicPlaces = /^\/v1\/(?:complete|messages|organizations|skills)(?:\/|$)/;

/** The same for a path that no route has. */
export function dialectOfUnknown(method: string, path: string, headers: Headers): Dialect {
  if (googlePlaces.test(path)) return "google-genai";
  if (method === "POST" && /^\/v1\/models\/.*:[a-zA-Z]+$/.test(path)) return "google-genai";
  if (anthropicPlaces.test(path)) return "anthropic-messages";
  if (headers.has("x-goog-api-client") && path.startsWith("/v1/")) return "google-genai";
  return dialectOf(path, headers);
}

/** JSON for the operator: a cache must never store it, a browser must never sniff its type. */
export function operatorJson(value: unknown, status = 200): Response {
  return Response.json(value, {
    status,
    headers: {
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      // Opened in a browser, it may neither load nor be framed by anything.
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    },
  });
}

/** `vary`, because the Accept header decides the format. */
export function metricsPage({ contentType, text }: { contentType: string; text: string }): Response {
  return new Response(text, {
    headers: {
      "content-type": contentType,
      "cache-control": "no-store",
      vary: "accept",
      "x-content-type-options": "nosniff",
    },
  });
}

export type Refusal = {
  readonly dialect: Dialect;
  readonly requestId: string;
  readonly from: { readonly method: string; readonly url: string; peer(): string | null };
  /** A status that no kind of Failure has (405). */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Turns any thrown value into a response. A bug in the gateway is logged with the request id. */
export function refuse(gateway: ServerPort, thrown: unknown, asked: Refusal): Response {
  const [failure, refusal] = inDialectWords(failureFrom(thrown), asked);
  if (failure.kind === "internal")
    gateway.log.error("a request met an internal error", {
      requestId: refusal.requestId,
      error: failure.cause ?? failure,
    });
  else {
    const { requestId, from } = refusal;
    const seen = (): RefusedRequest => ({
      requestId,
      method: from.method,
      path: splitUrl(from.url)[0],
      peer: from.peer(),
    });
    gateway.onRefused(seen, failure, refusal.status ?? failure.status);
  }
  const headers = new Headers({ ...refusal.headers, "cache-control": "no-store" });
  const waitMs = failure.clientWaitMs;
  if (waitMs !== null) headers.set("retry-after", String(Math.max(1, Math.ceil(waitMs / 1000))));
  if (failure.kind === "unauthorized") {
    headers.set("www-authenticate", "Bearer");
    // The SDKs of OpenAI and Anthropic obey it: a retry with the same key cannot succeed.
    headers.set("x-should-retry", "false");
  }
  return Response.json(gateway.encodeFailure(refusal.dialect, failure, refusal.requestId), {
    status: refusal.status ?? failure.status,
    headers,
  });
}

/** Google's API has no 405, and its errors repeat their status: an unsupported verb is 404 there. */
function inDialectWords(failure: Failure, refusal: Refusal): readonly [Failure, Refusal] {
  if (refusal.dialect !== "google-genai" || refusal.status !== 405) return [failure, refusal];
  const { requestId, dialect, from } = refusal;
  return [
    notFound(
      "This method is not supported here. Models have generateContent, streamGenerateContent, countTokens, embedContent and batchEmbedContents.",
    ),
    { requestId, dialect, from },
  ];
}

export function notFound(what: string): Failure {
  return new Failure("not-found", what);
}
