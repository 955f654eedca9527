// Chooses which of several equal targets goes first. Pure except for the turn counters of a rotation, which only a real
// request advances.

import type { Target } from "../canon/decision.ts";
import type { Strategy } from "./settings.ts";

/** The current state of a provider. */
export type Load = { readonly inFlight: number; readonly peakEwmaMs: number | null };

export type PoolMember = {
  readonly target: Target;
  readonly weight: number;
  /** Estimated USD for this request; null = unknown. */
  readonly costUsd: number | null;
  readonly load: Load;
};

export type OrderedPool = { readonly members: readonly PoolMember[]; readonly why: string };

/** Smooth weighted round-robin: the turns of one pool. */
export type Rotation = { next(members: readonly PoolMember[], isDry: boolean): PoolMember | null };

export function createRotation(): Rotation {
  const credit = new Map<string, number>();
  return {
    next(members, isDry) {
      let total = 0;
      let best: PoolMember | null = null;
      let most = Number.NEGATIVE_INFINITY;
      for (const member of members) {
        total += member.weight;
        const has = (credit.get(member.target.provider) ?? 0) + member.weight;
        if (!isDry) credit.set(member.target.provider, has);
        if (has > most) {
          most = has;
          best = member;
        }
      }
      if (best !== null && !isDry) credit.set(best.target.provider, most - total);
      return best;
    },
  };
}

/** A provider that has not been asked yet counts as fast, so that it gets measured. */
const unknownLatencyMs = 1;

/** Not a subtraction: two unknown (infinite) scores are equal. */
const byLeast =
  (score: (member: PoolMember) => number) =>
  (left: PoolMember, right: PoolMember): number => {
    const [before, after] = [score(left), score(right)];
    return before < after ? -1 : before > after ? 1 : 0;
  };

/** The members in the order of attempts. Equal ones keep the config's order. */
export function orderMembers(
  strategy: Strategy,
  members: readonly PoolMember[],
  rotation: Rotation,
  isDry: boolean,
): OrderedPool {
  switch (strategy) {
    case "priority":
      return { members, why: "first in the config's order" };
    case "weighted":
      return { members: byRotation(members, rotation, isDry), why: "its turn by weight" };
    case "round-robin": {
      const equal = members.map((member) => ({ ...member, weight: 1 }));
      return { members: byRotation(equal, rotation, isDry), why: "its turn" };
    }
    case "lowest-latency":
      return {
        members: members.toSorted(
          byLeast(({ load }) => (load.peakEwmaMs ?? unknownLatencyMs) * (load.inFlight + 1)),
        ),
        why: "lowest latency under its load",
      };
    case "lowest-cost":
      return {
        members: members.toSorted(byLeast(({ costUsd }) => costUsd ?? Number.POSITIVE_INFINITY)),
        why: "lowest estimated cost",
      };
    case "least-busy":
      return {
        members: members.toSorted(byLeast(({ load }) => load.inFlight)),
        why: "fewest requests under way",
      };
  }
}

function byRotation(members: readonly PoolMember[], rotation: Rotation, isDry: boolean): PoolMember[] {
  const first = rotation.next(members, isDry);
  if (first === null) return [];
  // The rest by weight: a provider with more traffic also gets more of a failed one's.
  const rest = members
    .filter((member) => member !== first)
    .toSorted((left, right) => right.weight - left.weight);
  return [first, ...rest];
}
