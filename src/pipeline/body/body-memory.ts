// Counts the bytes of request bodies in memory, in total and per caller, and queues bodies that wait for room. One per
// process, because a reload frees no memory. It must never give a caller the room that other callers need to be admitted.

export type BodyMemory = {
  /** The account of a tenant, else of a key, else of all callers without either. The same object every time. */
  shareOf(tenant: string | null, keyId: string | null): BodyShare;
  /** The account of the operator's own routes. */
  readonly operator: BodyShare;
  held(): number;
};

type TotalMemory = { bytes: number; readonly waiting: BodyTurn[] };

/** Small bodies may take this many times the free room: large bodies of the same caller leave them a quarter of the limit. */
const smallOverFree = 3;
/** For each waiting body the runtime buffers up to about a megabyte that is not counted (Bun 1.4.5). */
const maxWaiting = 64;

/** What one caller holds. A class, because every request uses it. */
export class BodyShare {
  private bytes = 0;
  private bodies = 0;
  /** Bytes that bodies with a turn have yet to deliver. */
  private promised = 0;
  private waiting = 0;

  constructor(private readonly total: TotalMemory) {}

  /** A body begins. */
  open(): void {
    this.bodies += 1;
  }

  /**
   * Reserves more bytes; false: too many, and nothing is reserved. A caller alone may hold half of the limit, and with n
   * similar callers 1/(n + 2) of it, so there is always room for a newcomer. A caller's only body may fill the limit.
   */
  reserve(bytes: number, limitBytes: number, isSmall: boolean): boolean {
    const free = limitBytes - this.total.bytes;
    const most = isSmall ? smallOverFree * free : free;
    if (bytes > free || (this.bodies > 1 && this.bytes + bytes > most)) return false;
    this.bytes += bytes;
    this.total.bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.bytes -= bytes;
    this.total.bytes -= bytes;
  }

  close(): void {
    this.bodies -= 1;
    wakeWaiting(this.total);
  }

  /**
   * Null: there is room for a body of that length, and its bytes are promised to it; else it has to wait for its turn.
   */
  waitTurn(length: number, limitBytes: number): BodyTurn | null {
    if (this.waiting === 0 && this.promise(length, limitBytes)) return null;
    const turn = new BodyTurn(this, length, limitBytes);
    if (this.total.waiting.length >= maxWaiting) {
      turn.leave();
      return turn;
    }
    this.waiting += 1;
    this.total.waiting.push(turn);
    return turn;
  }

  /** A waiting body blocks no caller that needs less: only `take` decides. */
  promise(length: number, limitBytes: number): boolean {
    const others = this.total.bytes - this.bytes;
    const all = this.bytes + this.promised + length;
    if (all > length ? 2 * all > limitBytes - others : length > limitBytes - others) return false;
    this.promised += length;
    return true;
  }

  /** This many promised bytes have arrived, or will not arrive. */
  reducePromise(bytes: number): void {
    this.promised -= bytes;
  }

  /** Waits no longer. */
  leave(turn: BodyTurn): void {
    const at = this.total.waiting.indexOf(turn);
    if (at < 0) return;
    this.total.waiting.splice(at, 1);
    this.waiting -= 1;
  }
}

/** A large body's wait for room: if all were read at once, all would be half read and none would fit. */
export class BodyTurn {
  /** True: it got its turn; false: it did not wait for one. */
  isPromised = false;
  private readonly end = Promise.withResolvers<void>();
  readonly over = this.end.promise;

  constructor(
    readonly share: BodyShare,
    readonly length: number,
    readonly limitBytes: number,
  ) {}

  /** Waits no longer. Idempotent. */
  leave(): void {
    this.share.leave(this);
    this.end.resolve();
  }
}

/** One at a time, and never before an older one of the same caller. */
function wakeWaiting({ waiting }: TotalMemory): void {
  if (waiting.length === 0) return;
  const full = new Set<BodyShare>();
  for (const turn of waiting.slice()) {
    const { share, length, limitBytes } = turn;
    if (full.has(share)) continue;
    turn.isPromised = share.promise(length, limitBytes);
    if (turn.isPromised) turn.leave();
    else full.add(share);
  }
}

export function createBodyMemory(): BodyMemory {
  const total: TotalMemory = { bytes: 0, waiting: [] };
  // Both grow with what configs name, not with what clients send.
  const tenants = new Map<string, BodyShare>();
  const keys = new Map<string, BodyShare>();
  const anonymous = new BodyShare(total);
  const shareIn = (shares: Map<string, BodyShare>, name: string): BodyShare => {
    let share = shares.get(name);
    if (share === undefined) shares.set(name, (share = new BodyShare(total)));
    return share;
  };
  return {
    shareOf(tenant, keyId) {
      if (tenant !== null) return shareIn(tenants, tenant);
      return keyId === null ? anonymous : shareIn(keys, keyId);
    },
    operator: new BodyShare(total),
    held: () => total.bytes,
  };
}
