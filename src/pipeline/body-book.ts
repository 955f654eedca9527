// How many bytes of request bodies are held just now, in all and by each caller: one for the process, because a reload frees
// no memory. It must never give a caller what the others need to get in at all.

export type BodyBook = {
  /** The account of a tenant, else of a key, else of all who call without either. The same object every time. */
  shareOf(tenant: string | null, keyId: string | null): BodyShare;
  /** That of the operator's own routes. */
  readonly operator: BodyShare;
  held(): number;
};

type Total = { bytes: number };

/** What one caller holds. A class, because every request asks it. */
export class BodyShare {
  private bytes = 0;
  private bodies = 0;

  constructor(private readonly total: Total) {}

  /** A body begins. */
  open(): void {
    this.bodies += 1;
  }

  /**
   * Books more bytes; false: they are too many, and nothing is booked. A caller may hold what the others leave: alone half of
   * the limit, beside n like it a part of n + 2. So there is always room for a newcomer. Its only body may fill the limit.
   */
  take(bytes: number, limitBytes: number): boolean {
    const free = limitBytes - this.total.bytes;
    if (bytes > free || (this.bodies > 1 && this.bytes + bytes > free)) return false;
    this.bytes += bytes;
    this.total.bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.bytes -= bytes;
    this.total.bytes -= bytes;
  }

  close(): void {
    this.bodies -= 1;
  }
}

export function createBodyBook(): BodyBook {
  const total: Total = { bytes: 0 };
  // Both grow with what configs name, not with what clients say.
  const tenants = new Map<string, BodyShare>();
  const keys = new Map<string, BodyShare>();
  const nobody = new BodyShare(total);
  const shareIn = (shares: Map<string, BodyShare>, name: string): BodyShare => {
    let share = shares.get(name);
    if (share === undefined) shares.set(name, (share = new BodyShare(total)));
    return share;
  };
  return {
    shareOf(tenant, keyId) {
      if (tenant !== null) return shareIn(tenants, tenant);
      return keyId === null ? nobody : shareIn(keys, keyId);
    },
    operator: new BodyShare(total),
    held: () => total.bytes,
  };
}
