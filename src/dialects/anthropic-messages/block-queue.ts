// The blocks of one running answer: put in order, renumbered, never overlapping, whatever the vendor's indexes say.
// A block that opens while another is open is held back until that one ends.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { toExtras, name } from "./extras.ts";

type Members = Record<string, unknown>;
type Kind = "text" | "thinking" | "tool" | "opaque";

type QueuedBlock = {
  readonly kind: Kind;
  readonly wireIndex: number;
  /** The block as content_block_start gave it; for opaque ones, as assembled so far. */
  readonly value: Members;
  readonly citations: unknown[];
  /** Deltas that wait until this block's turn comes. */
  held: string[];
  signature: string;
  input: string;
  hasDeltas: boolean;
  isStopped: boolean;
};

export type BlockQueue = {
  start(wireIndex: number, block: Members): StreamEvent[];
  delta(wireIndex: number, delta: Members): StreamEvent[];
  stop(wireIndex: number): StreamEvent[];
  /** Ends everything that is still open, in order. */
  finish(): StreamEvent[];
  hasTool(): boolean;
};

/** Calls that code or a vendor's toolset makes cannot be said in canon; ordinary ones can. */
function kindOf(block: Members): Kind {
  switch (block["type"]) {
    case "text":
    case "thinking":
      return block["type"];
    case "tool_use": {
      const caller = block["caller"];
      const isDirect = !isRecord(caller) || caller["type"] === "direct";
      return isDirect && typeof block["toolset_name"] !== "string" ? "tool" : "opaque";
    }
    default:
      return "opaque";
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export function blockQueue(): BlockQueue {
  let queue: QueuedBlock[] = [];
  let next = 0;
  let hasTool = false;

  const begin = (block: QueuedBlock): StreamEvent[] => {
    const index = next;
    if (block.kind === "text") return [{ type: "text-start", index }];
    if (block.kind === "thinking") return [{ type: "thinking-start", index }];
    if (block.kind === "opaque") return [];
    const { id, name: toolName } = block.value;
    if (typeof toolName !== "string" || toolName === "")
      return [
        { type: "failure", failure: new Failure("bad-output", "The upstream called a tool without a name.") },
      ];
    return [{ type: "tool-start", index, id: text(id) || `toolu_${index}`, name: toolName }];
  };

  const piece = (block: QueuedBlock, value: string): StreamEvent[] => {
    const index = next;
    if (block.kind === "text") return [{ type: "text-delta", index, text: value }];
    if (block.kind === "thinking") return [{ type: "thinking-delta", index, text: value }];
    return [{ type: "tool-delta", index, input: value }];
  };

  const end = (block: QueuedBlock): StreamEvent[] => {
    const index = next++;
    switch (block.kind) {
      case "text":
        return [
          {
            type: "text-end",
            index,
            ...toExtras(block.citations.length > 0 ? { citations: block.citations } : null),
          },
        ];
      case "thinking":
        return [{ type: "thinking-end", index, signature: block.signature === "" ? null : block.signature }];
      case "tool": {
        // A whole `input` at the start counts only when no deltas spelled it.
        const { input } = block.value;
        // Some vendors write it as text.
        const json = isRecord(input) && Object.keys(input).length > 0 ? JSON.stringify(input) : text(input);
        const given: StreamEvent[] =
          block.hasDeltas || json === "" ? [] : [{ type: "tool-delta", index, input: json }];
        return [...given, { type: "tool-end", index }];
      }
      case "opaque": {
        if (block.input !== "") block.value["input"] = parseLoosely(block.input) ?? block.input;
        return [{ type: "opaque", index, dialect: name, value: block.value }];
      }
    }
  };

  /** Ends the first block if it is over, and lets those behind it speak. */
  const advance = (): StreamEvent[] => {
    const events: StreamEvent[] = [];
    for (let first = queue[0]; first?.isStopped; first = queue[0]) {
      events.push(...end(first));
      queue.shift();
      const follower = queue[0];
      if (follower === undefined) break;
      events.push(...begin(follower), ...follower.held.flatMap((each) => piece(follower, each)));
      follower.held = [];
    }
    return events;
  };

  const deltas = (block: QueuedBlock, value: string): StreamEvent[] => {
    if (value === "") return [];
    block.hasDeltas = true;
    if (block === queue[0]) return piece(block, value);
    block.held.push(value);
    return [];
  };

  const stop = (wireIndex: number): StreamEvent[] => {
    const block = queue.find((each) => each.wireIndex === wireIndex && !each.isStopped);
    if (block === undefined) return [];
    block.isStopped = true;
    return advance();
  };

  const start = (wireIndex: number, given: Members): StreamEvent[] => {
    // An index that is still open is used again: its stop was forgotten.
    const before = stop(wireIndex);
    const kind = kindOf(given);
    if (given["type"] === "tool_use") hasTool = true;
    const block: QueuedBlock = {
      kind,
      wireIndex,
      value: { ...given },
      citations: kind === "text" && Array.isArray(given["citations"]) ? [...given["citations"]] : [],
      held: [],
      signature: kind === "thinking" ? text(given["signature"]) : "",
      input: "",
      hasDeltas: false,
      isStopped: false,
    };
    queue.push(block);
    const events = [...before, ...(block === queue[0] ? begin(block) : [])];
    const whole = kind === "text" || kind === "thinking" ? text(given[kind]) : "";
    events.push(...deltas(block, whole));
    return events;
  };

  /** The open block that a delta of this kind belongs to; text and thinking open one if the vendor forgot to. */
  const blockFor = (wireIndex: number, kind: Kind): { block: QueuedBlock | null; events: StreamEvent[] } => {
    const exact = queue.find((each) => each.wireIndex === wireIndex && !each.isStopped);
    if (exact?.kind === kind || exact?.kind === "opaque") return { block: exact, events: [] };
    const lone = exact === undefined && queue.length === 1 ? queue[0] : undefined;
    if (lone?.kind === kind) return { block: lone, events: [] };
    if (kind !== "text" && kind !== "thinking") return { block: null, events: [] };
    const events = exact === undefined ? [] : stop(wireIndex);
    events.push(...start(wireIndex, { type: kind }));
    return { block: queue.at(-1) ?? null, events };
  };

  const delta = (wireIndex: number, given: Members): StreamEvent[] => {
    switch (given["type"]) {
      case "text_delta": {
        const { block, events } = blockFor(wireIndex, "text");
        if (block?.kind === "text") events.push(...deltas(block, text(given["text"])));
        return events;
      }
      case "thinking_delta": {
        const { block, events } = blockFor(wireIndex, "thinking");
        if (block?.kind === "thinking") events.push(...deltas(block, text(given["thinking"])));
        return events;
      }
      case "signature_delta": {
        const { block, events } = blockFor(wireIndex, "thinking");
        if (block !== null) block.signature = text(given["signature"]);
        return events;
      }
      case "input_json_delta": {
        const { block } = blockFor(wireIndex, "tool");
        const json = text(given["partial_json"]);
        if (block?.kind === "opaque") block.input += json;
        return block?.kind === "tool" ? deltas(block, json) : [];
      }
      case "citations_delta":
        queue
          .find((each) => each.wireIndex === wireIndex && !each.isStopped)
          ?.citations.push(given["citation"]);
        return [];
      default:
        absorb(wireIndex, given);
        return [];
    }
  };

  /** A kind of delta that we do not know, on a block that we do not know: texts grow, other members are replaced. */
  const absorb = (wireIndex: number, given: Members): void => {
    const block = queue.find((each) => each.wireIndex === wireIndex && !each.isStopped);
    if (block?.kind !== "opaque") return;
    for (const [key, value] of Object.entries(given)) {
      if (key === "type" || key === "__proto__") continue;
      const before = block.value[key];
      block.value[key] = typeof before === "string" && typeof value === "string" ? before + value : value;
    }
  };

  return {
    start,
    delta,
    stop,
    finish() {
      for (const block of queue) block.isStopped = true;
      const events = advance();
      queue = [];
      return events;
    },
    hasTool: () => hasTool,
  };
}
