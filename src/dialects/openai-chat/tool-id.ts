// Ids of tool calls as OpenAI's API accepts them: at most 40 characters of [A-Za-z0-9_-]. The rewriting must be the
// same for a call and its result, and in every turn: the upstream's prompt cache depends on it.

import { digest } from "../openai-ids.ts";

/** Stays unique when a client strips everything but letters and digits, as OpenClaw does. */
export function encodeToolId(id: string): string {
  return /^[A-Za-z0-9_-]{1,40}$/.test(id) ? id : `call_${digest(id)}`;
}

/** For a vendor that sends no id: the answer's own id keeps calls of different turns apart. */
export function makeToolId(answerId: string, position: number): string {
  return `call_${position}_${answerId.replace(/[^A-Za-z0-9]/g, "")}`.slice(0, 40);
}
