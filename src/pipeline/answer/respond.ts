// Turns an open answer into the client's response. After the first word nothing is retried and nothing is spliced: a
// failed stream ends with its dialect's error and without a normal end.

import { Failure, failureFrom } from "../../canon/failure.ts";
import type { ClientHalf } from "../../dialects/dialect.ts";
import { adaptedHeader } from "../adaptations.ts";
import type { Opened } from "../attempts/fallback.ts";
import { otherProviders } from "../attempts/hedge.ts";
import { limitHeaders } from "../tenants/limit-headers.ts";
import type { Run } from "../run.ts";
import { shownRule } from "../run-record.ts";
import { streamBody } from "./stream-body.ts";
import { addQuotaHeaders, addRetryHeaders, verbatimRefusal } from "./upstream-answer.ts";

/** Headers of every answer that came from a target. Values are ASCII by construction. */
function answerHeaders(run: Run): Record<string, string> {
  const { winner, decision } = run;
  const target = winner?.target ?? decision?.targets[0];
  const { id } = run.context;
  const headers: Record<string, string> = {
    "x-request-id": id,
    "request-id": id,
    "x-clawgate-attempts": String(run.attemptCount),
  };
  if (target !== undefined) {
    headers["x-clawgate-provider"] = target.provider;
    headers["x-clawgate-model"] = asciiOf(target.model);
  }
  if (decision !== null) {
    headers["x-clawgate-layer"] = decision.layer;
    headers["x-clawgate-rule"] = asciiOf(shownRule(run));
  }
  const adapted = winner === null ? null : adaptedHeader(winner.adapted);
  if (adapted !== null) headers["x-clawgate-adapted"] = adapted;
  const unsupported = winner === null ? null : adaptedHeader(winner.unsupported);
  if (unsupported !== null) headers["x-clawgate-unsupported"] = asciiOf(unsupported);
  // Two providers may bill: that is always shown.
  if (run.hedged.length > 0) headers["x-clawgate-hedged"] = otherProviders(run, target?.provider);
  addQuotaHeaders(run, headers);
  addLimits(run, headers);
  if (run.overheadMs !== null) headers["x-clawgate-overhead-ms"] = run.overheadMs.toFixed(3);
  return headers;
}

function addLimits(run: Run, headers: Record<string, string>): void {
  const { context, snapshot, tenantUsage } = run;
  if (context.tenant === null) return;
  const meter = snapshot.tenants.get(context.tenant)?.meter ?? null;
  if (meter === null) return;
  Object.assign(headers, limitHeaders(run.endpoint.dialect, meter.status(), run.services.clock.nowMs()));
  const cheaper = tenantUsage?.overBudgetModel ?? null;
  if (cheaper !== null) headers["x-clawgate-over-budget"] = asciiOf(cheaper);
}

const isAscii = /^[\x20-\x7e]*$/;
const asciiOf = (text: string): string => (isAscii.test(text) ? text : text.replace(/[^\x20-\x7e]/g, "?"));

/**
 * `isLeftUnread`: much of the body is still arriving, and unless the connection closes the client would go on sending it for
 * nothing.
 */
export function failureResponse(
  run: Run,
  client: ClientHalf,
  failure: Failure,
  isLeftUnread = false,
): Response {
  const headers: Record<string, string> = { ...answerHeaders(run), "content-type": "application/json" };
  const waitMs = failure.clientWaitMs;
  if (waitMs !== null) headers["retry-after"] = String(Math.max(1, Math.ceil(waitMs / 1000)));
  // A request refused for lack of memory must not keep the memory it holds.
  if (isLeftUnread || failure.kind === "at-capacity") headers["connection"] = "close";
  const status = client.statuses?.[failure.kind] ?? failure.status;
  addRetryHeaders(run, failure, headers);
  const refusal = verbatimRefusal(run, failure, status);
  const body = refusal?.body ?? JSON.stringify(client.encodeFailure(failure, run.context.id));
  run.content?.answer(body);
  run.settle(refusal?.status ?? status, failure);
  return new Response(body, { status: refusal?.status ?? status, headers });
}

export function wholeResponse(run: Run, opened: Opened): Response {
  const [piece] = opened.pieces;
  const headers = answerHeaders(run);
  headers["content-type"] = piece?.contentType ?? "application/json";
  if (piece?.contentType !== undefined) headers["x-content-type-options"] = "nosniff";
  if (piece !== undefined) run.content?.answer(piece.bytes, piece.contentType);
  run.settle(200, null);
  return new Response((piece?.bytes ?? "") as BodyInit, { headers });
}

export async function streamResponse(
  run: Run,
  client: ClientHalf,
  opening: Promise<Opened>,
): Promise<Response> {
  const { streaming } = run.snapshot;
  let opened: Opened | null;
  try {
    opened = await withinCommit(run, opening, streaming.commit_after_s * 1000);
  } catch (thrown) {
    return failureResponse(run, client, failureFrom(thrown));
  }
  const headers = answerHeaders(run);
  headers["content-type"] = client.framing.contentType;
  headers["cache-control"] = "no-cache, no-transform";
  headers["x-accel-buffering"] = "no";
  run.live.stage = "streaming";
  return pulledResponse(streamBody(run, client, opened ?? opening), headers);
}

/** Bun pulls a generator as fast as the client reads; the DOM types of Response accept only streams. */
function pulledResponse(body: Bun.BodyInit, headers: Record<string, string>): Response {
  return new Response(body as BodyInit, { headers });
}

/** Null when the gate is still closed after `commitMs`: from then on failures go into the stream. */
function withinCommit(run: Run, opening: Promise<Opened>, commitMs: number): Promise<Opened | null> {
  if (commitMs === 0) return opening;
  return new Promise((resolve, reject) => {
    const stop = run.services.ticker.setTimer(commitMs, () => resolve(null));
    opening.then(
      (opened) => {
        stop();
        resolve(opened);
      },
      (thrown) => {
        stop();
        reject(thrown);
      },
    );
  });
}
