// A whole answer is the fold of its events, so that streaming and non-streaming cannot drift apart.

import { type FinishReason, isClosing, type StreamEvent } from "./event.ts";
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

type Open = { type: "text" | "thinking" | "tool"; id: string; name: string; parts: string[] };

/** Throws the stream's own Failure, or `bad-output` if the events stop without a closing one. */
export function foldReply(events: Iterable<StreamEvent>): Reply {
  let id = "";
  let model = "";
  let usage: Usage = unknownUsage;
  const content: Block[] = [];
  const open = new Map<number, Open>();
  const take = (index: number): Open => {
    const block = open.get(index);
    if (block === undefined)
      throw new Failure("bad-output", "The upstream's stream continued a block that it had not started.");
    return block;
  };
  for (const event of events) {
    switch (event.type) {
      case "start":
        id = event.id;
        model = event.model;
        if (event.usage !== undefined) usage = mergeUsage(usage, event.usage);
        break;
      case "text-start":
        open.set(event.index, { type: "text", id: "", name: "", parts: [] });
        break;
      case "thinking-start":
        open.set(event.index, { type: "thinking", id: "", name: "", parts: [] });
        break;
      case "tool-start":
        open.set(event.index, { type: "tool", id: event.id, name: event.name, parts: [] });
        break;
      case "text-delta":
      case "thinking-delta":
        take(event.index).parts.push(event.text);
        break;
      case "tool-delta":
        take(event.index).parts.push(event.input);
        break;
      case "text-end": {
        const text = take(event.index).parts.join("");
        content.push(event.extras ? { type: "text", text, extras: event.extras } : { type: "text", text });
        break;
      }
      case "thinking-end": {
        const text = take(event.index).parts.join("");
        const block = { type: "thinking", text, signature: event.signature } as const;
        content.push(event.extras ? { ...block, extras: event.extras } : block);
        break;
      }
      case "tool-end": {
        const call = take(event.index);
        const block = {
          type: "tool-call",
          id: call.id,
          name: call.name,
          input: call.parts.join(""),
        } as const;
        content.push(event.extras ? { ...block, extras: event.extras } : block);
        break;
      }
      case "opaque":
        content.push({ type: "opaque", dialect: event.dialect, value: event.value });
        break;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        break;
      case "heartbeat":
        break;
      default:
        if (!isClosing(event)) break;
        if (event.type === "failure") throw event.failure;
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
