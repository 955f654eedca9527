// What sessions with a cap have spent, and what their running requests have reserved, by the same rule as for a tenant's budgets.
// It must never forget cheaply what a session has spent, nor grow with the number of session ids that clients invent.

import { type BudgetRefusal, judgeClaim, nanoOfUsd, type UsedUp } from "./spending.ts";

export type SavedSession = {
  readonly key: string;
  readonly nanoUsd: number;
  /** The lowest cap that its requests have named; null: none. */
  readonly capNanoUsd: number | null;
};

/** In nano-USD; null: none. */
export type SessionCaps = {
  /** What this request names. It holds for the rest of the session: a later request can only lower it. */
  readonly named: number | null;
  /** What the tenant's sessions may spend. */
  readonly tenant: number | null;
};

export type SessionSpendingOptions = {
  /** Called after every charge of a session that has a key; must be cheap. */
  readonly onChange: (key: string, nanoUsd: number) => void;
  readonly onForgotten: (key: string) => void;
  readonly maxSessions?: number;
};

const defaultMaxSessions = 20_000;
/** Of this many that were not used for the longest time, the one that spent least is forgotten. */
const compared = 32;

class SessionAccount {
  nanoUsd = 0;
  reservedNanoUsd = 0;
  capNanoUsd: number | null = null;
  constructor(readonly key: string | null) {}

  saved(key: string): SavedSession {
    return { key, nanoUsd: this.nanoUsd, capNanoUsd: this.capNanoUsd };
  }
}

export class SessionSpending {
  /** In the order of their last use. */
  private readonly accounts = new Map<string, SessionAccount>();

  constructor(private readonly options: SessionSpendingOptions) {}

  /**
   * The share of one request; null: nothing limits it. `key` null: it belongs to no session, and the cap is its own. Requests of a
   * session that has a cap are counted whether or not they name one.
   */
  hold(key: string | null, caps: SessionCaps): SessionHold | null {
    const isLimited = caps.named !== null || caps.tenant !== null;
    const known = key === null ? undefined : this.accounts.get(key);
    if (!isLimited && known === undefined) return null;
    const account = known ?? new SessionAccount(key);
    if (caps.named !== null && caps.named < (account.capNanoUsd ?? Number.POSITIVE_INFINITY))
      account.capNanoUsd = caps.named;
    if (key !== null) this.use(key, account);
    return new SessionHold(account, caps.tenant, (changed, nanoUsd) =>
      this.options.onChange(changed, nanoUsd),
    );
  }

  /** What a request of another process of this gateway has cost. */
  add({ key, nanoUsd, capNanoUsd }: SavedSession): void {
    const before = this.accounts.get(key)?.nanoUsd ?? 0;
    this.restore({ key, nanoUsd: before + nanoUsd, capNanoUsd });
    this.options.onChange(key, nanoUsd);
  }

  saved(key: string): SavedSession | null {
    return this.accounts.get(key)?.saved(key) ?? null;
  }

  /** What an earlier process knew; in the order of their last use. */
  restore({ key, nanoUsd, capNanoUsd }: SavedSession): void {
    const account = this.accounts.get(key) ?? new SessionAccount(key);
    account.nanoUsd = Math.max(account.nanoUsd, nanoUsd);
    if (capNanoUsd !== null) account.capNanoUsd = Math.min(account.capNanoUsd ?? capNanoUsd, capNanoUsd);
    this.use(key, account);
  }

  private use(key: string, account: SessionAccount): void {
    this.accounts.delete(key);
    if (this.accounts.size >= (this.options.maxSessions ?? defaultMaxSessions)) this.forgetOne();
    this.accounts.set(key, account);
  }

  private forgetOne(): void {
    let least: SessionAccount | null = null;
    let seen = 0;
    for (const account of this.accounts.values()) {
      // A running request would be charged to an account that nobody reads.
      if (account.reservedNanoUsd > 0) continue;
      if (least === null || account.nanoUsd < least.nanoUsd) least = account;
      if (++seen >= compared) break;
    }
    if (least === null || least.key === null) return;
    this.accounts.delete(least.key);
    this.options.onForgotten(least.key);
  }
}

/** What one request has reserved of its session's caps. */
export class SessionHold {
  private reservedNanoUsd = 0;
  private grantedNanoUsd: number | null = null;
  private isCharged = false;

  constructor(
    private readonly account: SessionAccount,
    private readonly tenantCap: number | null,
    private readonly onChange: (key: string, nanoUsd: number) => void,
  ) {}

  /** False: it is only counted. */
  get isLimited(): boolean {
    return this.account.capNanoUsd !== null || this.tenantCap !== null;
  }

  /** The cap that nothing can be taken from any more. */
  usedUp(): UsedUp | null {
    const { nanoUsd } = this.account;
    const limit = this.limit(false);
    return limit === null || nanoUsd < limit || (nanoUsd === limit && limit === 0) ? null : this.words(limit);
  }

  get reserved(): number {
    return this.reservedNanoUsd;
  }

  /** In place of what it has reserved. `isBeyondBudget`: only what the client itself named still holds. */
  reserve(nanoUsd: number, isBeyondBudget: boolean): BudgetRefusal | null {
    if (this.isCharged) return null;
    const limit = this.limit(isBeyondBudget);
    const { account } = this;
    const why = judgeClaim(account.nanoUsd, account.reservedNanoUsd - this.reservedNanoUsd, limit, {
      want: nanoUsd,
      own: this.reservedNanoUsd,
      // Without a session the cap is the request's own, and no later one pays for what it goes beyond.
      granted: account.key === null ? 0 : this.grantedNanoUsd,
    });
    if (why !== null && limit !== null) return { ...this.words(limit), why };
    this.grantedNanoUsd ??= nanoUsd;
    this.replace(nanoUsd);
    return null;
  }

  /** Back to an earlier reservation: another limit refused the new one. */
  restore(nanoUsd: number): void {
    this.replace(nanoUsd);
  }

  /** Replaces the reservation by the real cost. Idempotent. */
  charge(nanoUsd: number): void {
    if (this.isCharged) return;
    this.isCharged = true;
    this.replace(0);
    const { account } = this;
    account.nanoUsd += nanoUsd;
    if (account.key !== null) this.onChange(account.key, nanoUsd);
  }

  private replace(nanoUsd: number): void {
    this.account.reservedNanoUsd += nanoUsd - this.reservedNanoUsd;
    this.reservedNanoUsd = nanoUsd;
  }

  private limit(isBeyondBudget: boolean): number | null {
    const named = this.account.capNanoUsd;
    if (isBeyondBudget || this.tenantCap === null) return named;
    return named === null ? this.tenantCap : Math.min(named, this.tenantCap);
  }

  private words(limit: number): UsedUp {
    const usd = limit / nanoOfUsd;
    return {
      what: `the budget of this ${this.account.key === null ? "request" : "session"} (${usd} USD)`,
      resetInMs: Number.POSITIVE_INFINITY,
      advice:
        this.account.key === null
          ? "Lower the limit of its answer, choose a cheaper model, or raise x-clawgate-budget."
          : "Start a new session: what a session may spend cannot be raised.",
    };
  }
}
