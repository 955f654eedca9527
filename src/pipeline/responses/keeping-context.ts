// What a request may ask of the store of answers, from the services.

import type { PipelineSnapshot, Services } from "../dependencies.ts";
import type { KeepingContext } from "./kept-request.ts";

export function keepingContext(
  { keptAnswers, runningAnswers }: Pick<Services, "keptAnswers" | "runningAnswers">,
  { uploads }: Pick<PipelineSnapshot, "uploads">,
  requestId: string,
): Omit<KeepingContext, "tenant"> {
  return {
    answers: keptAnswers,
    isRunning: (id, tenant) => runningAnswers.find(id, tenant) !== null,
    requestId,
    limitBytes: uploads.limitBytes,
  };
}
