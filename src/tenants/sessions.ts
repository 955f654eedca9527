// Whose conversation a request belongs to, as one key: everything that is remembered for a conversation is remembered under it.
// It must never give two tenants the same key, whatever conversation their clients name.

import type { Clock } from "../system/clock.ts";

/** `<tenant>:<conversation>`; null where the client names no conversation. No tenant's name is empty or holds a colon. */
export function sessionKey(tenant: string | null, conversation: string | null): string | null {
  return conversation === null ? null : `${tenant ?? ""}:${conversation}`;
}

/** Forgets what is too old, again and again; the interval is asked for each time. Returns the function that stops it. */
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
