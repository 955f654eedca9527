// Turns at something of limited concurrency, fair between tenants: each has a line of its own, and the lines are served in turn.
// A waiter that leaves gives up its place at once; every turn is released exactly once, whatever happens to its holder.

/** `position`: the place at which it came to wait, 1 = next; null when it did not wait. */
export type Turn = { readonly waitedMs: number; readonly position: number | null; release(): void };

export type QueueRefusal = "full" | "too-long";

/** Where somebody waits. */
export type QueuePlace = {
  /** 1: next, if nobody else comes and nobody is at a limit of its own. */
  position(): number;
  waitedMs(): number;
};

export type TurnRequest = {
  /** Whose line; null is the line of all that belong to no tenant. */
  readonly tenant?: string | null;
  /** At the head of its line, however many wait there. */
  readonly goesFirst?: boolean;
  /** Told when it has to wait. */
  readonly onPlace?: (place: QueuePlace) => void;
};

export type TurnQueue = {
  /** A turn if one is free now: what most requests get, without a promise. */
  tryTake(tenant?: string | null): Turn | null;
  /** Resolves with a turn, or with why there is none. Rejects with the signal's reason when it aborts. */
  take(signal: AbortSignal, request?: TurnRequest): Promise<Turn | QueueRefusal>;
  counts(): { running: number; waiting: number };
  /** Turns that are out, by whose they are; null is those of no tenant. */
  runningByTenant(): readonly (readonly [tenant: string | null, running: number])[];
  /** How long somebody new in this line would wait, as turns have lasted of late; null while none has ended. */
  expectedWaitMs(tenant: string | null): number | null;
};

export type QueueLimits = {
  /** Turns at once; null = no limit. */
  readonly limit: number | null;
  /** Of them for one tenant; null = no limit. */
  readonly limitPerTenant: number | null;
  /** Places to wait. */
  readonly depth: number;
  /** Of them for one tenant. */
  readonly depthPerTenant: number;
  readonly waitMs: number;
};

export type AdjustableQueue = TurnQueue & {
  /** From now on these limits hold. Nobody loses a turn or a place by it; more room is given away at once. */
  adjust(limits: QueueLimits): void;
};

type Waiter = { readonly start: () => void };
type TenantLine = {
  running: number;
  /** The number of the last turn that was given to it; the line with the lowest is next. */
  lastTurn: number;
  /** Sets: who leaves is taken out of the middle without a search. */
  readonly first: Set<Waiter>;
  readonly others: Set<Waiter>;
};

const plainTurnRequest: TurnRequest = {};

