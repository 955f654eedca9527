// The notes for what a request loses on its way into a format, and the rules that all formats share. A note is made
// where the change is made, never guessed beforehand; it must never contain anything that a user wrote.

import type { ChatRequest } from "../canon/request.ts";
import type { Note, TargetFacts } from "./dialect.ts";

/** A Note that discards its word. */
export const ignoreNote: Note = () => undefined;

export const thinkingBlocksDropped = "thinking-blocks-dropped";
export const thinkingOff = "thinking-off";
export const toolNamesRewritten = "tool-names-rewritten";
export const toolIdsRewritten = "tool-ids-rewritten";

/** A name from the client's body, made safe for a header and a list. */
export function safeName(text: unknown): string {
  return String(text)
    .replace(/[^\w.-]+/g, "_")
    .slice(0, 40);
}

/** The client's limit, or the model's ceiling where that is lower. */
export function cutTokens(wanted: number, target: TargetFacts, note: Note): number {
  const { maxOutput } = target;
  if (maxOutput === null || wanted <= maxOutput) return wanted;
  note(`max-tokens-cut:${maxOutput}`);
  return maxOutput;
}

/** The same facts where the window leaves less room for the answer than the model's own limit. */
export function withOutputLimit(facts: TargetFacts, limit: number | null): TargetFacts {
  if (limit === null || (facts.maxOutput !== null && facts.maxOutput <= limit)) return facts;
  return { ...facts, maxOutput: limit };
}

/** The same request without thinking, for a model that is known not to think and might refuse the member. */
export function withoutThinking(request: ChatRequest, target: TargetFacts, note: Note): ChatRequest {
  if (target.canThink !== false || (request.thinking === null && request.effort === null)) return request;
  if (asksForThinking(request)) note(thinkingOff);
  return { ...request, thinking: null, effort: null };
}

export function asksForThinking({ thinking, effort }: ChatRequest): boolean {
  if (thinking !== null) return thinking.mode !== "off";
  return effort !== null && effort !== "none";
}

const emptyValues: ReadonlySet<unknown> = new Set([undefined, null, 0, false]);
/** How several formats write "the default". */
const defaultValues: ReadonlySet<unknown> = new Set(["auto", "default"]);

/** Members that change the answer and have no canonical form; zero and null change nothing. */
export function noteDropped(
  members: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  note: Note,
  /** Called with the member's name. */
  unsupported: (parameter: string) => void = () => undefined,
): void {
  for (const key of keys) {
    if (emptyValues.has(members[key])) continue;
    note(`${kebab(key)}-dropped`);
    unsupported(key);
  }
}

/** Members that are not in `known`: their meaning is unknown here, so they are noted by name. */
export function noteUnknown(
  members: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  note: Note,
  unsupported: (parameter: string) => void = () => undefined,
): void {
  for (const [key, value] of Object.entries(members)) {
    if (known.has(key) || emptyValues.has(value) || defaultValues.has(value)) continue;
    note(`member-dropped:${safeName(key)}`);
    unsupported(safeName(key));
  }
}

/** `safetySettings` and `safety_settings` both become safety-settings. */
export const kebab = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-");
