// What clients ask of kept answers: one of them, its items, its deletion, the end of one that is being made. Another tenant's answer
// is answered with the same words as one that does not exist.

import { Failure } from "../../canon/failure.ts";
import type { KeptAnswer } from "../../canon/kept-answer.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { itemsIn, listedItem } from "../../dialects/openai-responses/kept-items.ts";
import { pause } from "../../system/clock.ts";
import type { Services } from "../dependencies.ts";

export type KeptResponseServices = Pick<Services, "keptAnswers" | "runningAnswers" | "clock">;
type Wire = Record<string, unknown>;

/** Throws Failure, as all of these do. */
export function keptResponse(
  services: KeptResponseServices,
  id: string,
  tenant: string | null,
  query: URLSearchParams,
): Wire {
  requireStore(services);
  if (query.get("stream") === "true" || query.has("starting_after"))
    throw new Failure(
      "unsupported",
      "stream: the events of a kept response are not kept, only the response; ask for it without stream.",
      { param: "stream" },
    );
  const running = services.runningAnswers.find(id, tenant);
  return running === null ? shownAnswer(found(services, id, tenant)) : running.soFar();
}

export function deleteKeptResponse(
  { keptAnswers, runningAnswers }: KeptResponseServices,
  id: string,
  tenant: string | null,
): Wire {
  requireStore({ keptAnswers });
  if (isRunning({ keptAnswers, runningAnswers }, id, tenant))
    throw new Failure("invalid-request", `Response '${shownId(id)}' is in progress; cancel it first.`, {
      param: "response_id",
    });
  if (!keptAnswers.delete(id, tenant)) throw noSuchResponse(id);
  return { id, object: "response", deleted: true };
}

/** How long the end of a cancelled request is waited for. */
const cancelMs = 5_000;

export async function cancelKeptResponse(
  services: KeptResponseServices,
  id: string,
  tenant: string | null,
): Promise<Wire> {
  requireStore(services);
  const running = services.runningAnswers.find(id, tenant);
  if (running !== null) {
    running.cancel();
    const tooLong = Promise.withResolvers<void>();
    const stop = services.clock.setTimer(cancelMs, tooLong.resolve);
    await Promise.race([running.ended, tooLong.promise]);
    stop();
    const ended = services.keptAnswers.find(id, tenant);
    return ended === null ? { ...running.soFar(), status: "cancelled" } : shownAnswer(ended);
  }
  const answer = await cancelledElsewhere(services, found(services, id, tenant));
  if (answer.status !== "cancelled")
    throw new Failure("invalid-request", `Cannot cancel a response that is ${answer.status}.`, {
      param: "response_id",
    });
  return shownAnswer(answer);
}

const lookMs = 100;

/** The process before this one makes it, and writes down how it ended. */
async function cancelledElsewhere(
  { keptAnswers, clock }: KeptResponseServices,
  { id, tenant, ...rest }: KeptAnswer,
): Promise<KeptAnswer> {
  let answer: KeptAnswer = { id, tenant, ...rest };
  if (answer.status === "in_progress") keptAnswers.cancelElsewhere(id, tenant);
  for (let waited = 0; answer.status === "in_progress" && waited < cancelMs; waited += lookMs) {
    await pause(clock, lookMs);
    answer = keptAnswers.find(id, tenant) ?? answer;
  }
  return answer;
}

/** Here, or in the process before this one. */
const isRunning = (
  { keptAnswers, runningAnswers }: Pick<KeptResponseServices, "keptAnswers" | "runningAnswers">,
  id: string,
  tenant: string | null,
): boolean =>
  runningAnswers.find(id, tenant) !== null || keptAnswers.find(id, tenant)?.status === "in_progress";

const mostItems = 100;

/** The items that led to the answer, in OpenAI's pages. */
export function keptInputItems(
  services: KeptResponseServices,
  id: string,
  tenant: string | null,
  query: URLSearchParams,
): Wire {
  requireStore(services);
  if (isRunning(services, id, tenant))
    throw new Failure("invalid-request", `Response '${shownId(id)}' is in progress.`, {
      param: "response_id",
    });
  const { history } = found(services, id, tenant);
  const limit = wholeNumber(query.get("limit") ?? "20");
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc")
    throw new Failure("invalid-request", "order must be asc or desc.", { param: "order" });
  const all = history.flatMap(({ key, text }) =>
    itemsIn(text).map((item, at) => listedItem(item, `${key.replace(/\W/g, "_")}_${at}`)),
  );
  if (order === "desc") all.reverse();
  const after = query.get("after");
  const start = after === null ? 0 : all.findIndex((item) => item["id"] === after) + 1;
  if (after !== null && start === 0)
    throw new Failure("invalid-request", "after: this response has no item with that id.", {
      param: "after",
    });
  const data = all.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.["id"] ?? null,
    last_id: data.at(-1)?.["id"] ?? null,
    has_more: start + limit < all.length,
  };
}

function wholeNumber(written: string): number {
  const limit = /^\d{1,3}$/.test(written) ? Number(written) : 0;
  if (limit < 1 || limit > mostItems)
    throw new Failure("invalid-request", `limit must be a whole number from 1 to ${mostItems}.`, {
      param: "limit",
    });
  return limit;
}

function found({ keptAnswers }: KeptResponseServices, id: string, tenant: string | null): KeptAnswer {
  const answer = keptAnswers.find(id, tenant);
  if (answer === null) throw noSuchResponse(id);
  return answer;
}

function shownAnswer({ response, output }: KeptAnswer): Wire {
  const body = parseLoosely(response);
  return { ...(isRecord(body) ? body : {}), output: itemsIn(output.text) };
}

const shownId = (id: string): string => id.slice(0, 120);

const noSuchResponse = (id: string): Failure =>
  new Failure("not-found", `Response with id '${shownId(id)}' not found.`, {
    param: "response_id",
    code: "response_not_found",
  });

function requireStore({ keptAnswers }: Pick<KeptResponseServices, "keptAnswers">): void {
  if (keptAnswers.mode === "off")
    throw new Failure("unsupported", "Nothing is stored here (responses_store.mode is off).", {
      param: "response_id",
    });
}
