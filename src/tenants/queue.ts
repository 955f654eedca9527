// A queue for turns at a resource of limited concurrency, fair between tenants: each tenant has its own line, and the lines are
// served round-robin. A waiter that leaves gives up its place at once; every turn is released exactly once, whatever happens to
// its holder.

/** `position`: its place in the queue when it began to wait, 1 = next; null when it did not wait. */
export type Turn = { readonly waitedMs: number; readonly position: number | null; release(): void };

export type QueueRefusal = "full" | "too-long";

/** A waiter's place. */
export type QueuePlace = {
  /** 1: next, if no other waiter comes and no tenant is at its own limit. */
  position(): number;
  waitedMs(): number;
};

export type TurnRequest = {
  /** The tenant's line; null: the line of all requests without a tenant. */
  readonly tenant?: string | null;
  /** At the head of its line, however many wait there. */
  readonly goesFirst?: boolean;
  /** Called when it has to wait. */
  readonly onPlace?: (place: QueuePlace) => void;
};

export type TurnQueue = {
  /** A turn if one is free now: the case of most requests, without a promise. */
  tryTake(tenant?: string | null): Turn | null;
  /** Resolves with a turn, or with the reason why there is none. Rejects with the signal's reason when it aborts. */
  take(signal: AbortSignal, request?: TurnRequest): Promise<Turn | QueueRefusal>;
  counts(): { running: number; waiting: number };
  /** Turns in use, by tenant; null: without a tenant. */
  runningByTenant(): readonly (readonly [tenant: string | null, running: number])[];
  /** How long a new waiter in this line would wait, judged by recent turns; null while none has ended. */
  expectedWaitMs(tenant: string | null): number | null;
};

export type QueueLimits = {
  /** Concurrent turns; null = no limit. */
  readonly limit: number | null;
  /** Of them for one tenant; null = no limit. */
  readonly limitPerTenant: number | null;
  /** Waiting places. */
  readonly depth: number;
  /** Of them for one tenant. */
  readonly depthPerTenant: number;
  readonly waitMs: number;
};

export type AdjustableQueue = TurnQueue & {
  /** Applies new limits. No request loses its turn or place; additional room is given out at once. */
  adjust(limits: QueueLimits): void;
};

