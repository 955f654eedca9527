// Assigns streamed fragments to calls. Vendors number their calls correctly, not at all, or all with 0. It must never
// join fragments of two calls.

import { isRecord } from "../decoding.ts";

/** Arguments of a call without any: JSON.parse in clients throws on "", and vendors refuse it in earlier calls. */
export const noArguments = "{}";

export type ToolCall = {
  readonly index: number | null;
  id: string | null;
  name: string | null;
  readonly progress: JsonProgress;
  isClosed: boolean;
  /** The member next to the function: Google's signature. */
  extra: Readonly<Record<string, unknown>> | null;
};

export const newCall = (index: number | null): ToolCall => ({
  index,
  id: null,
  name: null,
  progress: jsonProgress(),
  isClosed: false,
  extra: null,
});

export type Fragment = {
  readonly index: number | null;
  readonly id: string | null;
  readonly name: string | null;
  readonly input: string;
  readonly extra: Readonly<Record<string, unknown>> | null;
};

export function readFragment(value: unknown): Fragment | null {
  if (!isRecord(value)) return null;
  const called = isRecord(value.function) ? value.function : {};
  const input = called.arguments ?? value.arguments ?? value.input;
  const name = called.name ?? value.name;
  return {
    index: typeof value.index === "number" ? value.index : null,
    id: typeof value.id === "string" && value.id !== "" ? value.id : null,
    name: typeof name === "string" && name !== "" ? name : null,
    // Some local servers send the arguments as an object.
    input: typeof input === "string" ? input : isRecord(input) ? JSON.stringify(input) : "",
    extra: isRecord(value.extra_content) ? value.extra_content : null,
  };
}

/** The call that `fragment` continues, or null when it starts a new one. */
export function callOf(calls: readonly ToolCall[], fragment: Fragment): ToolCall | null {
  const { id, index, name } = fragment;
  const peers = index === null ? calls : calls.filter((call) => call.index === index);
  const last = peers.at(-1) ?? null;
  if (last === null) return null;
  if (id !== null) {
    const known = peers.findLast((call) => call.id === id);
    if (known !== undefined) return known;
    // Some servers invent a new id for every fragment, but name the function only once.
    return name === null || last.id === null ? last : null;
  }
  if (name === null) return last;
  const isRepetition = last.name === null || last.name === name;
  return isRepetition && !(last.progress.isComplete && fragment.input !== "") ? last : null;
}

export type JsonProgress = { take(text: string): void; readonly isComplete: boolean };

/** Detects when the fragments so far form one whole JSON object; it does not check the content. */
function jsonProgress(): JsonProgress {
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let isComplete = false;
  return {
    take(text) {
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        if (isInString) {
          if (isEscaped) isEscaped = false;
          else if (unit === 0x5c) isEscaped = true;
          else if (unit === 0x22) isInString = false;
        } else if (unit === 0x22) isInString = true;
        else if (unit === 0x7b || unit === 0x5b) depth++;
        else if ((unit === 0x7d || unit === 0x5d) && --depth === 0) isComplete = true;
      }
    },
    get isComplete() {
      return isComplete;
    },
  };
}
