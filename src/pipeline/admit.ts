// Opens the Context of a request: identity, one AbortController, one deadline, a place in the live registry.

import { cut, longestWord } from "../canon/bounds.ts";
import type { Agents, Context } from "../canon/context.ts";
import { Failure } from "../canon/failure.ts";
import type { Caller } from "./access.ts";
import { Cancellation } from "./cancellation.ts";
import type { Door } from "./doors.ts";
import type { Estate, Generation } from "./generation.ts";
import type { Due, TickerTimer } from "../system/ticker.ts";
import type { LivePlace, LiveRequest } from "./live.ts";
import { Run } from "./run.ts";
import { tooLate, Upload } from "./upload.ts";

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
  readonly agents: Agents;
  readonly tags: readonly string[];

  constructor(
    admission: Admission,
    headers: Headers,
    readonly startedAtMs: number,
    private readonly upload: Upload | null,
  ) {
    super();
    this.id = admission.requestId;
    this.arrivedMs = admission.arrivedMs;
    this.tenant = admission.caller.tenant;
    this.keyId = admission.caller.keyId;
    this.client = clientName(headers.get("user-agent"));
    this.agents = agentsOf(headers);
    this.tags = tagsOf(headers.get("x-clawgate-tags"));
  }

  override abort(why: Error): void {
    super.abort(why);
    this.upload?.end(why);
  }
}

/** A client's request: its body is still to be read. */
export function receive(
  door: Door,
  request: Request,
  admission: Admission,
  generation: Generation,
  estate: Estate,
): { readonly run: Run; readonly upload: Upload } {
  const { tenant, keyId } = admission.caller;
  const share = estate.bodies.shareOf(tenant, keyId);
  const upload = new Upload(request, share, generation.uploads, admission.arrivedMs);
  return { run: admit(door, request, admission, generation, estate, upload), upload };
}

export function admit(
  door: Door,
  request: Request,
  admission: Admission,
  generation: Generation,
  estate: Estate,
  upload: Upload | null = null,
): Run {
  const context = new RequestContext(admission, request.headers, estate.clock.nowMs(), upload);
  const { connection } = admission;
  const admitted = new Admitted(context, door.name, request.signal, generation, estate, upload, connection);
  return new Run({ context, door, estate, generation, admitted, connection, upload });
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
  private readonly ticker: Estate["ticker"];
  private readonly endMs: number;
  /** The deadline, and before it the looks at a body that is still under way. */
  private timer: TickerTimer;

  constructor(
    private readonly context: Context,
    readonly door: string,
    private readonly signal: AbortSignal,
    private readonly generation: Generation,
    estate: Estate,
    private readonly upload: Upload | null,
    private readonly connection: Connection | null,
  ) {
    this.id = context.id;
    this.tenant = context.tenant;
    this.startedAtMs = context.startedAtMs;
    const { requestTimeoutMs } = generation;
    this.ticker = estate.ticker;
    this.endMs = context.arrivedMs + requestTimeoutMs;
    const firstLookMs = upload === null ? requestTimeoutMs : generation.uploads.firstLookMs;
    this.timer = this.ticker.after(Math.min(requestTimeoutMs, firstLookMs), this);
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

  /** The deadline has passed, or it is time to look at the body. */
  ring(): void {
    const { upload } = this;
    const nowMs = this.ticker.monotonicMs();
    const failure = nowMs >= this.endMs ? this.late() : (upload?.judge(nowMs) ?? null);
    if (failure !== null) {
      this.context.abort(failure);
      return;
    }
    // Bun's own idle timeout wants 16 KB a second and closes without an answer.
    if (upload !== null && !upload.isOver) this.connection?.keepOpen();
    const lookMs = upload?.nextLookMs(nowMs) ?? Number.POSITIVE_INFINITY;
    this.timer = this.ticker.after(Math.min(this.endMs - nowMs, lookMs), this);
  }

  private late(): Failure {
    if (this.upload?.isOver === false) return tooLate();
    return new Failure("timed-out", "The request took longer than server.request_timeout_s.", {
      maybeBilled: true,
    });
  }

  leave(): void {
    this.place.leave();
    this.generation.leave();
    this.timer.stop();
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

const noAgents: Agents = {};

/** Claude Code's words for its subagents. */
function agentsOf(headers: Headers): Agents {
  const agent = headers.get("x-claude-code-agent-id");
  const parent = headers.get("x-claude-code-parent-agent-id");
  if (agent === null && parent === null) return noAgents;
  return {
    ...(agent === null || agent === "" ? {} : { agent: cut(agent, longestWord) }),
    ...(parent === null || parent === "" ? {} : { parentAgent: cut(parent, longestWord) }),
  };
}

const noTags: readonly string[] = [];

/** Words of the client's own for its records: at most 10 of at most 50 characters, separated by commas. */
function tagsOf(header: string | null): readonly string[] {
  if (header === null) return noTags;
  const tags = header.split(",").map((tag) => cut(tag.trim(), 50));
  return tags.filter((tag) => tag !== "").slice(0, 10);
}
