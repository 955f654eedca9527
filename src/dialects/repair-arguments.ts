// Repairs the call arguments that vendors stream: blank forms become {}, repeated arguments appear once, and an object inside a
// string or a code fence becomes the object. It must never change other arguments, however broken, nor hold them back once they
// have begun.

import type { StreamEvent } from "../canon/event.ts";
import { isRecord, parseLoosely } from "./decoding.ts";

/**
 * `null`, ``, `""`, `[]` and `{}` mean no arguments, and some vendors send one of them before the real ones; chat templates
 * write None.
 */
const maybeBlank =
  /^\s*(?:n(?:u(?:ll?)?)?|N(?:o(?:ne?)?)?|u(?:n(?:d(?:e(?:f(?:i(?:n(?:ed?)?)?)?)?)?)?)?|\{\s*\}?|\[\s*\]?|"\s*"?)?\s*$/;
const blankBefore = /^\s*(?:null|\{\s*\}|\[\s*\]|"\s*")\s*(?=[{["])/;
/** Only the end shows whether there is an object inside. */
const maybeWrapped = /^(?:"|`)/;
const fence = /^```\w*\s*([\s\S]*?)\s*```\s*$/;
const emptyObject = "{}";

type OpenCall = {
  readonly index: number;
  /** Pieces that may still turn out to be blank. */
  held: string[];
  hasBegun: boolean;
  depth: number;
  isInString: boolean;
  isEscaped: boolean;
  isWhole: boolean;
};

/** Keeps the state of one answer. Events of other kinds pass as they are. */
export class ArgumentRepair {
  private call: OpenCall | null = null;

  repair(events: readonly StreamEvent[]): readonly StreamEvent[] {
    if (this.call === null && !events.some((event) => event.type === "tool-start")) return events;
    const out: StreamEvent[] = [];
    for (const event of events) this.step(event, out);
    return out;
  }

  private step(event: StreamEvent, out: StreamEvent[]): void {
    const { call } = this;
    if (event.type === "tool-start") this.call = newCall(event.index);
    else if (call !== null && event.type === "tool-delta" && event.index === call.index) {
      for (const input of addPiece(call, event.input)) out.push({ ...event, input });
      return;
    } else if (call !== null && event.type === "tool-end" && event.index === call.index) {
      this.call = null;
      for (const input of atEnd(call)) out.push({ type: "tool-delta", index: call.index, input });
    }
    out.push(event);
  }
}

function newCall(index: number): OpenCall {
  return {
    index,
    held: [],
    hasBegun: false,
    depth: 0,
    isInString: false,
    isEscaped: false,
    isWhole: false,
  };
}

function addPiece(call: OpenCall, input: string): readonly string[] {
  if (call.isWhole || input === "") return [];
  if (call.hasBegun) return insideObject(call, input);
  call.held.push(input);
  const all = call.held.join("");
  if (maybeBlank.test(all)) return [];
  const trimmed = all.replace(blankBefore, "").trimStart();
  if (maybeWrapped.test(trimmed)) return [];
  call.hasBegun = true;
  // The vendor's own pieces, where nothing is left out.
  const pieces = trimmed === all ? call.held : [trimmed];
  call.held = [];
  return pieces.flatMap((piece) => insideObject(call, piece));
}

/** The part of a piece that belongs to the arguments: after a whole object follows a repetition. */
function insideObject(call: OpenCall, input: string): readonly string[] {
  if (call.isWhole) return [];
  for (let at = 0; at < input.length; at++) {
    const unit = input.charCodeAt(at);
    if (call.isInString) {
      if (call.isEscaped) call.isEscaped = false;
      else if (unit === 0x5c) call.isEscaped = true;
      else if (unit === 0x22) call.isInString = false;
    } else if (unit === 0x22) call.isInString = true;
    else if (unit === 0x7b || unit === 0x5b) call.depth += 1;
    else if ((unit === 0x7d || unit === 0x5d) && --call.depth === 0) {
      call.isWhole = true;
      return [input.slice(0, at + 1)];
    }
  }
  return [input];
}

/** For the end of a call whose arguments never began. */
function atEnd(call: OpenCall): readonly string[] {
  if (call.hasBegun || call.held.length === 0) return [];
  const all = call.held.join("");
  if (!maybeBlank.test(all)) return [unwrapObject(all.replace(blankBefore, "").trim()) ?? all];
  return all === emptyObject ? call.held : [emptyObject];
}

/** The same for whole arguments in a history. */
export function repairArguments(input: string): string {
  const call = newCall(0);
  return [...addPiece(call, input), ...atEnd(call)].join("");
}

/** Some models write the object's JSON into a string or a code fence. */
function unwrapObject(wrapped: string): string | null {
  const text = wrapped.startsWith('"') ? parseLoosely(wrapped) : fence.exec(wrapped)?.[1];
  return typeof text === "string" && isRecord(parseLoosely(text)) ? text : null;
}
