// What is noted when a request loses something on its way into a format, and the rules that all formats share.
// A word is noted where the deed is done, never guessed beforehand; it must never hold anything of what a user wrote.

import type { ChatRequest } from "../canon/request.ts";
import type { Note, TargetFacts } from "./dialect.ts";

/** For whoever does not want to know. */
export const unheard: Note = () => undefined;

export const thinkingBlocksDropped = "thinking-blocks-dropped";
export const thinkingOff = "thinking-off";
export const toolNamesRewritten = "tool-names-rewritten";
export const toolIdsRewritten = "tool-ids-rewritten";

/** A name out of the client's body, safe in a header and in a list. */
export function nameIn(text: unknown): string {
  return String(text)
    .replace(/[^\w.-]+/g, "_")
    .slice(0, 40);
}

/** The client's limit, or the model's ceiling where that is lower. */
export function cutTokens(wish: number, target: TargetFacts, note: Note): number {
  const { maxOutput } = target;
  if (maxOutput === null || wish <= maxOutput) return wish;
  note(`max-tokens-cut:${maxOutput}`);
  return maxOutput;
}

/** The same facts where the window leaves less for the answer than the model could give. */
export function withinRoom(facts: TargetFacts, room: number | null): TargetFacts {
  if (room === null || (facts.maxOutput !== null && facts.maxOutput <= room)) return facts;
  return { ...facts, maxOutput: room };
}

/** The same request without a word about thinking, for a model that is known not to think and might refuse the member. */
export function withoutWishToThink(request: ChatRequest, target: TargetFacts, note: Note): ChatRequest {
  if (target.canThink !== false || (request.thinking === null && request.effort === null)) return request;
  if (wishesToThink(request)) note(thinkingOff);
  return { ...request, thinking: null, effort: null };
}

export function wishesToThink({ thinking, effort }: ChatRequest): boolean {
  if (thinking !== null) return thinking.mode !== "off";
  return effort !== null && effort !== "none";
}

const steersNothing: ReadonlySet<unknown> = new Set([undefined, null, 0, false]);
/** The words in which several formats say "as usual". */
const asUsual: ReadonlySet<unknown> = new Set(["auto", "default"]);

/** Members that steer the answer and have no home in the canonical form; zero and null steer nothing. */
export function noteDropped(
  members: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  note: Note,
  /** Told of the member's own name. */
  unsupported: (parameter: string) => void = () => undefined,
): void {
  for (const key of keys) {
    if (steersNothing.has(members[key])) continue;
    note(`${kebab(key)}-dropped`);
    unsupported(key);
  }
}

/** Members that are none of `known`: nobody here can say what they mean, so they are named. */
export function noteOthers(
  members: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  note: Note,
  unsupported: (parameter: string) => void = () => undefined,
): void {
  for (const [key, value] of Object.entries(members)) {
    if (known.has(key) || steersNothing.has(value) || asUsual.has(value)) continue;
    note(`member-dropped:${nameIn(key)}`);
    unsupported(nameIn(key));
  }
}

/** `safetySettings` and `safety_settings` are one word: safety-settings. */
const kebab = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-");
