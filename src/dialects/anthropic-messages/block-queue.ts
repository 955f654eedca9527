// Orders and renumbers the blocks of one running answer, without overlap, whatever the vendor's indexes say. A block
// that opens while another is open is held back until that one ends.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { toExtras, name } from "./extras.ts";

type Members = Record<string, unknown>;
type Kind = "text" | "thinking" | "tool" | "opaque";

type QueuedBlock = {
  readonly kind: Kind;
  readonly wireIndex: number;
  /** The block from content_block_start; for opaque ones, as assembled so far. */
  readonly value: Members;
  readonly citations: unknown[];
  /** Deltas that wait until the blocks before this one have ended. */
  held: string[];
  signature: string;
  input: string;
  hasDeltas: boolean;
  isStopped: boolean;
};

/** The canonical form has only ordinary calls, none made by code or by a vendor's toolset. */
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

export class BlockQueue {
  private queue: QueuedBlock[] = [];
  /** The index of the first block in the queue. */
  private index = 0;
  hasTool = false;

  start(wireIndex: number, given: Members): StreamEvent[] {
    // The vendor reuses an index that is still open: it left out the stop.
    const before = this.stop(wireIndex);
    const kind = kindOf(given);
    if (given["type"] === "tool_use") this.hasTool = true;
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
    this.queue.push(block);
    const events = [...before, ...(block === this.queue[0] ? begin(block, this.index) : [])];
    const whole = kind === "text" || kind === "thinking" ? text(given[kind]) : "";
    events.push(...this.deltas(block, whole));
    return events;
  }

  delta(wireIndex: number, given: Members): StreamEvent[] {
    switch (given["type"]) {
      case "text_delta": {
        const { block, events } = this.blockFor(wireIndex, "text");
        if (block?.kind === "text") events.push(...this.deltas(block, text(given["text"])));
        return events;
      }
      case "thinking_delta": {
        const { block, events } = this.blockFor(wireIndex, "thinking");
        if (block?.kind === "thinking") events.push(...this.deltas(block, text(given["thinking"])));
        return events;
      }
      case "signature_delta": {
        const { block, events } = this.blockFor(wireIndex, "thinking");
        if (block !== null) block.signature = text(given["signature"]);
        return events;
      }
      case "input_json_delta": {
        const { block } = this.blockFor(wireIndex, "tool");
        const json = text(given["partial_json"]);
        if (block?.kind === "opaque") block.input += json;
        return block?.kind === "tool" ? this.deltas(block, json) : [];
      }
      case "citations_delta":
        this.openAt(wireIndex)?.citations.push(given["citation"]);
        return [];
      default:
        absorb(this.openAt(wireIndex), given);
        return [];
    }
  }

  stop(wireIndex: number): StreamEvent[] {
    const block = this.openAt(wireIndex);
    if (block === undefined) return [];
    block.isStopped = true;
    return this.advance();
  }

  /** Ends everything that is still open, in order. */
  finish(): StreamEvent[] {
    for (const block of this.queue) block.isStopped = true;
    const events = this.advance();
    this.queue = [];
    return events;
  }

  private openAt(wireIndex: number): QueuedBlock | undefined {
    return this.queue.find((each) => each.wireIndex === wireIndex && !each.isStopped);
  }

  /** Ends the first block if it is over, and starts the next ones. */
  private advance(): StreamEvent[] {
    const { queue } = this;
    const events: StreamEvent[] = [];
    for (let first = queue[0]; first?.isStopped; first = queue[0]) {
      events.push(...end(first, this.index++));
      queue.shift();
      const follower = queue[0];
      if (follower === undefined) break;
      events.push(...begin(follower, this.index));
      for (const each of follower.held) events.push(piece(follower, this.index, each));
      follower.held = [];
    }
    return events;
  }

  private deltas(block: QueuedBlock, value: string): StreamEvent[] {
    if (value === "") return [];
    block.hasDeltas = true;
    if (block === this.queue[0]) return [piece(block, this.index, value)];
    block.held.push(value);
    return [];
  }

  /**
   * The open block that a delta of this kind belongs to; text and thinking open one if the vendor left out the start.
   */
  private blockFor(wireIndex: number, kind: Kind): { block: QueuedBlock | null; events: StreamEvent[] } {
    const { queue } = this;
    const exact = this.openAt(wireIndex);
    if (exact?.kind === kind || exact?.kind === "opaque") return { block: exact, events: [] };
    const lone = exact === undefined && queue.length === 1 ? queue[0] : undefined;
    if (lone?.kind === kind) return { block: lone, events: [] };
    if (kind !== "text" && kind !== "thinking") return { block: null, events: [] };
    const events = exact === undefined ? [] : this.stop(wireIndex);
    events.push(...this.start(wireIndex, { type: kind }));
    return { block: this.queue.at(-1) ?? null, events };
  }
}

function begin(block: QueuedBlock, index: number): StreamEvent[] {
  if (block.kind === "text") return [{ type: "text-start", index }];
  if (block.kind === "thinking") return [{ type: "thinking-start", index }];
  if (block.kind === "opaque") return [];
  const { id, name: toolName } = block.value;
  if (typeof toolName !== "string" || toolName === "")
    return [
      { type: "failure", failure: new Failure("bad-output", "The upstream called a tool without a name.") },
    ];
  return [{ type: "tool-start", index, id: text(id) || `toolu_${index}`, name: toolName }];
}

function piece({ kind }: QueuedBlock, index: number, value: string): StreamEvent {
  if (kind === "text") return { type: "text-delta", index, text: value };
  if (kind === "thinking") return { type: "thinking-delta", index, text: value };
  return { type: "tool-delta", index, input: value };
}

function end(block: QueuedBlock, index: number): StreamEvent[] {
  switch (block.kind) {
    case "text": {
      const extras = toExtras(block.citations.length > 0 ? { citations: block.citations } : null);
      return [{ type: "text-end", index, ...extras }];
    }
    case "thinking":
      return [{ type: "thinking-end", index, signature: block.signature === "" ? null : block.signature }];
    case "tool": {
      // A whole `input` at the start counts only when no deltas follow.
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
}

/** An unknown kind of delta on an unknown block: strings are appended, other members replaced. */
function absorb(block: QueuedBlock | undefined, given: Members): void {
  if (block?.kind !== "opaque") return;
  for (const [key, value] of Object.entries(given)) {
    if (key === "type" || key === "__proto__") continue;
    const before = block.value[key];
    block.value[key] = typeof before === "string" && typeof value === "string" ? before + value : value;
  }
}
