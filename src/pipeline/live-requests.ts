// The registry of running requests, from admission to record. Cancel, drain and the leak tests use it.

import type { Failure } from "../canon/failure.ts";
import type { QueuePlace } from "../tenants/queue.ts";

export type Stage = "reading" | "waiting" | "asking" | "streaming";

/** What is known of a running request beyond its entry; null: not yet, or there is none. */
export type LiveProgress = {
  readonly session: string | null;
  readonly client: string | null;
  readonly agent: string | null;
  readonly rule: string | null;
  /** Estimates, while an answer streams. */
  readonly outputTokens: number | null;
  readonly tokensPerSecond: number | null;
};

export type LiveRequest = {
  readonly id: string;
  readonly endpoint: string;
  readonly tenant: string | null;
  readonly startedAtMs: number;
  stage: Stage;
  /** The model name that the client requested; empty until the body is read. */
  model: string;
  /** The provider that is being asked. */
  provider: string | null;
  /** The provider where it waits for a turn; absent until it has to. */
  waitsAt?: { readonly provider: string; readonly place: QueuePlace } | null;
  abort(reason: Failure): void;
  /** Read only by whoever looks at running requests: the request itself pays nothing for it. */
  progress?(): LiveProgress;
};

/** `leave` removes the request. Idempotent. */
export type LiveRegistration = { leave(): void };

export type LiveRegistry = {
  add(request: LiveRequest): LiveRegistration;
  count(): number;
  list(): readonly LiveRequest[];
  /** False when no such request runs. */
  cancel(id: string, reason: Failure): boolean;
  cancelAll(reason: Failure): void;
};

type RegistrationList = { first: Registration | null; count: number };

// A linked list instead of a Map: every request enters and leaves, while look-ups are rare operator calls. A long-lived Map
// with that many insertions and removals costs the garbage collector 4 µs per request.
class Registration implements LiveRegistration {
  previous: Registration | null = null;
  next: Registration | null;
  private isTaken = true;

  constructor(
    private readonly row: RegistrationList,
    readonly request: LiveRequest,
  ) {
    this.next = row.first;
    if (row.first !== null) row.first.previous = this;
    row.first = this;
    row.count += 1;
  }

  leave(): void {
    if (!this.isTaken) return;
    this.isTaken = false;
    const { row, previous, next } = this;
    row.count -= 1;
    if (previous === null) row.first = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    this.previous = null;
    this.next = null;
  }
}

export function createLiveRegistry(): LiveRegistry {
  const registrations: RegistrationList = { first: null, count: 0 };
  const list = (): LiveRequest[] => {
    const requests: LiveRequest[] = [];
    for (let registration = registrations.first; registration !== null; registration = registration.next)
      requests.push(registration.request);
    return requests.toReversed();
  };
  return {
    add: (request) => new Registration(registrations, request),
    count: () => registrations.count,
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
