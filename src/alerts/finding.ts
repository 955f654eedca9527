// What a check says of a cause: it is there, it is too close to call, nothing is known, or it is over.

import { causeOf, type Condition } from "./alert.ts";

export type Finding =
  | { readonly state: "firing"; readonly condition: Condition }
  /** Below its limit, but too close to it: an alert that is there stays. */
  | { readonly state: "held"; readonly cause: string }
  /** Nothing is known, for example because nothing was asked. */
  | { readonly state: "unknown"; readonly cause: string }
  | { readonly state: "over"; readonly cause: string }
  /** Another alert says it better now: over at once, and nobody is told of that. */
  | { readonly state: "replaced"; readonly cause: string };

type Cause = Pick<Condition, "kind" | "subject">;

export const held = (cause: Cause): Finding => ({ state: "held", cause: causeOf(cause) });
export const replaced = (cause: Cause): Finding => ({ state: "replaced", cause: causeOf(cause) });
export const unknown = (cause: Cause): Finding => ({ state: "unknown", cause: causeOf(cause) });

/** To the minute, UTC. */
export const timeText = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;

export const wholePercent = (percent: number): string => `${Math.round(percent)} %`;
