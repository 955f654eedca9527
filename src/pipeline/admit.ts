// Opens the Context of a request: identity, one AbortController, one deadline, a place in the live registry.

import type { Context } from "../canon/context.ts";
import { Failure } from "../canon/failure.ts";
import type { Caller } from "./access.ts";
import { Cancellation } from "./cancellation.ts";
import type { Door } from "./doors.ts";
import type { Estate, Generation } from "./generation.ts";
import type { LiveRequest } from "./live.ts";
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
  const live: LiveRequest = {
    id: context.id,
    door: door.name,
    tenant: context.tenant,
    startedAtMs: context.startedAtMs,
    stage: "reading",
    model: "",
    provider: null,
    waitsAt: null,
    abort: (reason) => context.abort(reason),
  };
  const deadline = estate.ticker.after(generation.requestTimeoutMs, () =>
    context.abort(
      new Failure("timed-out", "The request took longer than server.request_timeout_s.", {
        maybeBilled: true,
      }),
    ),
  );
  const { signal } = request;
  const onGone = (): void => context.abort(new Failure("cancelled", "The client went away."));
  if (signal.aborted) onGone();
  // Nobody else listens to it, and an attribute costs half of what a listener does.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  else signal.onabort = onGone;
  const place = estate.live.add(live);
  generation.enter();
  return new Run({
    context,
    door,
    estate,
    generation,
    live,
    connection: admission.connection,
    onSettled() {
      place.leave();
      generation.leave();
      deadline.stop();
      // oxlint-disable-next-line unicorn/prefer-add-event-listener
      signal.onabort = null;
    },
  });
}

/** The product part of a user agent, at most 80 characters: "OpenAI/JS 7.15.0", "claude-cli/2.1.197". */
function clientName(userAgent: string | null): string | null {
  if (userAgent === null || userAgent === "") return null;
  const end = userAgent.indexOf(" (");
  return userAgent.slice(0, end < 0 ? 80 : Math.min(end, 80));
}

const noTags: readonly string[] = [];

/** Words of the client's own for its records: at most 10 of at most 50 characters, separated by commas. */
function tagsOf(header: string | null): readonly string[] {
  if (header === null) return noTags;
  const tags = header.split(",").map((tag) => tag.trim().slice(0, 50));
  return tags.filter((tag) => tag !== "").slice(0, 10);
}
