// What a request may ask of the store of answers, from the services.

import type { PipelineSnapshot, Services } from "../dependencies.ts";
import type { Endpoint, EndpointName } from "../endpoints.ts";
import type { KeepingContext } from "./kept-request.ts";

const endpoints: ReadonlySet<EndpointName> = new Set(["responses", "compact", "responses-count-tokens"]);

export type KeepingServices = Pick<Services, "keptAnswers" | "runningAnswers" | "vendorIds">;

/** Null: requests of this endpoint ask nothing of it. */
export function keepingContext(
  { name }: Endpoint,
  { keptAnswers, runningAnswers, vendorIds }: KeepingServices,
  { uploads, hasOneCaller }: Pick<PipelineSnapshot, "uploads" | "hasOneCaller">,
  caller: Pick<KeepingContext, "requestId" | "tenant">,
): KeepingContext | null {
  if (!endpoints.has(name)) return null;
  const { limitBytes } = uploads;
  const { requestId, tenant } = caller;
  const isAlone = hasOneCaller;
  return { answers: keptAnswers, running: runningAnswers, vendorIds, isAlone, limitBytes, requestId, tenant };
}