export function createQueue(
  options: QueueLimits & {
    readonly monotonicMs: () => number;
    readonly setTimer: (ms: number, run: () => void) => () => void;
  },
): AdjustableQueue {
  const { monotonicMs } = options;
  let limits: QueueLimits = options;
  let running = 0;
  let waiting = 0;
  let turns = 0;
  /** A moving mean of how long turns last. */
  let serviceMs: number | null = null;
  /** In the order in which they first came. One stays: whose turn it was last is known only by it. */
  const lines = new Map<string | null, TenantLine>();

  const lineOf = (tenant: string | null): TenantLine => {
    let line = lines.get(tenant);
    if (line === undefined) {
      line = { running: 0, lastTurn: 0, first: new Set(), others: new Set() };
      lines.set(tenant, line);
    }
    return line;
  };
  const lengthOf = ({ first, others }: TenantLine): number => first.size + others.size;
  const hasRoom = (): boolean => limits.limit === null || running < limits.limit;
  const mayRun = (line: TenantLine): boolean =>
    limits.limitPerTenant === null || line.running < limits.limitPerTenant;

  /** Whoever waits while there is room waits for its own tenant's limit: nobody is held up by another's. */
  const serveWaiting = (): void => {
    while (waiting > 0 && hasRoom()) {
      let next: TenantLine | null = null;
      for (const line of lines.values())
        if (lengthOf(line) > 0 && mayRun(line) && (next === null || line.lastTurn < next.lastTurn))
          next = line;
      if (next === null) return;
      const [waiter] = next.first.size > 0 ? next.first : next.others;
      waiter?.start();
    }
  };

  const grant = (line: TenantLine, waitedMs: number, position: number | null): Turn => {
    running += 1;
    line.running += 1;
    turns += 1;
    line.lastTurn = turns;
    const startedMs = monotonicMs();
    let isReleased = false;
    return {
      waitedMs,
      position,
      release() {
        if (isReleased) return;
        isReleased = true;
        running -= 1;
        line.running -= 1;
        const heldMs = monotonicMs() - startedMs;
        serviceMs = serviceMs === null ? heldMs : serviceMs * 0.8 + heldMs * 0.2;
        serveWaiting();
      },
    };
  };

  /** The place of one that has `ahead` before it in its own line: of every other line as many go before it as have their turn first. */
  const positionIn = (own: TenantLine, ahead: number): number => {
    let position = ahead + 1;
    for (const line of lines.values()) {
      const before = line.lastTurn < own.lastTurn ? ahead + 1 : ahead;
      if (line !== own) position += Math.min(lengthOf(line), before);
    }
    return position;
  };

  const wait = (
    line: TenantLine,
    request: TurnRequest,
    signal: AbortSignal,
  ): Promise<Turn | QueueRefusal> => {
    const startedMs = monotonicMs();
    const own = request.goesFirst === true ? line.first : line.others;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        stopTimer();
        signal.removeEventListener("abort", onAbort);
        if (own.delete(waiter)) waiting -= 1;
      };
      const aheadOf = (): number => {
        let ahead = own === line.first ? 0 : line.first.size;
        for (const each of own) {
          if (each === waiter) break;
          ahead += 1;
        }
        return ahead;
      };
      const waitedMs = (): number => monotonicMs() - startedMs;
      const cameAt = positionIn(line, own === line.first ? own.size : lengthOf(line));
      const waiter: Waiter = {
        start() {
          leave();
          resolve(grant(line, waitedMs(), cameAt));
        },
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const stopTimer = options.setTimer(limits.waitMs, () => {
        leave();
        resolve("too-long");
      });
      signal.addEventListener("abort", onAbort, { once: true });
      own.add(waiter);
      waiting += 1;
      request.onPlace?.({ position: () => positionIn(line, aheadOf()), waitedMs });
    });
  };

  return {
    counts: () => ({ running, waiting }),
    runningByTenant: () =>
      [...lines].flatMap(([tenant, line]) => (line.running > 0 ? [[tenant, line.running] as const] : [])),
    adjust(next) {
      limits = next;
      serveWaiting();
    },
    // With room for both nobody of this line can be waiting: who could have run was served.
    tryTake(tenant = null) {
      if (!hasRoom()) return null;
      const line = lineOf(tenant);
      return mayRun(line) ? grant(line, 0, null) : null;
    },
    take(signal, request = plainTurnRequest) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const line = lineOf(request.tenant ?? null);
      if (hasRoom() && mayRun(line)) return Promise.resolve(grant(line, 0, null));
      const isFull = waiting >= limits.depth || lengthOf(line) >= limits.depthPerTenant;
      return isFull && request.goesFirst !== true ? Promise.resolve("full") : wait(line, request, signal);
    },
    expectedWaitMs(tenant) {
      if (serviceMs === null) return null;
      const line = lineOf(tenant);
      const own = lengthOf(line);
      const ofAll = limits.limit === null ? 0 : positionIn(line, own) / limits.limit;
      const isHeldUp = own > 0 || !mayRun(line);
      const ofTenant = limits.limitPerTenant === null || !isHeldUp ? 0 : (own + 1) / limits.limitPerTenant;
      return serviceMs * Math.max(ofAll, ofTenant);
    },
  };
}
