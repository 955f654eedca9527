// A Responses request that runs on without its client, which asks for the answer later (`background: true`).

import { failureFrom } from "../../canon/failure.ts";
import type { ClientHalf } from "../../dialects/dialect.ts";
import { failureResponse, wholeResponse } from "../answer/respond.ts";
import type { Opened } from "../attempts/fallback.ts";
import type { Run } from "../run.ts";
import type { AnswerCapture } from "./answer-capture.ts";

/** The answer at once; the one that comes goes to the store alone. */
export function answerInBackground(
  run: Run,
  client: ClientHalf,
  capture: AnswerCapture,
  opening: Promise<Opened>,
): Response {
  run.live.detach();
  capture.keepBegun();
  const { id } = run.context;
  // Both settle the request, which gives the answer to the capture.
  void opening
    .then(
      (opened) => wholeResponse(run, opened),
      (thrown: unknown) => failureResponse(run, client, failureFrom(run.context.abortReason ?? thrown)),
    )
    .catch((error: unknown) => {
      run.services.log.error("a background response could not be ended", { request: id, error });
      run.settle(500, failureFrom(error));
    });
  return Response.json(capture.pending("queued"), { headers: { "x-request-id": id, "request-id": id } });
}
