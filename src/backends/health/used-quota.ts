// How much of a key's quota is used, by what its vendor last reported: for routing that spares a key which is nearly used up
// (`routing.avoid_above`). It only orders targets and keys; it must never suspend one.

import { type Allowance, headerAllowances, type ReportedAllowance } from "./allowance.ts";
import { type Credential, holdStateFor, mayGo } from "./credential.ts";

export type UsedQuota = {
  readonly usedPercent: number;
  /** The vendor's own name of the limit. */
  readonly name: string;
  /** When the limit is full again; null: the vendor did not say. */
  readonly resetsAtMs: number | null;
};

/** A limit without a time of reset is one of a minute. */
const shortestWindowMs = 60_000;
/** What is paid beyond the plan, and a reserved capacity beside the ordinary one: neither is missing when it is used up. */
const beside = /overage|^priority-/;
const family = /opus|sonnet|haiku|fable/i;

/** The limit that is used most, of those that count for this model now; null: none is known. */
export function mostUsed(reported: ReportedAllowance, model: string, nowMs: number): UsedQuota | null {
  let most: UsedQuota | null = null;
  const look = ({ name, usedPercent, status, resetsAtMs }: Allowance, atMs: number): void => {
    const percent = status === "rejected" ? Math.max(100, usedPercent ?? 0) : usedPercent;
    if (percent === null || beside.test(name) || nowMs >= (resetsAtMs ?? atMs + shortestWindowMs)) return;
    const [only] = family.exec(name) ?? [];
    if (only !== undefined && !model.toLowerCase().includes(only.toLowerCase())) return;
    if (most === null || percent > most.usedPercent) most = { usedPercent: percent, name, resetsAtMs };
  };
  for (const each of headerAllowances(reported)) look(each, reported.headersAtMs);
  for (const { allowance, atMs } of reported.windows.values()) look(allowance(), atMs);
  return most;
}

export function isAbove(credential: Credential, model: string, share: number, nowMs: number): boolean {
  const most = mostUsed(credential.reported, model, nowMs);
  return most !== null && most.usedPercent > share * 100;
}

/** Why a provider is asked after the others; null: one of its usable keys has enough left. */
export function whyAvoided(
  credentials: readonly Credential[],
  model: string,
  share: number,
  nowMs: number,
): string | null {
  let first: UsedQuota | null = null;
  for (const credential of credentials) {
    if (!mayGo(holdStateFor(credential, model, nowMs))) continue;
    const most = mostUsed(credential.reported, model, nowMs);
    if (most === null || most.usedPercent <= share * 100) return null;
    if (first === null || most.usedPercent < first.usedPercent) first = most;
  }
  if (first === null) return null;
  const until = first.resetsAtMs === null ? "" : ` until ${new Date(first.resetsAtMs).toISOString()}`;
  const shownName = first.name.replaceAll(/[^\w.-]/g, "?");
  return `${first.usedPercent} % of its ${shownName} quota is used${until} (routing.avoid_above)`;
}
