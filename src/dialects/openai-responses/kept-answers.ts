// The Responses format where the gateway keeps answers itself: what it need not refuse then, and the Response objects that are
// kept. It must never treat an id of a vendor as one of the gateway's.

import { Failure, failureFrom } from "../../canon/failure.ts";
import type { AnswerStatus } from "../../canon/kept-answer.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { AnswerFacts, ClientHalf } from "../dialect.ts";
import { openaiResponses } from "./dialect.ts";
import { responseObject } from "./encode-answer.ts";
import { extrasOf, name, type Wire } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { encodeFailure } from "./failure.ts";
import { referenceIn } from "./refuse-translation.ts";

/** OpenAI answers 400; a name that does not exist is 404 at this gateway. */
export const unknownPrevious = "previous_response_not_found";

export const noSuchPrevious = (id: string): Failure =>
  new Failure("not-found", `Previous response with id '${id.slice(0, 120)}' not found.`, {
    param: "previous_response_id",
    code: unknownPrevious,
  });

/** In OpenAI's words, which clients know. */
const noSuchItem = (id: string): Failure =>
  new Failure(
    "not-found",
    `Item with id '${id.slice(0, 120)}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
    { param: "input" },
  );

const namelessItem = (): Failure =>
  new Failure("invalid-request", "input: an item of type item_reference needs the id of an item.", {
    param: "input",
  });

/** For a request that names a kept answer or item, or asks for one. */
export const keepingResponses: ClientHalf = {
  ...openaiResponses.client,
  refuseTranslation(request: ChatRequest): Failure | null {
    const { store: _store, background: _background, ...rest } = extrasOf(request.extras);
    const { previous_response_id: previous } = rest;
    if (typeof previous === "string") return noSuchPrevious(previous);
    const reference = referenceIn(request);
    if (reference !== null) return reference === "" ? namelessItem() : noSuchItem(reference);
    return openaiResponses.client.refuseTranslation({
      ...request,
      extras: { ...request.extras, [name]: rest },
    });
  },
};

/** At a vendor of the format that keeps no answers. `isKeptHere`: the gateway does. */
export function refuseKeeping(request: ChatRequest, isKeptHere: boolean): Failure | null {
  const { store, previous_response_id: previous, conversation } = extrasOf(request.extras);
  if (isKeptHere && typeof previous === "string") return noSuchPrevious(previous);
  return requestMembers.refusalOf({
    conversation,
    ...(isKeptHere ? {} : { store, previous_response_id: previous }),
  });
}

/** A Response before its first event. */
export function pendingResponse(model: string, status: "queued" | "in_progress", facts: AnswerFacts): Wire {
  return { ...responseObject({ id: "", model }, facts), status };
}

/** What is known of an answer from the bytes that its client got, piece by piece. */
export class ResponseReading {
  private begun: Wire | null = null;
  private ended: Wire | null = null;
  private error: Wire | null = null;
  private readonly items: Wire[] = [];

  /** The data of one event. */
  event(data: string): void {
    if (!marks.some((mark) => data.includes(mark))) return;
    const event = parseLoosely(data);
    if (!isRecord(event)) return;
    const { type, response, item } = event;
    if (type === "response.created" && isRecord(response)) this.begun = response;
    else if (type === "response.output_item.done" && isRecord(item)) this.items.push(item);
    else if (type === "response.failed" && isRecord(response)) this.error = errorIn(response);
    else if ((type === "response.completed" || type === "response.incomplete") && isRecord(response))
      this.ended = response;
  }

  /** A whole answer; also one that is an error. */
  whole(body: unknown): void {
    if (!isRecord(body)) return;
    if (body.object === "response" || Array.isArray(body.output)) this.ended = body;
    else this.error = errorIn(body);
  }

  /** The answer so far. Null: none has begun. */
  get soFar(): Wire | null {
    return this.ended ?? (this.begun === null ? null : { ...this.begun, output: this.items });
  }

  /** The answer when nothing more comes. `failure`: why it ended early; null: it did not. */
  last(failure: Failure | null): { readonly response: Wire; readonly status: AnswerStatus } | null {
    const { ended } = this;
    if (ended !== null && failure === null) return { response: ended, status: statusOf(ended.status) };
    const { soFar } = this;
    if (soFar === null) return null;
    return { response: brokenResponse(soFar, failure, this.error), status: brokenStatus(failure) };
  }

  /** For an answer that must be there although none began. */
  broken(base: Wire, failure: Failure | null): { readonly response: Wire; readonly status: AnswerStatus } {
    return (
      this.last(failure) ?? {
        response: brokenResponse(base, failure, this.error),
        status: brokenStatus(failure),
      }
    );
  }
}

const marks = [
  '"response.created"',
  '"response.output_item.done"',
  '"response.completed"',
  '"response.incomplete"',
  '"response.failed"',
];

const statusOf = (status: unknown): AnswerStatus =>
  status === "incomplete" || status === "failed" || status === "cancelled" ? status : "completed";

const brokenStatus = (failure: Failure | null): "cancelled" | "failed" =>
  failure === null || failure.kind === "cancelled" ? "cancelled" : "failed";

function brokenResponse(base: Wire, failure: Failure | null, error: Wire | null): Wire {
  const status = brokenStatus(failure);
  if (status === "cancelled") return { ...base, status, error: null };
  const told = error ?? errorIn({ ...encodeFailure(failureFrom(failure)) });
  return { ...base, status, error: told };
}

/** `{code, message}` of an error answer or a failed Response. */
function errorIn(body: Wire): Wire | null {
  const { error } = body;
  if (!isRecord(error)) return null;
  return { code: error.code ?? error.type ?? "server_error", message: error.message ?? "" };
}
