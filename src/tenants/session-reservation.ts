// A request's reservation where its session has a cap: of the session first, then of its tenant's limits. What one of them refuses is
// taken back from the other.

import type { MaybePromise, RequestedAmount } from "./limit-store.ts";
import type { Reservation, ReservationTerms } from "./limits.ts";
import type { SessionHold } from "./session-spending.ts";
import type { Amount, BudgetRefusal } from "./spending.ts";

export class SessionReservation implements Reservation {
  /** `tenant` null: the session alone limits it. */
  constructor(
    private readonly session: SessionHold,
    private readonly tenant: Reservation | null,
  ) {}

  reserve(wanted: RequestedAmount, terms?: ReservationTerms): MaybePromise<BudgetRefusal | null> {
    const before = this.session.reserved;
    const refusal = this.session.reserve(wanted.nanoUsd, terms?.isBeyondBudget ?? false);
    if (refusal !== null || this.tenant === null) return refusal;
    const undoing = (thrown: unknown): never => {
      this.session.restore(before);
      throw thrown;
    };
    const settled = (late: BudgetRefusal | null): BudgetRefusal | null => {
      if (late !== null) this.session.restore(before);
      return late;
    };
    try {
      const answer = this.tenant.reserve(wanted, terms);
      return answer instanceof Promise ? answer.then(settled, undoing) : settled(answer);
    } catch (thrown) {
      return undoing(thrown);
    }
  }

  reserved(): Amount | null {
    return this.tenant === null ? { tokens: 0, nanoUsd: this.session.reserved } : this.tenant.reserved();
  }

  leave(): void {
    this.tenant?.leave();
  }

  charge(real: Amount): void {
    this.session.charge(real.nanoUsd);
    this.tenant?.charge(real);
  }
}
