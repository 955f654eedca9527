// Starts processes before a request needs them, so that a first word takes a fraction of a cold start. Each serves one
// conversation. It must never hand out a dead one, nor keep more than the machine's memory allows.

import type { Clock } from "../../system/clock.ts";
import { type AgentProcess, isUsable } from "./child-process.ts";

export type PoolLimits = {
  /** Processes in stock for one key; 0: none is started ahead. */
  readonly size: number;
  /** Limit of all keys together. */
  readonly max: number;
  readonly idleMs: number;
};

export type Claim = { readonly child: AgentProcess; readonly isWarm: boolean };

/** Orders of one key start interchangeable processes; only `start` knows an order's content. */
export type Pool<Order> = {
  /** A process for the caller, who must stop it. Rejects with a Failure when none can be started. */
  claim(key: string, order: Order): Promise<Claim>;
  /** One that was not in stock. */
  startCold(order: Order): Promise<AgentProcess>;
  /** The claimed process has its first word: its successor need not wait any longer. */
  refillNow(key: string): void;
  /** Starts processes that no request has asked for yet, in the background. */
  prime(key: string, order: Order): void;
  counts(): { readonly warm: number; readonly starting: number };
  /** Stops the stock; from then on every start is cold. Settles when no start is pending. */
  stop(): Promise<void>;
};

export type PoolOptions<Order> = {
  readonly clock: Clock;
  readonly limits: PoolLimits;
  readonly start: (order: Order) => Promise<AgentProcess>;
  /** How many more processes the machine's memory allows. */
  readonly childrenThatFit: () => Promise<number>;
  readonly dispose: (child: AgentProcess) => void;
  /** Called with failures while no request waited. */
  readonly onTrouble: (error: unknown) => void;
};

type Entry<Order> = {
  /** The newest. */
  order: Order;
  readonly ready: Warm[];
  starting: number;
  /** Above the setting where requests arrive faster than processes start. */
  wanted: number;
  /** Ended without having served, one after the other. */
  earlyExits: number;
  /** Null: no start is delayed. */
  cancelRefill: (() => void) | null;
};
type Warm = { readonly child: AgentProcess; readonly cancelIdle: () => void };

/** A key whose processes keep ending by themselves is dropped after this many. */
const maxEarlyExits = 3;
/** The process just taken needs the CPU more, until its first word or for this long. */
const refillDelayMs = 1_000;
const maxKeys = 64;

export function createPool<Order>(options: PoolOptions<Order>): Pool<Order> {
  return new ProcessPool(options);
}

class ProcessPool<Order> implements Pool<Order> {
  /** The key used last is last. */
  private readonly entries = new Map<string, Entry<Order>>();
  private readonly filling = new Set<Promise<void>>();
  private isStopped = false;

  constructor(private readonly options: PoolOptions<Order>) {}

  async claim(key: string, order: Order): Promise<Claim> {
    const { limits, dispose, start } = this.options;
    const isKnown = this.entries.has(key);
    const entry = this.entryOf(key, order);
    this.refill(entry);
    for (let warm = entry.ready.shift(); warm !== undefined; warm = entry.ready.shift()) {
      warm.cancelIdle();
      if (await isUsable(warm.child)) return { child: warm.child, isWarm: true };
      dispose(warm.child);
    }
    if (isKnown) entry.wanted = Math.min(entry.wanted + 1, Math.max(limits.max, limits.size));
    return { child: await start(order), isWarm: false };
  }

  startCold(order: Order): Promise<AgentProcess> {
    return this.options.start(order);
  }

  refillNow(key: string): void {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.cancelRefill !== null) this.fillNow(entry);
  }

  prime(key: string, order: Order): void {
    this.fillNow(this.entryOf(key, order));
  }

  counts(): { readonly warm: number; readonly starting: number } {
    let [warm, starting] = [0, 0];
    for (const entry of this.entries.values()) {
      warm += entry.ready.length;
      starting += entry.starting;
    }
    return { warm, starting };
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const entry of this.entries.values()) {
      cancelRefill(entry);
      for (let warm = entry.ready[0]; warm !== undefined; warm = entry.ready[0]) this.drop(entry, warm);
    }
    await Promise.all(this.filling);
  }

  private entryOf(key: string, order: Order): Entry<Order> {
    const known = this.entries.get(key);
    this.entries.delete(key);
    const entry = known ?? {
      order,
      ready: [],
      starting: 0,
      wanted: this.options.limits.size,
      earlyExits: 0,
      cancelRefill: null,
    };
    entry.order = order;
    entry.earlyExits = 0;
    this.entries.set(key, entry);
    // Keys that no request has used recently are dropped.
    for (const [old, { ready, starting }] of this.entries) {
      if (this.entries.size <= maxKeys) break;
      if (ready.length === 0 && starting === 0) this.entries.delete(old);
    }
    return entry;
  }

  private refill(entry: Entry<Order>): void {
    cancelRefill(entry);
    if (this.isStopped || this.options.limits.size <= 0) return;
    entry.cancelRefill = this.options.clock.setTimer(refillDelayMs, () => this.fillNow(entry));
  }

  private fillNow(entry: Entry<Order>): void {
    cancelRefill(entry);
    if (this.isStopped || this.options.limits.size <= 0) return;
    const filled = this.fill(entry)
      .catch(this.options.onTrouble)
      .finally(() => this.filling.delete(filled));
    this.filling.add(filled);
  }

  private async fill(entry: Entry<Order>): Promise<void> {
    const { childrenThatFit, start, dispose } = this.options;
    while (!this.isStopped && entry.ready.length + entry.starting < entry.wanted && this.makeRoom(entry)) {
      entry.starting++;
      try {
        if ((await childrenThatFit()) < 1 || this.isStopped) return;
        const child = await start(entry.order);
        if (this.isStopped) dispose(child);
        else this.addWarm(entry, child);
      } finally {
        entry.starting--;
      }
    }
  }

  /** Makes room for one more of this key by dropping from the least recently used key. */
  private makeRoom(wanted: Entry<Order>): boolean {
    const { limits } = this.options;
    const { warm, starting } = this.counts();
    if (warm + starting < limits.max) return true;
    if (wanted.ready.length + wanted.starting >= limits.size) return false;
    for (const entry of this.entries.values()) {
      if (entry === wanted) return false;
      const oldest = entry.ready[0];
      if (oldest !== undefined) return this.drop(entry, oldest);
    }
    return false;
  }

  private addWarm(entry: Entry<Order>, child: AgentProcess): void {
    const { clock, limits } = this.options;
    const giveUp = (): void => {
      entry.wanted = limits.size;
      this.drop(entry, warm);
    };
    const warm: Warm = { child, cancelIdle: clock.setTimer(limits.idleMs, giveUp) };
    entry.ready.push(warm);
    void child.exited.then(() => {
      if (!this.drop(entry, warm) || this.isStopped) return;
      entry.earlyExits++;
      if (entry.earlyExits < maxEarlyExits) this.refill(entry);
    });
  }

  private drop(entry: Entry<Order>, warm: Warm): boolean {
    const at = entry.ready.indexOf(warm);
    if (at < 0) return false;
    warm.cancelIdle();
    entry.ready.splice(at, 1);
    this.options.dispose(warm.child);
    return true;
  }
}

function cancelRefill(entry: Pick<Entry<unknown>, "cancelRefill">): void {
  entry.cancelRefill?.();
  entry.cancelRefill = null;
}