export type QueueClock = {
  readonly monotonicMs: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

const plainTurnRequest: TurnRequest = {};

/** Those of one tenant. */
class TenantLine {
  running = 0;
  /** The number of the last turn given to the line; the line with the lowest is next. */
  lastTurn = 0;
  /** Sets: a waiter that leaves is removed from the middle without a search. */
  readonly first = new Set<Waiter>();
  readonly others = new Set<Waiter>();

  get length(): number {
    return this.first.size + this.others.size;
  }

  next(): Waiter | undefined {
    const [waiter] = this.first.size > 0 ? this.first : this.others;
    return waiter;
  }
}

class GrantedTurn implements Turn {
  private readonly startedMs: number;
  private isReleased = false;

  constructor(
    private readonly queue: FairQueue,
    private readonly line: TenantLine,
    readonly waitedMs: number,
    readonly position: number | null,
  ) {
    this.startedMs = queue.clock.monotonicMs();
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.queue.takeBack(this.line, this.queue.clock.monotonicMs() - this.startedMs);
  }
}

type Waiting = {
  readonly goesFirst: boolean;
  readonly signal: AbortSignal;
  resolve(answer: Turn | QueueRefusal): void;
  reject(reason: unknown): void;
};

/** A waiter in a line. */
class Waiter implements QueuePlace {
  private readonly startedMs: number;
  private readonly own: Set<Waiter>;
  private readonly cameAt: number;
  private readonly stopTimer: () => void;
  private readonly onAbort = (): void => {
    this.leave();
    this.asked.reject(this.asked.signal.reason);
  };

  constructor(
    private readonly queue: FairQueue,
    private readonly line: TenantLine,
    private readonly asked: Waiting,
  ) {
    const { goesFirst, signal } = asked;
    this.startedMs = queue.clock.monotonicMs();
    this.own = goesFirst ? line.first : line.others;
    this.cameAt = queue.positionIn(line, goesFirst ? this.own.size : line.length);
    this.stopTimer = queue.clock.setTimer(queue.waitMs, () => {
      this.leave();
      asked.resolve("too-long");
    });
    signal.addEventListener("abort", this.onAbort, { once: true });
    this.own.add(this);
  }

  start(): void {
    this.leave();
    this.asked.resolve(this.queue.grant(this.line, this.waitedMs(), this.cameAt));
  }

  position(): number {
    let ahead = this.own === this.line.first ? 0 : this.line.first.size;
    for (const each of this.own) {
      if (each === this) break;
      ahead += 1;
    }
    return this.queue.positionIn(this.line, ahead);
  }

  waitedMs(): number {
    return this.queue.clock.monotonicMs() - this.startedMs;
  }

  private leave(): void {
    this.stopTimer();
    this.asked.signal.removeEventListener("abort", this.onAbort);
    if (this.own.delete(this)) this.queue.waiterLeft();
  }
}

export function createQueue(options: QueueLimits & QueueClock): AdjustableQueue {
  return new FairQueue(options, options);
}

class FairQueue implements AdjustableQueue {
  private running = 0;
  private waiting = 0;
  private turns = 0;
  /** A moving mean of how long turns last. */
  private serviceMs: number | null = null;
  /** Lines in order of creation. A line is kept, because only it records when its last turn was. */
  private readonly lines = new Map<string | null, TenantLine>();

  constructor(
    private limits: QueueLimits,
    readonly clock: QueueClock,
  ) {}

  get waitMs(): number {
    return this.limits.waitMs;
  }

  counts(): { running: number; waiting: number } {
    return { running: this.running, waiting: this.waiting };
  }

  runningByTenant(): readonly (readonly [tenant: string | null, running: number])[] {
    return [...this.lines].flatMap(([tenant, { running }]) =>
      running > 0 ? [[tenant, running] as const] : [],
    );
  }

  adjust(next: QueueLimits): void {
    this.limits = next;
    this.serveWaiting();
  }

  // With room for both, nothing can be waiting in this line: a waiter that could run has been served.
  tryTake(tenant: string | null = null): Turn | null {
    if (!this.hasRoom()) return null;
    const line = this.lineOf(tenant);
    return this.mayRun(line) ? this.grant(line, 0, null) : null;
  }

  take(signal: AbortSignal, request: TurnRequest = plainTurnRequest): Promise<Turn | QueueRefusal> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const { limits } = this;
    const line = this.lineOf(request.tenant ?? null);
    if (this.hasRoom() && this.mayRun(line)) return Promise.resolve(this.grant(line, 0, null));
    const isFull = this.waiting >= limits.depth || line.length >= limits.depthPerTenant;
    return isFull && request.goesFirst !== true ? Promise.resolve("full") : this.wait(line, request, signal);
  }

  expectedWaitMs(tenant: string | null): number | null {
    const { serviceMs, limits } = this;
    if (serviceMs === null) return null;
    const line = this.lineOf(tenant);
    const own = line.length;
    const ofAll = limits.limit === null ? 0 : this.positionIn(line, own) / limits.limit;
    const isHeldUp = own > 0 || !this.mayRun(line);
    const ofTenant = limits.limitPerTenant === null || !isHeldUp ? 0 : (own + 1) / limits.limitPerTenant;
    return serviceMs * Math.max(ofAll, ofTenant);
  }

  grant(line: TenantLine, waitedMs: number, position: number | null): Turn {
    this.running += 1;
    line.running += 1;
    this.turns += 1;
    line.lastTurn = this.turns;
    return new GrantedTurn(this, line, waitedMs, position);
  }

  takeBack(line: TenantLine, heldMs: number): void {
    this.running -= 1;
    line.running -= 1;
    this.serviceMs = this.serviceMs === null ? heldMs : this.serviceMs * 0.8 + heldMs * 0.2;
    this.serveWaiting();
  }

  waiterLeft(): void {
    this.waiting -= 1;
  }

  /**
   * The place of a waiter with `ahead` others before it in its line: from every other line, those whose turn comes first are
   * added.
   */
  positionIn(own: TenantLine, ahead: number): number {
    let position = ahead + 1;
    for (const line of this.lines.values()) {
      const before = line.lastTurn < own.lastTurn ? ahead + 1 : ahead;
      if (line !== own) position += Math.min(line.length, before);
    }
    return position;
  }

  private wait(line: TenantLine, request: TurnRequest, signal: AbortSignal): Promise<Turn | QueueRefusal> {
    return new Promise((resolve, reject) => {
      const goesFirst = request.goesFirst === true;
      const waiter = new Waiter(this, line, { goesFirst, signal, resolve, reject });
      this.waiting += 1;
      request.onPlace?.(waiter);
    });
  }

  private lineOf(tenant: string | null): TenantLine {
    let line = this.lines.get(tenant);
    if (line === undefined) this.lines.set(tenant, (line = new TenantLine()));
    return line;
  }

  private hasRoom(): boolean {
    return this.limits.limit === null || this.running < this.limits.limit;
  }

  private mayRun(line: TenantLine): boolean {
    return this.limits.limitPerTenant === null || line.running < this.limits.limitPerTenant;
  }

  /**
   * A waiter that waits although there is room is at its own tenant's limit: no tenant is held up by another's limit.
   */
  private serveWaiting(): void {
    while (this.waiting > 0 && this.hasRoom()) {
      let next: TenantLine | null = null;
      for (const line of this.lines.values())
        if (line.length > 0 && this.mayRun(line) && (next === null || line.lastTurn < next.lastTurn))
          next = line;
      if (next === null) return;
      next.next()?.start();
    }
  }
}
