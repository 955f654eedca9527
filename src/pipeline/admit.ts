// Opens the Context of a request: identity, one AbortController, one deadline, a place in the live registry.

import type { Context } from "../canon/context.ts";
import { Failure } from "../canon/failure.ts";
import type { Caller } from "./access.ts";
import { createCancellation } from "./cancellation.ts";
import type { Door } from "./doors.ts";
import type { Estate, Generation } from "./generation.ts";
import type { LiveRequest } from "./live.ts";
import { createRun, type Run } from "./run.ts";

export type Admission = {
  readonly requestId: string;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  readonly caller: Caller;
  /** What the `*` of the door's path stands for, decoded; absent where the path has none. */
  readonly pathName?: string;
  /** Lifts the connection's idle timeout; called once the body is read. */
  keepOpen(): void;
  /** Closes the connection of a client that does not read. */
  letGo(): void;
};

export function admit(
  door: Door,
  request: Request,
  admission: Admission,
  generation: Generation,
  estate: Estate,
): Run {
  const { clock } = estate;
  const cancellation = createCancellation();
  const { abort } = cancellation;
  const context: Context = {
    id: admission.requestId,
    arrivedMs: admission.arrivedMs,
    startedAtMs: clock.nowMs(),
    tenant: admission.caller.tenant,
    keyId: admission.caller.keyId,
    client: clientName(request.headers.get("user-agent")),
    tags: tagsOf(request.headers.get("x-clawgate-tags")),
    abort,
    onAbort: cancellation.onAbort,
    get abortReason() {
      return cancellation.abortReason;
    },
    get signal() {
      return cancellation.signal;
    },
  };
  const live: LiveRequest = {
    id: context.id,
    door: door.name,
    tenant: context.tenant,
    startedAtMs: context.startedAtMs,
    stage: "reading",
    model: "",
    provider: null,
    abort,
  };
  const stopDeadline = estate.ticker.setTimer(generation.requestTimeoutMs, () =>
    abort(
      new Failure("timed-out", "The request took longer than server.request_timeout_s.", {
        maybeBilled: true,
      }),
    ),
  );
  const onGone = (): void => abort(new Failure("cancelled", "The client went away."));
  if (request.signal.aborted) onGone();
  else request.signal.addEventListener("abort", onGone, { once: true });
  const leave = estate.live.add(live);
  generation.enter();
  const run = createRun({
    context,
    door,
    estate,
    generation,
    live,
    letGo: admission.letGo,
    onSettled() {
      leave();
      generation.leave();
      stopDeadline();
      request.signal.removeEventListener("abort", onGone);
    },
  });
  return run;
}

/** The product part of a user agent, at most 80 characters: "OpenAI/JS 7.15.0", "claude-cli/2.1.197". */
function clientName(userAgent: string | null): string | null {
  if (userAgent === null || userAgent === "") return null;
  const name = userAgent.split(" (")[0] ?? userAgent;
  return name.slice(0, 80);
}

/** Words of the client's own for its records: at most 10 of at most 50 characters, separated by commas. */
function tagsOf(header: string | null): readonly string[] {
  if (header === null) return [];
  const tags = header.split(",").map((tag) => tag.trim().slice(0, 50));
  return tags.filter((tag) => tag !== "").slice(0, 10);
}
