// Which of a client's own headers an upstream of the same dialect gets: Anthropic's protocol asks for an open list, because new
// headers come with new features. It must never pass a key, nor what would choose another model for a tenant that may not.

import { noHeaders } from "../backends/backend.ts";
import { withoutChoosingBetas } from "./choice-guard.ts";
import type { Door } from "./doors.ts";
import type { Provider } from "./generation.ts";
import { choosingBetas } from "./model-choices.ts";

const prefix = "anthropic-";
const always: readonly string[] = ["anthropic-version", "anthropic-beta"];
const longestValue = 4_000;
/** For all of them in characters; each takes `flatSize` beside its own, so that they are few as well. */
const room = 16_000;
const flatSize = 500;
/** Keys have headers of their own; whoever puts one elsewhere gives us something of ours. */
const secretNames = /key|token|auth|secret|cookie|credential/;
const choosingNames = /fallback|advisor|fast|model|tier|speed|priority/;

export function passHeaders(
  headers: Headers,
  door: Door,
  provider: Provider,
  keepsModels: boolean,
): Readonly<Record<string, string>> {
  if (door.dialect !== "anthropic-messages" || provider.backend.dialect !== door.dialect) return noHeaders;
  const passed: Record<string, string> = {};
  let left = room;
  // Before any others could have taken the room.
  for (const name of always) left -= pass(passed, name, headers.get(name), keepsModels, left);
  // One object of Bun's, and not an entry for each header.
  const written = headers.toJSON() as Readonly<Record<string, string>>;
  for (const name in written)
    if (name.startsWith(prefix) && !always.includes(name) && !secretNames.test(name))
      left -= pass(passed, name, written[name] ?? null, keepsModels, left);
  return passed;
}

/** What it takes of the room. */
function pass(
  passed: Record<string, string>,
  name: string,
  written: string | null,
  keepsModels: boolean,
  left: number,
): number {
  const value = written !== null && keepsModels ? keptValue(name, written) : written;
  if (value === null || value.length > longestValue || !/^[\x20-\x7e]*$/.test(value)) return 0;
  const size = flatSize + name.length + value.length;
  if (size > left) return 0;
  passed[name] = value;
  return size;
}

function keptValue(name: string, value: string): string | null {
  if (name === "anthropic-beta") return withoutChoosingBetas(value);
  return choosingNames.test(name) || choosingBetas.test(value) ? null : value;
}
