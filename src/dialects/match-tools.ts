// Matches tool results to calls and chooses the id of both: ids that the vendor would refuse are rewritten, always the same
// way. It must never pair a result with a call that comes after it.

import { normaliseToolId } from "../canon/id.ts";
import type { Message, ToolCallBlock, ToolResultBlock } from "../canon/request.ts";

export type Call = { readonly wireId: string; readonly result: ToolResultBlock | null };

export type ToolMatch = {
  readonly calls: ReadonlyMap<ToolCallBlock, Call>;
  /** Results that found their call; the others are orphans. */
  readonly answered: ReadonlySet<ToolResultBlock>;
};

type Place<T> = { readonly block: T; readonly message: number; readonly at: number };
/** `from` moves past what no later call can use, so that a conversation that repeats one id takes linear time. */
type Queue<T> = { readonly places: Place<T>[]; from: number };

/**
 * A call takes the first free result that follows it and precedes a later message with the same id: an exact id first,
 * else the id without punctuation, because OpenClaw returns `call_a_0` as `calla0`.
 */
export function matchTools(messages: readonly Message[], fitId: (id: string) => string): ToolMatch {
  const calls: Place<ToolCallBlock>[] = [];
  const results = new Map<string, Queue<ToolResultBlock>>();
  const uses = new Map<string, Queue<ToolCallBlock>>();
  let at = 0;
  for (const [message, { role, content }] of messages.entries())
    for (const block of content) {
      at++;
      if (block.type === "tool-call" && role === "assistant") {
        const place = { block, message, at };
        calls.push(place);
        append(uses, block.id, place);
      } else if (block.type === "tool-result" && role !== "system")
        append(results, normaliseToolId(block.callId), { block, message, at });
    }
  const matched = new Map<ToolCallBlock, Call>();
  const answered = new Set<ToolResultBlock>();
  const wireId = wireIds(fitId);
  for (const call of calls) {
    const reuse = skip(uses.get(call.block.id), (each) => each.message <= call.message);
    const until = reuse.places[reuse.from]?.at ?? Infinity;
    const { places, from } = skip(
      results.get(normaliseToolId(call.block.id)),
      (each) => each.at < call.at || answered.has(each.block),
    );
    let found: ToolResultBlock | null = null;
    for (let index = from; index < places.length; index++) {
      const place = places[index];
      if (place === undefined || place.at > until) break;
      if (answered.has(place.block)) continue;
      const isExact = place.block.callId === call.block.id;
      if (isExact || found === null) found = place.block;
      if (isExact) break;
    }
    if (found !== null) answered.add(found);
    matched.set(call.block, { wireId: wireId(call.block.id), result: found });
  }
  return { calls: matched, answered };
}

function append<T>(map: Map<string, Queue<T>>, key: string, place: Place<T>): void {
  const queue = map.get(key);
  if (queue === undefined) map.set(key, { places: [place], from: 0 });
  else queue.places.push(place);
}

function skip<T>(queue: Queue<T> | undefined, isPast: (place: Place<T>) => boolean): Queue<T> {
  if (queue === undefined) return { places: [], from: 0 };
  for (let place = queue.places[queue.from]; place !== undefined && isPast(place);)
    place = queue.places[++queue.from];
  return queue;
}

/** Makes ids unique in a conversation, each in a form that the vendor accepts. */
function wireIds(fitId: (id: string) => string): (id: string) => string {
  const used = new Set<string>();
  const counts = new Map<string, number>();
  return (id) => {
    const base = fitId(id);
    let wire = base;
    let count = counts.get(base) ?? 1;
    while (used.has(wire)) wire = fitId(`${base}_${++count}`);
    counts.set(base, count);
    used.add(wire);
    return wire;
  };
}
