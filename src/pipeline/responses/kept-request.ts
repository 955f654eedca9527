// What a Responses request asks of the store of answers: to keep its own, and to be put together with an earlier one. The history
// is written into the body itself, so that every target gets it whole.

import { Failure } from "../../canon/failure.ts";
import { keptIdOf, keptIdPrefix, type KeptAnswer, type KeptAnswers } from "../../canon/kept-answer.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { noSuchPrevious } from "../../dialects/openai-responses/kept-answers.ts";
import {
  itemPlace,
  itemsIn,
  itemsTextOf,
  joinedInput,
  referenceWord,
  withoutReferences,
} from "../../dialects/openai-responses/kept-items.ts";
import {
  type JsonEdit,
  type JsonMember,
  memberNamed,
  readString,
  scanObject,
  spliceObject,
} from "../../wire/json.ts";
import { type Envelope, maxJsonDepth } from "../body/envelope.ts";
import type { RunningAnswers } from "./running-answers.ts";
import type { VendorIds } from "./vendor-ids.ts";

export type KeepingContext = {
  readonly answers: Pick<KeptAnswers, "mode" | "find">;
  readonly running: Pick<RunningAnswers, "find">;
  readonly vendorIds: Pick<VendorIds, "mayContinue">;
  /** The gateway has no other callers than this tenant. */
  readonly isAlone: boolean;
  readonly tenant: string | null;
  readonly requestId: string;
  /** Of a whole body. */
  readonly limitBytes: number;
};

/** What the rest of the pipeline must know of it. */
export type Keeping = {
  readonly id: string;
  /** The answer is to be kept. */
  readonly isKept: boolean;
  readonly isBackground: boolean;
  /** What came before this request's own items. */
  readonly history: KeptAnswer["history"];
  /** This request's own items, as JSON text; empty where the answer is not kept. */
  readonly items: string;
  /** In which the answer repeats the request. */
  readonly members: Readonly<Record<string, unknown>>;
};

export type KeptRequest = { readonly envelope: Envelope; readonly keeping: Keeping };

/** Null: it asks nothing of the store, or the store is off. Throws Failure. */
export function readKeptRequest(read: Envelope, context: KeepingContext): KeptRequest | null {
  if (!asksOfStore(read)) return null;
  const asked = membersOf(read);
  const { store, previous: previousId, background } = asked;
  const isOurs = previousId?.startsWith(keptIdPrefix) === true;
  // What a vendor keeps is somebody's, whether or not answers are kept here.
  if (previousId !== null && !isOurs) checkVendorsId(previousId, context);
  if (asked.conversation !== null && !context.isAlone) throw noSuchConversation(asked.conversation);
  if (context.answers.mode === "off") {
    if (isOurs) throw storeIsOff();
    return null;
  }
  if (background) checkBackground(asked);
  const previous = isOurs && previousId !== null ? findPrevious(previousId, context) : null;
  const history = previous === null ? [] : [...previous.history, previous.output];
  const edits: JsonEdit[] = background ? [{ key: "background", json: "false" }] : [];
  const items = ownItems(read, asked, context);
  if (previous !== null && items !== null)
    edits.push(
      { key: "previous_response_id", json: "null" },
      { key: "input", json: inputOf([...history.map(({ text }) => text), items], context.limitBytes) },
    );
  else if (items !== null && asked.hasReferences && items !== writtenItems(read, asked))
    edits.push({ key: "input", json: inputOf([items], context.limitBytes) });
  return {
    envelope: edits.length === 0 ? read : withEdits(read, edits),
    keeping: {
      id: keptIdOf(context.requestId),
      isKept: store,
      isBackground: background,
      history,
      items: store ? (items ?? "") : "",
      members: {
        store,
        background,
        ...(previousId === null ? {} : { previous_response_id: previousId }),
        ...asked.repeated,
      },
    },
  };
}

/** Most requests say `store: false`, or nothing: they cost one look at the names of their members. */
function asksOfStore({ scan, bytes }: Envelope): boolean {
  if (bytes.includes(referenceWord)) return true;
  for (const { key, kind, start } of scan.members) {
    if (key === "store" || key === "background") {
      if (kind === "boolean" && bytes[start] === 0x74) return true;
    } else if (key === "previous_response_id" && kind === "string") return true;
    else if (key === "conversation" && (kind === "string" || kind === "object")) return true;
  }
  return false;
}

type AskedMembers = {
  readonly store: boolean;
  readonly background: boolean;
  readonly previous: string | null;
  /** Of the vendor's; the gateway makes none. */
  readonly conversation: string | null;
  readonly input: JsonMember | null;
  readonly hasReferences: boolean;
  readonly repeated: Readonly<Record<string, unknown>>;
};

/** Values of a wrong kind are left to the format's own checks. */
function membersOf({ scan, bytes }: Envelope): AskedMembers {
  const found = new Map<string, JsonMember>();
  for (const member of scan.members) {
    if (!watched.has(member.key)) continue;
    if (found.has(member.key))
      throw new Failure("invalid-request", `Duplicate member \`${member.key}\`.`, { param: member.key });
    found.set(member.key, member);
  }
  const isTrue = (key: string): boolean => {
    const member = found.get(key);
    return member?.kind === "boolean" && bytes[member.start] === 0x74;
  };
  const previous = found.get("previous_response_id");
  const input = found.get("input") ?? null;
  const store = isTrue("store");
  const repeated: Record<string, unknown> = {};
  if (store)
    for (const key of ["metadata", "instructions"]) {
      const member = found.get(key);
      if (member?.kind === "object" || member?.kind === "string")
        repeated[key] = parseLoosely(bytes.toString("utf8", member.start, member.end));
    }
  return {
    store,
    background: isTrue("background"),
    previous: previous?.kind === "string" ? idIn(bytes, previous) : null,
    conversation: conversationIn(bytes, found.get("conversation")),
    input,
    hasReferences: bytes.includes(referenceWord),
    repeated,
  };
}

