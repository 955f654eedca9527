// POST /api/route: reads the body of the request within its limits and passes it to the explanation.

import { readBody, Upload } from "../pipeline/body/upload.ts";
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
  const bytes = await bytesOf(request, active, services);
  const headers = new Headers(request.headers);
  // The operator's own credential is not part of the question.
  headers.delete("authorization");
  headers.delete("x-api-key");
  headers.delete("x-goog-api-key");
  headers.delete("x-clawgate-key");
  return explainRoute(active, services, { bytes, endpointName, headers, tenant });
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
