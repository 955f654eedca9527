// The younger process of a hand-over: adds what the last requests of the older one cost to what it has read from the files.

import type { RequestRecord } from "../../canon/record.ts";
import type { Clock } from "../../system/clock.ts";
import { noLimits } from "../../tenants/limit-store.ts";
import { type Amount, zeroAmount } from "../../tenants/spending.ts";
import type { AppServices } from "../app-services.ts";
import type { Known, ToSuccessor } from "./messages.ts";

export type TakenServices = Pick<
  AppServices,
  "recorder" | "store" | "spending" | "savedSessions" | "savedVendorIds" | "stickiness" | "keptAnswers"
>;

/** What the older process has reserved of a tenant's budget, and of which day's. */
type Held = {
  readonly amount: Amount;
  readonly account: ReturnType<TakenServices["spending"]["limits"]["accountAt"]>;
};

/** Between two batches of records that are made safe. */
const keepEveryMs = 200;

export class TakenState {
  private readonly held = new Map<string, Held>();
  private received = 0;
  private isKeeping = false;

  constructor(
    private readonly services: TakenServices,
    private readonly clock: Pick<Clock, "nowMs" | "setTimer">,
    /** How many records are safe. */
    private readonly onKept: (count: number) => void,
  ) {}

  take(message: ToSuccessor): void {
    const { spending, savedSessions } = this.services;
    const { limits } = spending;
    if (message.kind === "known") this.takeKnown(message);
    else if (message.kind === "charge") {
      const { tenant, dayMs, tokens, nanoUsd } = message;
      limits.settle(limits.accountAt(tenant, dayMs), zeroAmount, { tokens, nanoUsd });
    } else if (message.kind === "held") this.hold(message.tenant, message);
    else if (message.kind === "session") {
      const { key, nanoUsd, capNanoUsd } = message;
      savedSessions.sessions.add({ key, nanoUsd, capNanoUsd });
    } else if (message.kind === "vendor-id")
      this.services.savedVendorIds.ids.given(message.id, message.tenant);
    else if (message.kind === "record") this.takeRecord(message.record);
  }

  /** The older one is gone: what it had reserved is not used any more. */
  close(): void {
    for (const tenant of this.held.keys()) this.hold(tenant, zeroAmount);
  }

  private takeKnown({ tenants, sticky }: Known): void {
    const { spending, stickiness } = this.services;
    for (const { name, periods, minute } of tenants) {
      spending.limits.restore(name, periods);
      spending.limits.restoreMinute(name, minute);
    }
    stickiness.restore(sticky);
  }

  private hold(tenant: string, { tokens, nanoUsd }: Amount): void {
    const { limits } = this.services.spending;
    const before = this.held.get(tenant);
    const own = before?.amount ?? zeroAmount;
    // Given back on another day than it was reserved on, it would free a budget that it never took.
    const account = before?.account ?? limits.accountAt(tenant, this.clock.nowMs());
    const want = { tokens, nanoUsd };
    this.held.set(tenant, { amount: want, account });
    const claim = { want, own, granted: null, expectedTokens: tokens, isBeyondBudget: true };
    limits.reserve(account, noLimits, claim);
  }

  private takeRecord(record: RequestRecord): void {
    this.services.recorder.take(record);
    this.received += 1;
    if (this.isKeeping) return;
    this.isKeeping = true;
    this.clock.setTimer(keepEveryMs, () => {
      this.isKeeping = false;
      const { received } = this;
      // False: the file accepts nothing now. Then the older process keeps them in mind until it ends.
      void this.services.store.flush().then((isWritten) => isWritten && this.onKept(received));
    });
  }
}
