// Ids of tool calls and names of tools as OpenAI's API accepts them: at most 64 characters of [A-Za-z0-9_-]. The
// rewriting must be the same for a call and its result, and in every turn: the upstream's prompt cache depends on it.

import { digest } from "../openai-ids.ts";

const longest = 64;

/** Stays unique when a client strips everything but letters and digits, as OpenClaw does. */
export function encodeToolId(id: string): string {
  return /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : `call_${digest(id)}`;
}

/** For a vendor that sends no id: the answer's own id keeps calls of different turns apart. */
export function makeToolId(answerId: string, position: number): string {
  return `call_${position}_${answerId.replace(/[^A-Za-z0-9]/g, "")}`.slice(0, longest);
}

/** One name for a function inside a namespace, which no other API knows. */
export function joinedName(namespace: string, name: string): string {
  const joined = namespace.endsWith("__") ? namespace + name : `${namespace}__${name}`;
  return joined.length <= longest
    ? joined
    : `${joined.slice(0, longest - 13)}_${digest(joined).slice(0, 12)}`;
}
