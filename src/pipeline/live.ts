// Every running request, from admission to its record. Cancel, drain and the leak tests all look here.

import type { Failure } from "../canon/failure.ts";
import type { QueuePlace } from "../tenants/queue.ts";

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
  /** Where it waits for a turn; absent until it has to. */
  waitsAt?: { readonly provider: string; readonly place: QueuePlace } | null;
  readonly abort: (reason: Failure) => void;
};

export type LiveRegistry = {
  /** The answer takes the request out again. Idempotent. */
  add(request: LiveRequest): () => void;
  count(): number;
  list(): readonly LiveRequest[];
  /** False when no such request runs. */
  cancel(id: string, reason: Failure): boolean;
  cancelAll(reason: Failure): void;
};

// A linked list and not a Map: every request comes and goes, while a look-up is an operator's rare call. A Map that long-lived
// with so many comings and goings costs the garbage collector 4 µs a request.
type Place = { readonly request: LiveRequest; previous: Place | null; next: Place | null; isTaken: boolean };

export function createLiveRegistry(): LiveRegistry {
  let first: Place | null = null;
  let count = 0;
  const list = (): LiveRequest[] => {
    const requests: LiveRequest[] = [];
    for (let place = first; place !== null; place = place.next) requests.push(place.request);
    return requests.toReversed();
  };
  return {
    add(request) {
      const place: Place = { request, previous: null, next: first, isTaken: true };
      if (first !== null) first.previous = place;
      first = place;
      count += 1;
      return () => {
        if (!place.isTaken) return;
        place.isTaken = false;
        count -= 1;
        if (place.previous === null) first = place.next;
        else place.previous.next = place.next;
        if (place.next !== null) place.next.previous = place.previous;
        place.previous = null;
        place.next = null;
      };
    },
    count: () => count,
    list,
    cancel(id, reason) {
      const request = list().find((each) => each.id === id);
      request?.abort(reason);
      return request !== undefined;
    },
    cancelAll(reason) {
      for (const request of list()) request.abort(reason);
    },
  };
}
