// What a tenant's request has used, put on its account when it has ended: answers that nobody read too.

import type { RequestRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import type { Estate } from "./generation.ts";
import type { TenantEntry } from "./tenant-policy.ts";

/** The request's end: its place is free, and what it used is on its tenant's account. */
export function settleEntry(held: TenantEntry, record: RequestRecord, costOf: Estate["costOf"]): void {
  const { entry } = held;
  entry.leave();
  const usage = billedUsage(record, held.estimate);
  if (usage === null) {
    entry.charge({ tokens: 0, nanoUsd: 0 });
    return;
  }
  const tokens = (usage.input ?? 0) + (usage.output ?? 0);
  const cost = costOf(record, usage);
  if (cost instanceof Promise) void cost.then((nanoUsd) => entry.charge({ tokens, nanoUsd: nanoUsd ?? 0 }));
  else entry.charge({ tokens, nanoUsd: cost ?? 0 });
}

/** What an upstream will have written on the bill; null when none did any work. */
function billedUsage(record: RequestRecord, estimate: TenantEntry["estimate"]): Usage | null {
  const { usage, attempts } = record;
  if (estimate === null) return null;
  if (!attempts.some((each) => each.outcome === "ok" || each.maybeBilled)) return null;
  const input = usage.input ?? estimate.input;
  // The count of a stream that was cut is that of its beginning.
  const output =
    record.failure === null
      ? (usage.output ?? estimate.output)
      : Math.max(usage.output ?? 0, estimate.output);
  return { ...usage, input, inputUncached: usage.input === null ? input : usage.inputUncached, output };
}
