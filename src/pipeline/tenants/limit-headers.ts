// A tenant's limits and what is left of them, as the rate-limit headers of each dialect. Google's and other dialects
// have none.

import type { ClientDialectName } from "../../dialects/dialect-table.ts";
import type { LimitShare, LimitStatus } from "../../tenants/limit-store.ts";

/** Only limits that are set. `nowMs`: UTC. */
export function limitHeaders(
  dialect: ClientDialectName,
  status: LimitStatus,
  nowMs: number,
): Record<string, string> {
  switch (dialect) {
    case "openai-chat":
    case "openai-responses":
      return { ...openaiShare("requests", status.requests), ...openaiShare("tokens", status.tokens) };
    case "anthropic-messages":
      return {
        ...anthropicShare("requests", status.requests, nowMs),
        ...anthropicShare("tokens", status.tokens, nowMs),
      };
    default:
      return {};
  }
}

export function openaiShare(what: string, share: LimitShare | null): Record<string, string> {
  if (share === null) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(share.limit),
    [`x-ratelimit-remaining-${what}`]: String(share.remaining),
    [`x-ratelimit-reset-${what}`]: duration(share.resetInMs),
  };
}

/** As OpenAI writes it: "1m1s", "6s", "120ms". */
function duration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < 1_000) return `${whole}ms`;
  const seconds = Math.ceil(whole / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

export function anthropicShare(
  what: string,
  share: LimitShare | null,
  nowMs: number,
): Record<string, string> {
  if (share === null) return {};
  // Whole seconds, rounded up, as Anthropic gives them.
  const resetMs = Math.ceil((nowMs + share.resetInMs) / 1_000) * 1_000;
  return {
    [`anthropic-ratelimit-${what}-limit`]: String(share.limit),
    [`anthropic-ratelimit-${what}-remaining`]: String(share.remaining),
    [`anthropic-ratelimit-${what}-reset`]: new Date(resetMs).toISOString().replace(".000Z", "Z"),
  };
}
