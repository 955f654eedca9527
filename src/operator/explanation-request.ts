// POST /api/route: reads the body of a request in any format within its limits, and hands it to the explanation.

import { isUtf8 } from "node:buffer";
import { Failure } from "../canon/failure.ts";
import { maxJsonDepth } from "../pipeline/envelope.ts";
import { readBody, Upload } from "../pipeline/upload.ts";
import { BrokenJson, scanObject } from "../wire/json.ts";
import type { Services } from "../pipeline/dependencies.ts";
import type { ActiveConfig } from "./active-config.ts";
import { type ExplanationServices, explainRoute, type RouteExplanation } from "./route-explanation.ts";

export type ExplanationRequest = {
  readonly request: Request;
  /** chat, messages, responses or gemini; null: detected from the body. */
  readonly endpointName: string | null;
  readonly tenant: string | null;
};

/** Throws Failure. */
export async function explainRequest(
  active: ActiveConfig,
  services: ExplanationServices & Pick<Services, "ticker" | "bodies">,
  { request, endpointName, tenant }: ExplanationRequest,
): Promise<RouteExplanation> {
  const body = parse(await bytesOf(request, active, services));
  const headers = new Headers(request.headers);
  // The operator's own credential is no part of the question.
  headers.delete("authorization");
  headers.delete("x-api-key");
  headers.delete("x-goog-api-key");
  headers.delete("x-clawgate-key");
  return explainRoute(active, services, { body, endpointName, headers, tenant });
}

async function bytesOf(
  request: Request,
  { pipeline }: ActiveConfig,
  { ticker, bodies }: Pick<Services, "ticker" | "bodies">,
): Promise<Buffer> {
  const upload = new Upload(request, bodies.operator, pipeline.uploads, ticker.monotonicMs());
  try {
    return await readBody(upload, ticker, pipeline.requestTimeoutMs);
  } finally {
    upload.release();
  }
}

function parse(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new Failure("invalid-request", "The body is not valid UTF-8.");
  try {
    // Parsing has no depth limit of its own; the scan has.
    scanObject(bytes, maxJsonDepth);
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch (thrown) {
    const why = thrown instanceof BrokenJson ? `: ${thrown.message}` : "";
    throw new Failure("invalid-request", `The body is not usable JSON${why}.`);
  }
}
