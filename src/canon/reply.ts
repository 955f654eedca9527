// Folds an answer's events into a whole answer, so that streaming and non-streaming cannot drift apart.

import type { FinishReason, StreamEvent } from "./event.ts";
import { Failure } from "./failure.ts";
import type { Block, Extras } from "./request.ts";
import { mergeUsage, unknownUsage, type Usage } from "./usage.ts";

export type Reply = {
  readonly id: string;
  readonly model: string;
  readonly content: readonly Block[];
  readonly finish: FinishReason;
  readonly stopSequence: string | null;
  readonly usage: Usage;
  readonly extras?: Extras;
};

type OpenBlock = { readonly id: string; readonly name: string; readonly parts: string[] };

/** Throws the stream's own Failure, or `bad-output` if the events stop without a closing one. */
export function foldReply(events: Iterable<StreamEvent>): Reply {
  let id = "";
  let model = "";
  let usage: Usage = unknownUsage;
  const content: Block[] = [];
  const open = new Map<number, OpenBlock>();
  for (const event of events) {
    switch (event.type) {
      case "start":
        id = event.id;
        model = event.model;
        if (event.usage !== undefined) usage = mergeUsage(usage, event.usage);
        break;
      case "text-start":
      case "thinking-start":
        open.set(event.index, { id: "", name: "", parts: [] });
        break;
      case "tool-start":
        open.set(event.index, { id: event.id, name: event.name, parts: [] });
        break;
      case "text-delta":
      case "thinking-delta":
        blockAt(open, event.index).parts.push(event.text);
        break;
      case "tool-delta":
        blockAt(open, event.index).parts.push(event.input);
        break;
      case "text-end":
      case "thinking-end":
      case "tool-end":
        content.push(wholeBlock(event, blockAt(open, event.index)));
        break;
      case "opaque":
        content.push({ type: "opaque", dialect: event.dialect, value: event.value });
        break;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        break;
      case "heartbeat":
        break;
      case "failure":
        throw event.failure;
      case "finish":
        return {
          id,
          model,
          content,
          finish: event.reason,
          stopSequence: event.stopSequence ?? null,
          usage: mergeUsage(usage, event.usage),
          ...(event.extras ? { extras: event.extras } : {}),
        };
    }
  }
  throw new Failure("bad-output", "The upstream's answer stopped before its end.");
}

function blockAt(open: ReadonlyMap<number, OpenBlock>, index: number): OpenBlock {
  const block = open.get(index);
  if (block === undefined)
    throw new Failure("bad-output", "The upstream's stream continued a block that it had not started.");
  return block;
}

type BlockEnd = Extract<StreamEvent, { type: "text-end" | "thinking-end" | "tool-end" }>;

function wholeBlock(event: BlockEnd, { id, name, parts }: OpenBlock): Block {
  const text = parts.join("");
  const extras = event.extras ? { extras: event.extras } : {};
  switch (event.type) {
    case "text-end":
      return { type: "text", text, ...extras };
    case "thinking-end":
      return { type: "thinking", text, signature: event.signature, ...extras };
    case "tool-end":
      return { type: "tool-call", id, name, input: text, ...extras };
  }
}
