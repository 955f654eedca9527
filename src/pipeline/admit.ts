// Opens the Context of a request: identity, one AbortController, one deadline, a place in the live registry.

import { cut } from "../canon/bounds.ts";
import type { Context } from "../canon/context.ts";
import { Failure } from "../canon/failure.ts";
import type { Caller } from "./access.ts";
import { Cancellation } from "./cancellation.ts";
import type { Door } from "./doors.ts";
import type { Estate, Generation } from "./generation.ts";
import type { Due, TickerTimer } from "../system/ticker.ts";
import type { LivePlace, LiveRequest } from "./live.ts";
import { Run } from "./run.ts";

export type Admission = {
  readonly requestId: string;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  readonly caller: Caller;
  /** What the `*` of the door's path stands for, decoded; absent where the path has none. */
  readonly pathName?: string;
  /** The client's; null for a request of our own. */
  readonly connection: Connection | null;
};

export type Connection = {
  /** Lifts its idle timeout; called once the body is read. */
  keepOpen(): void;
  /** Closes it: the client does not read. */
  letGo(): void;
};

class RequestContext extends Cancellation implements Context {
  readonly id: string;
  readonly arrivedMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly client: string | null;
  readonly tags: readonly string[];

  constructor(
    admission: Admission,
    headers: Headers,
    readonly startedAtMs: number,
  ) {
    super();
    this.id = admission.requestId;
    this.arrivedMs = admission.arrivedMs;
    this.tenant = admission.caller.tenant;
    this.keyId = admission.caller.keyId;
    this.client = clientName(headers.get("user-agent"));
    this.tags = tagsOf(headers.get("x-clawgate-tags"));
  }
}

export function admit(
  door: Door,
  request: Request,
  admission: Admission,
  generation: Generation,
  estate: Estate,
): Run {
  const context = new RequestContext(admission, request.headers, estate.clock.nowMs());
  const admitted = new Admitted(context, door.name, request.signal, generation, estate);
  return new Run({ context, door, estate, generation, admitted, connection: admission.connection });
}

/** What admission took, until it is given back: a place among the living, the deadline, an ear for the client. */
class Admitted implements LiveRequest, Due {
  readonly id: string;
  readonly tenant: string | null;
  readonly startedAtMs: number;
  stage: LiveRequest["stage"] = "reading";
  model = "";
  provider: string | null = null;
  waitsAt: LiveRequest["waitsAt"] = null;
  private readonly place: LivePlace;
  private readonly deadline: TickerTimer;

  constructor(
    private readonly context: Context,
    readonly door: string,
    private readonly signal: AbortSignal,
    private readonly generation: Generation,
    estate: Estate,
  ) {
    this.id = context.id;
    this.tenant = context.tenant;
    this.startedAtMs = context.startedAtMs;
    this.deadline = estate.ticker.after(generation.requestTimeoutMs, this);
    const onGone = (): void => context.abort(new Failure("cancelled", "The client went away."));
    if (signal.aborted) onGone();
    // Nobody else listens to it, and an attribute costs half of what a listener does.
    // oxlint-disable-next-line unicorn/prefer-add-event-listener
    else signal.onabort = onGone;
    this.place = estate.live.add(this);
    generation.enter();
  }

  abort(reason: Failure): void {
    this.context.abort(reason);
  }

  /** The deadline has passed. */
  ring(): void {
    this.context.abort(
      new Failure("timed-out", "The request took longer than server.request_timeout_s.", {
        maybeBilled: true,
      }),
    );
  }

  leave(): void {
    this.place.leave();
    this.generation.leave();
    this.deadline.stop();
    // oxlint-disable-next-line unicorn/prefer-add-event-listener
    this.signal.onabort = null;
  }
}

/** The product part of a user agent, at most 80 characters: "OpenAI/JS 7.15.0", "claude-cli/2.1.197". */
function clientName(userAgent: string | null): string | null {
  if (userAgent === null || userAgent === "") return null;
  const end = userAgent.indexOf(" (");
  return cut(userAgent, end < 0 ? 80 : Math.min(end, 80));
}

const noTags: readonly string[] = [];

/** Words of the client's own for its records: at most 10 of at most 50 characters, separated by commas. */
function tagsOf(header: string | null): readonly string[] {
  if (header === null) return noTags;
  const tags = header.split(",").map((tag) => cut(tag.trim(), 50));
  return tags.filter((tag) => tag !== "").slice(0, 10);
}