/** Null: it names none, or the format's own checks refuse it. */
function conversationIn(bytes: Buffer, member: JsonMember | undefined): string | null {
  if (member?.kind !== "string" && member?.kind !== "object") return null;
  const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
  const id = isRecord(value) ? value["id"] : value;
  // Whatever a vendor takes for an id is one: of two members of a name it may read the other.
  return typeof id === "string" ? id : "";
}

/**
 * For a Responses body at the chat endpoint, whose answers are chunks of a chat: nothing is kept of them, and what a vendor keeps is
 * continued at the Responses endpoint. Throws Failure.
 */
export function refuseKeptStateOnChat({ scan, bytes }: Envelope): void {
  const previous = memberNamed(scan, "previous_response_id");
  if (previous?.kind === "string") throw noSuchPrevious(idIn(bytes, previous));
  const conversation = conversationIn(bytes, memberNamed(scan, "conversation"));
  if (conversation !== null) throw noSuchConversation(conversation);
}

const noSuchConversation = (id: string): Failure =>
  new Failure("not-found", `Conversation with id '${id.slice(0, 120)}' not found.`, {
    param: "conversation",
    code: "conversation_not_found",
  });

/** Throws Failure: the scan checks no escapes. */
function idIn(bytes: Buffer, { start, end }: JsonMember): string {
  try {
    return readString(bytes, start, end);
  } catch {
    throw new Failure("invalid-request", "previous_response_id is not a valid JSON string.", {
      param: "previous_response_id",
    });
  }
}

const watched: ReadonlySet<string> = new Set([
  "store",
  "background",
  "previous_response_id",
  "conversation",
  "input",
  "metadata",
  "instructions",
]);

function checkBackground({ store }: AskedMembers): void {
  if (!store)
    throw new Failure(
      "invalid-request",
      "background needs store: true: an answer that is not kept could not be asked for later.",
      { param: "background" },
    );
}

/** A stream could not be resumed. */
export function refuseBackgroundStream(): Failure {
  return new Failure(
    "unsupported",
    "background with stream is not possible here: send one of them, and ask for a background answer with GET /v1/responses/{id}.",
    { param: "stream" },
  );
}

const storeIsOff = (): Failure =>
  new Failure(
    "unsupported",
    "previous_response_id: nothing is stored here (responses_store.mode is off); send the whole history in input.",
    { param: "previous_response_id" },
  );

function findPrevious(id: string, { answers, tenant, running }: KeepingContext): KeptAnswer {
  const found = answers.find(id, tenant);
  if (found === null && running.find(id, tenant) === null) throw noSuchPrevious(id);
  if (found === null || !["completed", "incomplete"].includes(found.status))
    throw new Failure(
      "invalid-request",
      `previous_response_id: this response is ${found?.status ?? "in_progress"}; only a finished one can be continued.`,
      { param: "previous_response_id" },
    );
  return found;
}

/** A vendor knows one account, whoever of the gateway's tenants asks. */
function checkVendorsId(id: string, { vendorIds, tenant, isAlone }: KeepingContext): void {
  if (!vendorIds.mayContinue(id, tenant, isAlone)) throw noSuchPrevious(id);
}

/** Null: the request has no input that could be read. */
function writtenItems({ bytes }: Envelope, { input }: AskedMembers): string | null {
  return input === null ? "" : itemsTextOf(bytes.toString("utf8", input.start, input.end));
}

/** The same, with what it refers to. */
function ownItems(
  read: Envelope,
  asked: AskedMembers,
  { answers, tenant, limitBytes }: KeepingContext,
): string | null {
  const text = writtenItems(read, asked);
  if (text === null || !asked.hasReferences) return text;
  // A short reference may stand for a long item, thousands of times in one request.
  const outputs = new Map<string, ReturnType<typeof itemsIn>>();
  let room = limitBytes;
  return withoutReferences(text, (id) => {
    const place = itemPlace(id);
    if (place === null) return null;
    let items = outputs.get(place.requestId);
    if (items === undefined) {
      const answer = answers.find(keptIdOf(place.requestId), tenant);
      items = answer === null ? [] : itemsIn(answer.output.text);
      outputs.set(place.requestId, items);
    }
    const item = items[place.index];
    if (!isRecord(item) || item["id"] !== id) return null;
    room -= JSON.stringify(item).length;
    if (room < 0) throw tooLong(limitBytes);
    return item;
  });
}

const tooLong = (limitBytes: number): Failure =>
  new Failure(
    "too-large",
    `The conversation behind previous_response_id and this input together are larger than the limit of ${limitBytes} bytes (server.body_limit_mb).`,
    { param: "previous_response_id" },
  );

function inputOf(texts: readonly string[], limitBytes: number): string {
  const json = joinedInput(texts);
  if (Buffer.byteLength(json) > limitBytes) throw tooLong(limitBytes);
  return json;
}

function withEdits(read: Envelope, edits: readonly JsonEdit[]): Envelope {
  const bytes = Buffer.from(spliceObject(read.bytes, read.scan, edits));
  return { ...read, bytes, scan: scanObject(bytes, maxJsonDepth) };
}
