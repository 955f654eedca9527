// The queues by name: they outlive the config that named them, so that a reload keeps running and waiting requests. It
// must never let two queues count the turns of one provider.

import { createQueue, type AdjustableQueue, type QueueLimits, type TurnQueue } from "./queue.ts";

export type QueueRegistry = {
  /** The queue of that name. A new one begins with `limits`; an existing one keeps its own until `adjust`. */
  of(name: string, limits: QueueLimits): TurnQueue;
  adjust(name: string, limits: QueueLimits): void;
  /** Drops every queue but these. A turn still in use is later released to a queue that is no longer used. */
  retain(names: ReadonlySet<string>): void;
  names(): readonly string[];
};

export function createQueueRegistry(clock: {
  monotonicMs(): number;
  setTimer(ms: number, run: () => void): () => void;
}): QueueRegistry {
  const { monotonicMs, setTimer } = clock;
  const queues = new Map<string, AdjustableQueue>();
  return {
    of(name, limits) {
      const queue = queues.get(name) ?? createQueue({ ...limits, monotonicMs, setTimer });
      queues.set(name, queue);
      return queue;
    },
    adjust: (name, limits) => queues.get(name)?.adjust(limits),
    retain(names) {
      for (const name of queues.keys()) if (!names.has(name)) queues.delete(name);
    },
    names: () => [...queues.keys()],
  };
}
