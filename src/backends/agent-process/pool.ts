// Processes started before anybody asked, so that a first word takes a fraction of a cold start. Each serves one conversation.
// It must never hand out one that is gone, nor keep more than the machine has memory for.

import type { Clock } from "../../system/clock.ts";
import { type AgentProcess, isUsable } from "./child-process.ts";
import type { Launch } from "../claude-code/launch.ts";

export type PoolLimits = {
  /** Processes in stock for one key; 0: none is started ahead. */
  readonly size: number;
  /** Of all keys together. */
  readonly max: number;
  readonly idleMs: number;
};

export type Claim = { readonly child: AgentProcess; readonly isWarm: boolean };

export type Pool = {
  /** A process of its own for the caller, who stops it. Rejects with a Failure when none can be started. */
  claim(key: string, launch: Launch): Promise<Claim>;
  /** One that was not in stock. */
  startCold(launch: Launch): Promise<AgentProcess>;
  /** The first word of the one that was claimed is there: its successor need not wait any longer. */
  refillNow(key: string): void;
  /** Starts what nobody has asked for yet, in the background. */
  prime(key: string, launch: Launch): void;
  counts(): { readonly warm: number; readonly starting: number };
  /** Gives up the stock; from then on every start is a cold one. Settles when none is on its way any more. */
  stop(): Promise<void>;
};

type PoolEntry = {
  launch: Launch;
  readonly ready: Warm[];
  starting: number;
  /** More than the setting where requests came faster than processes start. */
  wanted: number;
  /** Ended without having served, one after the other. */
  earlyExits: number;
  /** Null: nothing is put off. */
  cancelRefill: (() => void) | null;
};
type Warm = { readonly child: AgentProcess; readonly cancelIdle: () => void };

/** A key whose processes end by themselves is not tried for ever. */
const mostEarlyExits = 3;
/** The one that was just taken needs the machine more, until its first word or for so long. */
const refillDelayMs = 1_000;

export function createPool(options: {
  readonly clock: Clock;
  readonly limits: PoolLimits;
  readonly start: (launch: Launch) => Promise<AgentProcess>;
  /** How many more processes the machine's memory allows. */
  readonly childrenThatFit: () => Promise<number>;
  readonly dispose: (child: AgentProcess) => void;
  /** Told of what went wrong while nobody waited. */
  readonly onTrouble: (error: unknown) => void;
}): Pool {
  const { clock, limits, dispose } = options;
  /** The key used last stands last. */
  const entries = new Map<string, PoolEntry>();
  const filling = new Set<Promise<void>>();
  let isStopped = false;

  const warmCount = (): number => sum((entry) => entry.ready.length);
  const startingCount = (): number => sum((entry) => entry.starting);
  const sum = (count: (entry: PoolEntry) => number): number => {
    let total = 0;
    for (const entry of entries.values()) total += count(entry);
    return total;
  };

  const drop = (entry: PoolEntry, warm: Warm): boolean => {
    const at = entry.ready.indexOf(warm);
    if (at < 0) return false;
    warm.cancelIdle();
    entry.ready.splice(at, 1);
    dispose(warm.child);
    return true;
  };

  const addWarm = (entry: PoolEntry, child: AgentProcess): void => {
    const giveUp = (): void => {
      entry.wanted = limits.size;
      drop(entry, warm);
    };
    const warm: Warm = { child, cancelIdle: clock.setTimer(limits.idleMs, giveUp) };
    entry.ready.push(warm);
    void child.exited.then(() => {
      if (!drop(entry, warm) || isStopped) return;
      entry.earlyExits++;
      if (entry.earlyExits < mostEarlyExits) refill(entry);
    });
  };

  /** Room for one more of this key, made at the cost of the key that was used longest ago. */
  const hasRoom = (wanted: PoolEntry): boolean => {
    if (warmCount() + startingCount() < limits.max) return true;
    if (wanted.ready.length + wanted.starting >= limits.size) return false;
    for (const entry of entries.values()) {
      if (entry === wanted) return false;
      const oldest = entry.ready[0];
      if (oldest !== undefined) return drop(entry, oldest);
    }
    return false;
  };

  const fill = async (entry: PoolEntry): Promise<void> => {
    while (!isStopped && entry.ready.length + entry.starting < entry.wanted && hasRoom(entry)) {
      entry.starting++;
      try {
        if ((await options.childrenThatFit()) < 1 || isStopped) return;
        const child = await options.start(entry.launch);
        if (isStopped) dispose(child);
        else addWarm(entry, child);
      } finally {
        entry.starting--;
      }
    }
  };

  const cancelRefill = (entry: PoolEntry): void => {
    entry.cancelRefill?.();
    entry.cancelRefill = null;
  };
  const fillNow = (entry: PoolEntry): void => {
    cancelRefill(entry);
    if (isStopped || limits.size <= 0) return;
    const filled = fill(entry)
      .catch(options.onTrouble)
      .finally(() => filling.delete(filled));
    filling.add(filled);
  };
  const refill = (entry: PoolEntry): void => {
    cancelRefill(entry);
    if (isStopped || limits.size <= 0) return;
    entry.cancelRefill = clock.setTimer(refillDelayMs, () => fillNow(entry));
  };

  const entryOf = (key: string, launch: Launch): PoolEntry => {
    const known = entries.get(key);
    entries.delete(key);
    const entry = known ?? {
      launch,
      ready: [],
      starting: 0,
      wanted: limits.size,
      earlyExits: 0,
      cancelRefill: null,
    };
    entry.launch = launch;
    entry.earlyExits = 0;
    entries.set(key, entry);
    // What nobody has asked for in a while is forgotten.
    for (const [old, { ready, starting }] of entries) {
      if (entries.size <= 64) break;
      if (ready.length === 0 && starting === 0) entries.delete(old);
    }
    return entry;
  };

  return {
    async claim(key, launch) {
      const isKnown = entries.has(key);
      const entry = entryOf(key, launch);
      refill(entry);
      for (let warm = entry.ready.shift(); warm !== undefined; warm = entry.ready.shift()) {
        warm.cancelIdle();
        if (await isUsable(warm.child)) return { child: warm.child, isWarm: true };
        dispose(warm.child);
      }
      if (isKnown) entry.wanted = Math.min(entry.wanted + 1, Math.max(limits.max, limits.size));
      return { child: await options.start(launch), isWarm: false };
    },
    startCold: (launch) => options.start(launch),
    refillNow(key) {
      const entry = entries.get(key);
      if (entry !== undefined && entry.cancelRefill !== null) fillNow(entry);
    },
    prime: (key, launch) => fillNow(entryOf(key, launch)),
    counts: () => ({ warm: warmCount(), starting: startingCount() }),
    async stop() {
      isStopped = true;
      for (const entry of entries.values()) {
        cancelRefill(entry);
        for (let warm = entry.ready[0]; warm !== undefined; warm = entry.ready[0]) drop(entry, warm);
      }
      await Promise.all(filling);
    },
  };
}
