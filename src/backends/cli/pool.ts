// Processes started before anybody asked, so that a first word takes a fraction of a cold start. Each serves one conversation.
// It must never hand out one that is gone, nor keep more than the machine has memory for.

import type { Clock } from "../../system/clock.ts";
import { type CliChild, isUsable } from "./child.ts";
import type { Launch } from "./launch.ts";

export type PoolLimits = {
  /** Processes in stock for one key; 0: none is started ahead. */
  readonly size: number;
  /** Of all keys together. */
  readonly max: number;
  readonly idleMs: number;
};

export type Claim = { readonly child: CliChild; readonly isWarm: boolean };

export type Pool = {
  /** A process of its own for the caller, who stops it. Rejects with a Failure when none can be started. */
  claim(key: string, launch: Launch): Promise<Claim>;
  /** One that was not in stock. */
  startCold(launch: Launch): Promise<CliChild>;
  /** The first word of the one that was claimed is there: its successor need not wait any longer. */
  relieve(key: string): void;
  /** Starts what nobody has asked for yet, in the background. */
  prime(key: string, launch: Launch): void;
  counts(): { readonly warm: number; readonly starting: number };
  /** Gives up the stock; from then on every start is a cold one. Settles when none is on its way any more. */
  stop(): Promise<void>;
};

type Shelf = {
  launch: Launch;
  readonly ready: Warm[];
  starting: number;
  /** More than the setting where requests came faster than processes start. */
  wanted: number;
  /** Ended without having served, one after the other. */
  deaths: number;
  /** Null: nothing is put off. */
  cancelRefill: (() => void) | null;
};
type Warm = { readonly child: CliChild; readonly cancelIdle: () => void };

/** A key whose processes end by themselves is not tried for ever. */
const mostDeaths = 3;
/** The one that was just taken needs the machine more, until its first word or for so long. */
const refillDelayMs = 1_000;

export function createPool(options: {
  readonly clock: Clock;
  readonly limits: PoolLimits;
  readonly start: (launch: Launch) => Promise<CliChild>;
  /** How many more processes the machine's memory allows. */
  readonly childrenThatFit: () => Promise<number>;
  readonly dispose: (child: CliChild) => void;
  /** Told of what went wrong while nobody waited. */
  readonly onTrouble: (error: unknown) => void;
}): Pool {
  const { clock, limits, dispose } = options;
  /** The key used last stands last. */
  const shelves = new Map<string, Shelf>();
  const filling = new Set<Promise<void>>();
  let isStopped = false;

  const warmCount = (): number => sum((shelf) => shelf.ready.length);
  const startingCount = (): number => sum((shelf) => shelf.starting);
  const sum = (count: (shelf: Shelf) => number): number => {
    let total = 0;
    for (const shelf of shelves.values()) total += count(shelf);
    return total;
  };

  const drop = (shelf: Shelf, warm: Warm): boolean => {
    const at = shelf.ready.indexOf(warm);
    if (at < 0) return false;
    warm.cancelIdle();
    shelf.ready.splice(at, 1);
    dispose(warm.child);
    return true;
  };

  const store = (shelf: Shelf, child: CliChild): void => {
    const giveUp = (): void => {
      shelf.wanted = limits.size;
      drop(shelf, warm);
    };
    const warm: Warm = { child, cancelIdle: clock.setTimer(limits.idleMs, giveUp) };
    shelf.ready.push(warm);
    void child.exited.then(() => {
      if (!drop(shelf, warm) || isStopped) return;
      shelf.deaths++;
      if (shelf.deaths < mostDeaths) refill(shelf);
    });
  };

  /** Room for one more of this key, made at the cost of the key that was used longest ago. */
  const hasRoom = (wanted: Shelf): boolean => {
    if (warmCount() + startingCount() < limits.max) return true;
    if (wanted.ready.length + wanted.starting >= limits.size) return false;
    for (const shelf of shelves.values()) {
      if (shelf === wanted) return false;
      const oldest = shelf.ready[0];
      if (oldest !== undefined) return drop(shelf, oldest);
    }
    return false;
  };

  const fill = async (shelf: Shelf): Promise<void> => {
    while (!isStopped && shelf.ready.length + shelf.starting < shelf.wanted && hasRoom(shelf)) {
      shelf.starting++;
      try {
        if ((await options.childrenThatFit()) < 1 || isStopped) return;
        const child = await options.start(shelf.launch);
        if (isStopped) dispose(child);
        else store(shelf, child);
      } finally {
        shelf.starting--;
      }
    }
  };

  const cancelRefill = (shelf: Shelf): void => {
    shelf.cancelRefill?.();
    shelf.cancelRefill = null;
  };
  const fillNow = (shelf: Shelf): void => {
    cancelRefill(shelf);
    if (isStopped || limits.size <= 0) return;
    const filled = fill(shelf)
      .catch(options.onTrouble)
      .finally(() => filling.delete(filled));
    filling.add(filled);
  };
  const refill = (shelf: Shelf): void => {
    cancelRefill(shelf);
    if (isStopped || limits.size <= 0) return;
    shelf.cancelRefill = clock.setTimer(refillDelayMs, () => fillNow(shelf));
  };

  const shelfOf = (key: string, launch: Launch): Shelf => {
    const known = shelves.get(key);
    shelves.delete(key);
    const shelf = known ?? {
      launch,
      ready: [],
      starting: 0,
      wanted: limits.size,
      deaths: 0,
      cancelRefill: null,
    };
    shelf.launch = launch;
    shelf.deaths = 0;
    shelves.set(key, shelf);
    // What nobody has asked for in a while is forgotten.
    for (const [old, { ready, starting }] of shelves) {
      if (shelves.size <= 64) break;
      if (ready.length === 0 && starting === 0) shelves.delete(old);
    }
    return shelf;
  };

  return {
    async claim(key, launch) {
      const isKnown = shelves.has(key);
      const shelf = shelfOf(key, launch);
      refill(shelf);
      for (let warm = shelf.ready.shift(); warm !== undefined; warm = shelf.ready.shift()) {
        warm.cancelIdle();
        if (await isUsable(warm.child)) return { child: warm.child, isWarm: true };
        dispose(warm.child);
      }
      if (isKnown) shelf.wanted = Math.min(shelf.wanted + 1, Math.max(limits.max, limits.size));
      return { child: await options.start(launch), isWarm: false };
    },
    startCold: (launch) => options.start(launch),
    relieve(key) {
      const shelf = shelves.get(key);
      if (shelf !== undefined && shelf.cancelRefill !== null) fillNow(shelf);
    },
    prime: (key, launch) => fillNow(shelfOf(key, launch)),
    counts: () => ({ warm: warmCount(), starting: startingCount() }),
    async stop() {
      isStopped = true;
      for (const shelf of shelves.values()) {
        cancelRefill(shelf);
        for (let warm = shelf.ready[0]; warm !== undefined; warm = shelf.ready[0]) drop(shelf, warm);
      }
      await Promise.all(filling);
    },
  };
}
