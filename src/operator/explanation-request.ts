// POST /api/route: the body of a request, read within its limits, and handed to the explanation.

import { readBody, Upload } from "../pipeline/upload.ts";
import type { AppServices } from "../app/app-services.ts";
import { explainRoute, type RouteExplanation, type RouteQuestion } from "./route-explanation.ts";
import type { ConfigSnapshot } from "../app/config-snapshot.ts";

type ExplanationServices = Pick<AppServices, "bodies" | "clock" | "prices" | "ticker">;

/** Throws Failure. */
export async function explainRequest(
  snapshot: ConfigSnapshot,
  services: ExplanationServices,
  request: Request,
  about: Pick<RouteQuestion, "endpointName" | "tenant">,
): Promise<RouteExplanation> {
  const bytes = await bytesOf(request, snapshot, services);
  const headers = new Headers(request.headers);
  // The operator's own credential is no part of the question.
  headers.delete("authorization");
  headers.delete("x-api-key");
  headers.delete("x-goog-api-key");
  headers.delete("x-clawgate-key");
  return explainRoute(snapshot, services, { ...about, bytes, headers });
}

async function bytesOf(
  request: Request,
  { pipeline }: ConfigSnapshot,
  { ticker, bodies }: ExplanationServices,
): Promise<Buffer> {
  const upload = new Upload(request, bodies.operator, pipeline.uploads, ticker.monotonicMs());
  try {
    return await readBody(upload, ticker, pipeline.requestTimeoutMs);
  } finally {
    upload.release();
  }
}
