// Every running request, from admission to its record. Cancel, drain and the leak tests all look here.

import type { Failure } from "../canon/failure.ts";

export type Stage = "reading" | "waiting" | "asking" | "streaming";

export type LiveRequest = {
  readonly id: string;
  readonly door: string;
  readonly tenant: string | null;
  readonly startedAtMs: number;
  stage: Stage;
  /** The name that the client asked for; empty until the body is read. */
  model: string;
  /** The target under trial. */
  provider: string | null;
  readonly abort: (reason: Failure) => void;
};

export type LiveRegistry = {
  add(request: LiveRequest): void;
  remove(id: string): void;
  count(): number;
  list(): readonly LiveRequest[];
  /** False when no such request runs. */
  cancel(id: string, reason: Failure): boolean;
  cancelAll(reason: Failure): void;
};

export function createLiveRegistry(): LiveRegistry {
  const running = new Map<string, LiveRequest>();
  return {
    add: (request) => void running.set(request.id, request),
    remove: (id) => void running.delete(id),
    count: () => running.size,
    list: () => [...running.values()],
    cancel(id, reason) {
      const request = running.get(id);
      request?.abort(reason);
      return request !== undefined;
    },
    cancelAll(reason) {
      // An abort may take the request out of the map; a Map's iterator stands that.
      for (const request of running.values()) request.abort(reason);
    },
  };
}
