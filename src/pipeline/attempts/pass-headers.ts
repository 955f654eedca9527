// Which of a client's headers an upstream of the same dialect gets: Anthropic's protocol requires an open list, because new
// headers come with new features. It must never pass a key, nor a header that would choose a model the tenant may not use.

import { noHeaders } from "../../backends/backend.ts";
import { signInHeaders } from "../client-sign-in.ts";
import { withoutChoosingBetas } from "../tenants/choice-guard.ts";
import type { Endpoint } from "../endpoints.ts";
import type { Provider } from "../dependencies.ts";
import { choosingBetas } from "../tenants/model-choices.ts";

const prefix = "anthropic-";
const alwaysPassed: readonly string[] = ["anthropic-version", "anthropic-beta"];
const maxValueLength = 4_000;
/**
 * Limit of all headers in characters; each counts `sizePerHeader` on top of its own, which limits their number as well.
 */
const totalRoom = 16_000;
const sizePerHeader = 500;
/** Keys have their own headers; a key in another header may be one for this gateway. */
const secretNames = /key|token|auth|secret|cookie|credential/;
const choosingNames = /fallback|advisor|fast|model|tier|speed|priority/;

export function passHeaders(
  headers: Headers,
  endpoint: Endpoint,
  provider: Provider,
  keepsModels: boolean,
): Readonly<Record<string, string>> {
  if (endpoint.dialect !== "anthropic-messages" || provider.backend.dialect !== endpoint.dialect)
    return noHeaders;
  const passed: Record<string, string> =
    provider.usesClientSignIn === true ? { ...signInHeaders(headers) } : {};
  let remaining = totalRoom;
  // Before other headers can use up the room.
  for (const name of alwaysPassed) remaining -= pass(passed, name, headers.get(name), keepsModels, remaining);
  // `toJSON` creates one object instead of an entry per header.
  const written = headers.toJSON() as Readonly<Record<string, string>>;
  for (const name in written)
    if (isOfTheProtocol(name, provider) && !alwaysPassed.includes(name) && !secretNames.test(name))
      remaining -= pass(passed, name, written[name] ?? null, keepsModels, remaining);
  return passed;
}

/** What Claude Code says about itself is for Anthropic alone: other vendors of the format never asked for it. */
function isOfTheProtocol(name: string, { takesClientHeaders }: Provider): boolean {
  return name.startsWith(prefix) || (takesClientHeaders === true && name.startsWith("x-claude-code-"));
}

/** How much room it takes. */
function pass(
  passed: Record<string, string>,
  name: string,
  written: string | null,
  keepsModels: boolean,
  remaining: number,
): number {
  const value = written !== null && keepsModels ? allowedValue(name, written) : written;
  if (value === null || value.length > maxValueLength || !/^[\x20-\x7e]*$/.test(value)) return 0;
  const size = sizePerHeader + name.length + value.length;
  if (size > remaining) return 0;
  passed[name] = value;
  return size;
}

function allowedValue(name: string, value: string): string | null {
  if (name === "anthropic-beta") return withoutChoosingBetas(value);
  return choosingNames.test(name) || choosingBetas.test(value) ? null : value;
}
