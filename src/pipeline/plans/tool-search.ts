// Tool search for vendors that have none: the model calls it like any other tool, gets what was found and is asked again, and
// the client sees one answer. It must never ask without an end.

import type { Backend, Call } from "../../backends/backend.ts";
import type { StreamEvent } from "../../canon/event.ts";
import { isDeferred } from "../../canon/loaded-tools.ts";
import { foldReply, type Reply } from "../../canon/reply.ts";
import type { Block, ChatRequest, Tool } from "../../canon/request.ts";
import { addUsage, mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { type Found, isVendorSearch, searchBlocks, searchResult } from "../../dialects/deferred-tools.ts";
import { brokenOff, isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { findTools } from "./tool-index.ts";

/** After this many searches the model must work with the tools it has. */
const maxSearches = 4;

type Batches = ReturnType<Backend["generate"]>;
type SearchKind = "regex" | "bm25";

type SearchingBackend = Pick<Backend, "generate" | "encode">;

/** A backend that runs the searches of its model; the given one where the request needs no search. */
export function searchingFor(backend: SearchingBackend, request: ChatRequest): SearchingBackend {
  if (!request.opaqueTools.some(isVendorSearch)) return backend;
  const { encode } = backend;
  return {
    generate: (asked, call) => answer(backend, asked, call),
    ...(encode === undefined
      ? {}
      : { encode: (asked, call) => encode(withSearches(asked, new Map(), call), call) }),
  };
}

/** The request as the model gets it at first. `kinds` receives the kind of each search. */
function withSearches(
  asked: ChatRequest,
  kinds: Map<string, SearchKind>,
  { note }: Pick<Call, "note">,
): ChatRequest {
  const searches = asked.opaqueTools.filter(isVendorSearch).map((tool): Tool => {
    const kind = /bm25/.test(tool.type) ? "bm25" : "regex";
    const name = isRecord(tool.value) ? String(tool.value["name"]) : tool.type;
    kinds.set(name, kind);
    return searchTool(name, kind);
  });
  note?.("tool-search-emulated");
  const opaqueTools = asked.opaqueTools.filter((tool) => !isVendorSearch(tool));
  return { ...asked, opaqueTools, tools: [...searches, ...asked.tools] };
}

async function* answer(backend: SearchingBackend, asked: ChatRequest, call: Call): Batches {
  const kinds = new Map<string, SearchKind>();
  const deferred = asked.tools.filter(isDeferred);
  let request = withSearches(asked, kinds, call);
  let spent = unknownUsage;
  let shown = 0;
  let costUsd = 0;
  for (let made = 0; ; made++) {
    const round = new Round(kinds, { shown, spent, costUsd }, made === 0);
    for await (const batch of backend.generate(request, made === 0 ? call : followUpCall(call))) {
      const events = batch.flatMap((event) => round.take(event));
      if (events.length > 0) yield events;
    }
    if (round.hasFailed) return;
    if (!round.isWhole) {
      yield [{ type: "failure", failure: brokenOff() }];
      return;
    }
    const reply = round.reply();
    const found = searchesOf(reply, kinds, deferred);
    const events = round.searchEvents(found);
    const isOver = found.length === 0 || round.hasOtherCalls || made === maxSearches;
    if (isOver) {
      yield [...events, round.finish(found.length > 0 && !round.hasOtherCalls)];
      return;
    }
    yield events;
    ({ shown, spent, costUsd } = round);
    request = withResults(request, reply, found, made + 1 === maxSearches ? kinds : null);
  }
}

/** The attempt is already reported as begun. */
const followUpCall = (call: Call): Call => ({
  requestId: call.requestId,
  model: call.model,
  credential: call.credential ?? null,
  signal: call.signal,
  abort: (reason) => call.abort(reason),
  passHeaders: call.passHeaders,
  traceHeaders: call.traceHeaders ?? null,
  onHeaders: () => undefined,
  ...(call.note === undefined ? {} : { note: call.note }),
  tenant: call.tenant,
  session: call.session,
  requestOptions: call.requestOptions,
});

type Search = { readonly id: string; readonly name: string; readonly input: string; readonly found: Found };

function searchesOf(reply: Reply, kinds: ReadonlyMap<string, SearchKind>, tools: readonly Tool[]): Search[] {
  return reply.content.flatMap((block): Search[] => {
    const kind = block.type === "tool-call" ? kinds.get(block.name) : undefined;
    if (block.type !== "tool-call" || kind === undefined) return [];
    const { id, name, input } = block;
    return [{ id, name, input, found: findTools(tools, kind, input) }];
  });
}

/** Adds the model's turn and what was found; `without`: searches that are no longer offered. */
function withResults(
  request: ChatRequest,
  reply: Reply,
  searches: readonly Search[],
  without: ReadonlyMap<string, SearchKind> | null,
): ChatRequest {
  const results: Block[] = searches.map(({ id, found }) => searchResult(id, found));
  return {
    ...request,
    messages: [
      ...request.messages,
      { role: "assistant", content: reply.content },
      { role: "user", content: results },
    ],
    tools: without === null ? request.tools : request.tools.filter(({ name }) => !without.has(name)),
    // The forced tool call is done.
    toolChoice: request.toolChoice?.type === "none" ? request.toolChoice : null,
  };
}

function searchTool(name: string, kind: SearchKind): Tool {
  const how = kind === "regex" ? "a regular expression (case does not matter)" : "plain words";
  return {
    name,
    description: `Searches for further tools that are not listed yet, by ${how} over their names, descriptions and arguments. Tools that it finds can be called afterwards.`,
    schema: {
      type: "object",
      properties: {
        query: { type: "string", description: kind === "regex" ? "The pattern." : "The words." },
      },
      required: ["query"],
    },
  };
}

/** One of the model's answers that the client sees as one. */
class Round {
  hasFailed = false;
  hasOtherCalls = false;
  private readonly events: StreamEvent[] = [];
  private readonly hidden = new Set<number>();
  private readonly indices = new Map<number, number>();
  private end: Extract<StreamEvent, { type: "finish" }> | null = null;
  private used: Usage = unknownUsage;

  shown: number;

  constructor(
    private readonly kinds: ReadonlyMap<string, SearchKind>,
    private readonly before: { readonly shown: number; readonly spent: Usage; readonly costUsd: number },
    private readonly isFirst: boolean,
  ) {
    this.shown = before.shown;
  }

  get isWhole(): boolean {
    return this.end !== null;
  }

  /** The events that the client sees, numbered within the whole answer. */
  take(event: StreamEvent): StreamEvent[] {
    this.events.push(event);
    switch (event.type) {
      case "start":
        this.used = mergeUsage(this.used, event.usage ?? unknownUsage);
        return this.isFirst ? [event] : [{ type: "usage", usage: this.spent }];
      case "usage":
        this.used = mergeUsage(this.used, event.usage);
        return [{ type: "usage", usage: this.spent }];
      case "tool-start":
        if (this.kinds.has(event.name)) {
          this.hidden.add(event.index);
          return [];
        }
        this.hasOtherCalls = true;
        return [this.numbered(event)];
      case "finish":
        this.used = mergeUsage(this.used, event.usage);
        this.end = event;
        return [];
      case "failure":
        this.hasFailed = true;
        return [event];
      case "heartbeat":
        return [event];
      default:
        return this.hidden.has(event.index) ? [] : [this.numbered(event)];
    }
  }

  private numbered<T extends StreamEvent & { readonly index: number }>(event: T): T {
    let index = this.indices.get(event.index);
    if (index === undefined) this.indices.set(event.index, (index = this.shown++));
    return { ...event, index };
  }

  /** Usage of this answer and those before it. */
  get spent(): Usage {
    return addUsage(this.before.spent, this.used);
  }

  /** The cost that the provider itself reports; 0: none reported. */
  get costUsd(): number {
    return this.before.costUsd + (this.end?.costUsd ?? 0);
  }

  reply(): Reply {
    return foldReply(this.events);
  }

  /** The searches, as the client sees them. */
  searchEvents(searches: readonly Search[]): StreamEvent[] {
    const events = searches.flatMap(({ id, name, input, found }) =>
      searchBlocks(`srvtoolu_${id.replace(/[^A-Za-z0-9]/g, "")}`, name, parseLoosely(input) ?? {}, found).map(
        (block): StreamEvent => ({ ...block, index: this.shown++ }),
      ),
    );
    return searches.length === 0 ? events : [...events, { type: "usage", usage: this.spent }];
  }

  /** `isLeftAlone`: no call is left for the client to answer. */
  finish(isLeftAlone: boolean): StreamEvent {
    const end = this.end ?? { type: "finish", reason: "stop", usage: unknownUsage };
    const reason = isLeftAlone && end.reason === "tool-calls" ? "stop" : end.reason;
    return { ...end, reason, usage: this.spent, ...(this.costUsd > 0 ? { costUsd: this.costUsd } : {}) };
  }
}
