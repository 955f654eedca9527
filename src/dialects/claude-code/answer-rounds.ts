// Turns the several messages of a program's turn into the blocks of the single answer that a client sees. Text before a
// call of the program's own tool is held back until it is known whether it belongs to the answer.

import type { StreamEvent } from "../../canon/event.ts";
import { withForeignSignature } from "../thinking-signatures.ts";
import type { ToolNames } from "./client-tool-names.ts";

export type RoundsOptions = {
  readonly names: ToolNames;
  readonly showsThinking: boolean;
  /** The program runs its own tools: text is held back until it is known whether it belongs to the answer. */
  readonly holdsText: boolean;
  /** Only the JSON of the result is the answer: text is never shown. */
  readonly hidesText: boolean;
};

/** A longer text is more than a comment before a tool call. */
const longestHeld = 400;

export class AnswerRounds {
  /** The number of the next block that the client sees. */
  private next = 0;
  /** The number of this message's first block. */
  private first = 0;
  private open = 0;
  private hasShownText = false;
  private held: StreamEvent[] = [];
  private heldLength = 0;
  private isLive: boolean;
  private isDropped = false;
  /** The open block is not for the client. */
  private isHidden = false;
  /** Text of an earlier message is part of the answer. */
  private needsBreak = false;
  /** Ids of the client's tool calls in this message. */
  calls: readonly string[] = [];

  constructor(private readonly options: RoundsOptions) {
    this.isLive = !options.holdsText;
  }

  /** A message begins. */
  begin(): void {
    this.first = this.next;
    this.forgetHeld();
    this.isLive = !this.options.holdsText;
    this.isDropped = false;
    this.isHidden = false;
    this.needsBreak = this.hasShownText;
    this.calls = [];
  }

  /** Takes one event of a message, except its start and finish; returns what may be shown. */
  take(event: StreamEvent): StreamEvent[] {
    switch (event.type) {
      case "text-start":
      case "text-delta":
      case "text-end":
        return this.options.hidesText ? [] : this.hold(event);
      case "thinking-start":
      case "thinking-delta":
      case "thinking-end":
      case "opaque":
        return this.options.showsThinking ? this.hold(event) : [];
      case "tool-start":
        return this.beginTool(event);
      case "tool-delta":
      case "tool-end":
        return this.isHidden ? [] : this.show(event);
      default:
        return [event];
    }
  }

  /** Shows the held text and whatever follows in this message. */
  release(): StreamEvent[] {
    this.isLive = true;
    const events = this.held.flatMap((event) => this.show(event));
    this.forgetHeld();
    return events;
  }

  isHolding(): boolean {
    return this.heldLength > 0;
  }

  /** How many blocks the client has seen. */
  shownBlocks(): number {
    return this.next;
  }

  /** Part of this message was shown and cannot be withdrawn. */
  hasShown(): boolean {
    return this.next > this.first;
  }

  private forgetHeld(): void {
    this.held = [];
    this.heldLength = 0;
  }

  /** Renumbers an event for the client. */
  private show(event: StreamEvent): StreamEvent[] {
    switch (event.type) {
      case "text-start":
        return this.showTextStart();
      case "thinking-start":
      case "tool-start":
        this.open = this.next++;
        return [{ ...event, index: this.open }];
      case "opaque":
        return [{ ...event, index: this.next++ }];
      case "text-delta":
        this.hasShownText ||= event.text !== "";
        return [{ ...event, index: this.open }];
      case "text-end":
      case "thinking-delta":
      case "tool-delta":
      case "tool-end":
        return [{ ...event, index: this.open }];
      case "thinking-end":
        return [{ ...withForeignSignature(event), index: this.open }];
      default:
        return [event];
    }
  }

  private showTextStart(): StreamEvent[] {
    const index = this.next++;
    this.open = index;
    const { needsBreak } = this;
    this.needsBreak = false;
    const start: StreamEvent = { type: "text-start", index };
    return needsBreak ? [start, { type: "text-delta", index, text: "\n\n" }] : [start];
  }

  private hold(event: StreamEvent): StreamEvent[] {
    if (this.isLive) return this.show(event);
    if (this.isDropped) return [];
    this.held.push(event);
    if (event.type === "text-delta") this.heldLength += event.text.length;
    return this.heldLength > longestHeld ? this.release() : [];
  }

  private beginTool(event: Extract<StreamEvent, { type: "tool-start" }>): StreamEvent[] {
    const name = this.options.names.toClient(event.name);
    this.isHidden = name === null;
    if (name === null) {
      if (!this.isLive) this.isDropped = true;
      this.forgetHeld();
      return [];
    }
    this.calls = [...this.calls, event.id];
    return [...this.release(), ...this.show({ ...event, name })];
  }
}
