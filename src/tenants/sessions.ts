// Builds the key of a tenant's conversation, under which everything about that conversation is remembered. It must never give
// two tenants the same key, whatever conversation ids their clients send.

import type { Clock } from "../system/clock.ts";

/** `<tenant>:<conversation>`; null where the client names no conversation. No tenant's name is empty or holds a colon. */
export function sessionKey(tenant: string | null, conversation: string | null): string | null {
  return conversation === null ? null : `${tenant ?? ""}:${conversation}`;
}

/** Drops expired entries periodically; the interval is read each time. Returns a function that stops it. */
export function sweepSessions(
  clock: Pick<Clock, "setTimer">,
  intervalMs: () => number,
  sweep: () => void,
): () => void {
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.setTimer(intervalMs(), () => {
      sweep();
      arm();
    });
  };
  arm();
  return () => cancel();
}
