// Which tenant was given which id of a Response that its vendor keeps: the vendor knows one account, so only the gateway can keep one
// tenant's conversation from another. Bounded; it must never let a tenant continue what another one was given.

import { memberNamed } from "../../wire/json.ts";
import type { Envelope } from "../body/envelope.ts";

type VendorIdOptions = {
  /** Both must be cheap. */
  readonly onGiven: (id: string, tenant: string | null) => void;
  readonly onForgotten: (id: string) => void;
  readonly mostIds?: number;
};

const defaultMost = 20_000;

export class VendorIds {
  /** The oldest first. */
  private readonly owners = new Map<string, string | null>();

  constructor(private readonly options: VendorIdOptions) {}

  given(id: string, tenant: string | null): void {
    // Another vendor may give the same id again: it stays whose it was.
    if (this.owners.has(id)) return;
    this.restore(id, tenant);
    this.options.onGiven(id, tenant);
  }

  /** What an earlier process knew; the oldest first. */
  restore(id: string, tenant: string | null): void {
    this.owners.set(id, tenant);
    if (this.owners.size <= (this.options.mostIds ?? defaultMost)) return;
    const [oldest] = this.owners.keys();
    if (oldest === undefined) return;
    this.owners.delete(oldest);
    this.options.onForgotten(oldest);
  }

  /** `isAlone`: the gateway has no other callers, and an id that nobody here was given can be no other tenant's. */
  mayContinue(id: string, tenant: string | null, isAlone: boolean): boolean {
    const owner = this.owners.get(id);
    return owner === undefined ? isAlone : owner === tenant;
  }
}

/** Vendors keep an answer unless they are told not to. */
export function mayBeKeptByVendor({ scan, bytes }: Envelope): boolean {
  const store = memberNamed(scan, "store");
  return store?.kind !== "boolean" || bytes[store.start] === 0x74;
}
