// What a gateway and its successor tell each other, a JSON object each. They may be of different versions: what one does not know, it
// leaves unread.

import type { RequestRecord } from "../../canon/record.ts";
import type { SpentPeriods } from "../../tenants/spending.ts";

/** Tells a starting process that it is a successor: `<protocol> <pid of the other> <its port> <lock or none>`. */
export const predecessorVariable = "CLAWGATE_PREDECESSOR";
/** Raised when an older program could not follow. */
export const protocol = 1;
/** The number under which a successor inherits the lock of the state directory. */
export const inheritedDescriptor = 3;

/** A tenant as the older process knows it. */
export type KnownTenant = {
  readonly name: string;
  readonly periods: SpentPeriods;
  /** What counts in its minute. */
  readonly minute: { readonly requests: number; readonly tokens: number };
};

/** What no file holds, or what must be exact. */
export type Known = {
  readonly kind: "known";
  readonly tenants: readonly KnownTenant[];
  readonly sticky: readonly (readonly [key: string, provider: string])[];
};

export type ToSuccessor =
  /** It may take over now: everything is written. */
  | { readonly kind: "go" }
  | Known
  | {
      readonly kind: "charge";
      readonly tenant: string;
      readonly dayMs: number;
      readonly tokens: number;
      readonly nanoUsd: number;
    }
  /** What running requests of the older process have reserved, in place of what it said before. */
  | { readonly kind: "held"; readonly tenant: string; readonly tokens: number; readonly nanoUsd: number }
  | {
      readonly kind: "session";
      readonly key: string;
      readonly nanoUsd: number;
      readonly capNanoUsd: number | null;
    }
  | { readonly kind: "record"; readonly record: RequestRecord }
  /** A vendor keeps an answer under this id. */
  | { readonly kind: "vendor-id"; readonly id: string; readonly tenant: string | null }
  /** It listens no more: the port belongs to the successor alone. */
  | { readonly kind: "released" }
  /** Nothing follows. */
  | { readonly kind: "end" };

export type ToPredecessor =
  | { readonly kind: "loaded" }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "listening" }
  /** So many records are safe. */
  | { readonly kind: "kept"; readonly count: number }
  /** It was asked to stop, and running requests may go on no longer: those of the older process neither. */
  | { readonly kind: "cut-off" }
  /** A client of it cancels an answer that the older process makes without one. */
  | { readonly kind: "cancel-answer"; readonly id: string; readonly tenant: string | null }
  | { readonly kind: "ended" };

/** Null: no message at all. */
export function kindOf(message: unknown): string | null {
  const kind = (message as { readonly kind?: unknown } | null)?.kind;
  return typeof kind === "string" ? kind : null;
}
