// Several messages of the program's turn -> the blocks of the one answer that a client sees.
// Words before a tool of the program's own are held back until it is known whether they are the answer.

import type { StreamEvent } from "../../canon/event.ts";
import { withForeignSignature } from "../thinking-signatures.ts";
import type { ToolNames } from "./client-tool-names.ts";

export type RoundsOptions = {
  readonly names: ToolNames;
  readonly showsThinking: boolean;
  /** The program runs tools of its own: text is held back until its fate is known. */
  readonly holdsText: boolean;
  /** Only the JSON of the result is the answer: text is never shown. */
  readonly hidesText: boolean;
};

export type Rounds = {
  /** A message begins. */
  begin(): void;
  /** One event of a message, but for its start and its finish; what may be shown comes back. */
  take(event: StreamEvent): StreamEvent[];
  /** The message is the end of the answer: what is held is shown. */
  close(): StreamEvent[];
  /** Shows what is held and whatever follows in this message. */
  release(): StreamEvent[];
  isHolding(): boolean;
  /** Ids of the client's tool calls in this message. */
  calls(): readonly string[];
  /** How many blocks the client has seen. */
  shownBlocks(): number;
  /** Something of this message was shown, and cannot be taken back. */
  hasShown(): boolean;
};

/** This much text is no passing remark any more. */
const longestHeld = 400;

export function createRounds(options: RoundsOptions): Rounds {
  let next = 0;
  /** The number of this message's first block. */
  let first = 0;
  let open = 0;
  let shownText = false;
  let held: StreamEvent[] = [];
  let heldLength = 0;
  let isLive = !options.holdsText;
  let isDropped = false;
  /** The block that is open now is not the client's. */
  let isHidden = false;
  /** Text of an earlier message stands in the answer. */
  let needsBreak = false;
  let calls: string[] = [];

  /** Puts an event into the client's own numbering. */
  const show = (event: StreamEvent): StreamEvent[] => {
    switch (event.type) {
      case "text-start": {
        open = next++;
        const start: StreamEvent = { type: "text-start", index: open };
        const parted = needsBreak;
        needsBreak = false;
        return parted ? [start, { type: "text-delta", index: open, text: "\n\n" }] : [start];
      }
      case "thinking-start":
      case "tool-start":
        open = next++;
        return [{ ...event, index: open }];
      case "opaque":
        return [{ ...event, index: next++ }];
      case "text-delta":
        shownText ||= event.text !== "";
        return [{ ...event, index: open }];
      case "text-end":
      case "thinking-delta":
      case "tool-delta":
      case "tool-end":
        return [{ ...event, index: open }];
      case "thinking-end":
        return [{ ...withForeignSignature(event), index: open }];
      default:
        return [event];
    }
  };

  const release = (): StreamEvent[] => {
    isLive = true;
    const events = held.flatMap(show);
    held = [];
    heldLength = 0;
    return events;
  };

  const hold = (event: StreamEvent): StreamEvent[] => {
    if (isLive) return show(event);
    if (isDropped) return [];
    held.push(event);
    if (event.type === "text-delta") heldLength += event.text.length;
    return heldLength > longestHeld ? release() : [];
  };

  const beginTool = (event: Extract<StreamEvent, { type: "tool-start" }>): StreamEvent[] => {
    const name = options.names.toClient(event.name);
    isHidden = name === null;
    if (name === null) {
      if (!isLive) isDropped = true;
      held = [];
      heldLength = 0;
      return [];
    }
    calls.push(event.id);
    return [...release(), ...show({ ...event, name })];
  };

  return {
    begin() {
      first = next;
      held = [];
      heldLength = 0;
      isLive = !options.holdsText;
      isDropped = false;
      isHidden = false;
      needsBreak = shownText;
      calls = [];
    },
    take(event) {
      switch (event.type) {
        case "text-start":
        case "text-delta":
        case "text-end":
          return options.hidesText ? [] : hold(event);
        case "thinking-start":
        case "thinking-delta":
        case "thinking-end":
        case "opaque":
          return options.showsThinking ? hold(event) : [];
        case "tool-start":
          return beginTool(event);
        case "tool-delta":
        case "tool-end":
          return isHidden ? [] : show(event);
        default:
          return [event];
      }
    },
    close: release,
    release,
    isHolding: () => heldLength > 0,
    calls: () => calls,
    shownBlocks: () => next,
    hasShown: () => next > first,
  };
}
