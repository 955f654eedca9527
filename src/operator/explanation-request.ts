// POST /api/route: the body of any door, read within its limits, and handed to the explanation.

import { isUtf8 } from "node:buffer";
import { Failure } from "../canon/failure.ts";
import { maxJsonDepth } from "../pipeline/envelope.ts";
import { readBody, Upload } from "../pipeline/upload.ts";
import { BrokenJson, scanObject } from "../wire/json.ts";
import type { AppServices } from "../app/app-services.ts";
import { explainRoute, type RouteExplanation } from "./route-explanation.ts";
import type { ConfigSnapshot } from "../app/config-snapshot.ts";

/** Throws Failure. */
export async function explainRequest(
  snapshot: ConfigSnapshot,
  services: AppServices,
  request: Request,
  endpointName: string | null,
  tenant: string | null,
): Promise<RouteExplanation> {
  const body = parse(await bytesOf(request, snapshot, services));
  const headers = new Headers(request.headers);
  // The operator's own credential is no part of the question.
  headers.delete("authorization");
  headers.delete("x-api-key");
  headers.delete("x-goog-api-key");
  headers.delete("x-clawgate-key");
  return explainRoute(snapshot, services, { body, endpointName, headers, tenant });
}

async function bytesOf(
  request: Request,
  { pipeline }: ConfigSnapshot,
  services: AppServices,
): Promise<Buffer> {
  const { ticker, bodies } = services;
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
