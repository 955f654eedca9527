// Opens the Context of a request: identity, one cancellation, one deadline, an entry in the live registry.

import { cut, maxWordLength } from "../canon/bounds.ts";
import { type ClientHints, hintsOf } from "../canon/client-hints.ts";
import type { Agents, Context } from "../canon/context.ts";
import { Failure } from "../canon/failure.ts";
import { readTraceParent, type RequestTrace } from "../canon/trace-context.ts";
import type { Caller } from "./access.ts";
import { Cancellation } from "./cancellation.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Services, PipelineSnapshot } from "./dependencies.ts";
import type { TimerListener, TickerTimer } from "../system/ticker.ts";
import { progressOf } from "./live-progress.ts";
import type { LiveProgress, LiveRegistration, LiveRequest } from "./live-requests.ts";
import { Run } from "./run.ts";
import { tooLate, Upload } from "./body/upload.ts";

export type Admission = {
  readonly requestId: string;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  readonly caller: Caller;
  /** The part of the path that the endpoint's `*` matched, decoded; absent where the path has none. */
  readonly pathName?: string;
  /** The client's; null for an internal request. */
  readonly connection: Connection | null;
};

export type Connection = {
  /** Removes its idle timeout; called once the body is read. */
  keepOpen(): void;
  /** Closes it, because the client does not read. */
  close(): void;
};

class RequestContext extends Cancellation implements Context {
  readonly id: string;
  readonly arrivedMs: number;
  readonly startedAtMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly client: string | null;
  readonly agents: Agents;
  readonly hints: ClientHints;
  readonly tags: readonly string[];
  readonly trace: RequestTrace | null;

  constructor(
    admission: Admission,
    headers: Headers,
    { clock, telemetry }: Pick<Services, "clock" | "telemetry">,
    private readonly upload: Upload | null,
  ) {
    super();
    this.id = admission.requestId;
    this.startedAtMs = clock.nowMs();
    this.arrivedMs = admission.arrivedMs;
    this.tenant = admission.caller.tenant;
    this.keyId = admission.caller.keyId;
    // OpenClaw's user agent is that of the package by which it sends.
    this.client =
      admission.caller.client ?? clientName(headers.get("x-clawrouter-client") ?? headers.get("user-agent"));
    this.agents = agentsOf(headers);
    this.hints = hintsOf(headers);
    this.tags = tagsOf(headers.get("x-clawgate-tags"));
    const parent = headers.get("traceparent");
    this.trace = telemetry.begin(parent === null ? null : readTraceParent(parent, headers.get("tracestate")));
  }

  override abort(why: Error): void {
    super.abort(why);
    this.upload?.end(why);
  }
}

/** A client's request, whose body has not been read yet. */
export function admitWithBody(
  endpoint: Endpoint,
  request: Request,
  admission: Admission,
  snapshot: PipelineSnapshot,
  services: Services,
): { readonly run: Run; readonly upload: Upload } {
  const { tenant, keyId } = admission.caller;
  const share = services.bodies.shareOf(tenant, keyId);
  const upload = new Upload(request, share, snapshot.uploads, admission.arrivedMs);
  return { run: admit(endpoint, request, admission, snapshot, services, upload), upload };
}

export function admit(
  endpoint: Endpoint,
  request: Request,
  admission: Admission,
  snapshot: PipelineSnapshot,
  services: Services,
  upload: Upload | null = null,
): Run {
  const context = new RequestContext(admission, request.headers, services, upload);
  const { connection } = admission;
  const admitted = new AdmittedRequest(
    context,
    endpoint.name,
    request.signal,
    snapshot,
    services,
    upload,
    connection,
  );
  const run = new Run({ context, endpoint, services, snapshot, admitted, connection, upload });
  admitted.run = run;
  return run;
}

/**
 * What admission holds until it is released: an entry in the live registry, the deadline, a listener for the client's
 * abort.
 */
class AdmittedRequest implements LiveRequest, TimerListener {
  readonly id: string;
  readonly tenant: string | null;
  readonly startedAtMs: number;
  stage: LiveRequest["stage"] = "reading";
  model = "";
  provider: string | null = null;
  waitsAt: LiveRequest["waitsAt"] = null;
  run: Run | null = null;
  private readonly registration: LiveRegistration;
  private readonly ticker: Services["ticker"];
  private readonly endMs: number;
  /** The deadline, and before it the checks of a body that is still arriving. */
  private timer: TickerTimer;

  constructor(
    private readonly context: Context,
    readonly endpoint: string,
    private readonly signal: AbortSignal,
    private readonly snapshot: PipelineSnapshot,
    services: Services,
    private readonly upload: Upload | null,
    private readonly connection: Connection | null,
  ) {
    this.id = context.id;
    this.tenant = context.tenant;
    this.startedAtMs = context.startedAtMs;
    const { requestTimeoutMs } = snapshot;
    this.ticker = services.ticker;
    this.endMs = context.arrivedMs + requestTimeoutMs;
    const firstLookMs = upload === null ? requestTimeoutMs : snapshot.uploads.firstCheckMs;
    this.timer = this.ticker.after(Math.min(requestTimeoutMs, firstLookMs), this);
    const onGone = (): void => context.abort(new Failure("cancelled", "The client went away."));
    if (signal.aborted) onGone();
    // The signal has no other listener, and the `onabort` property costs half of what addEventListener does.
    // oxlint-disable-next-line unicorn/prefer-add-event-listener
    else signal.onabort = onGone;
    this.registration = services.live.add(this);
    snapshot.enter();
  }

  abort(reason: Failure): void {
    this.context.abort(reason);
  }

  progress(): LiveProgress {
    return progressOf(this.context, this.run);
  }

  /** The deadline has passed, or it is time to check the body. */
  onDue(): void {
    const { upload } = this;
    const nowMs = this.ticker.monotonicMs();
    const failure = nowMs >= this.endMs ? this.deadlineFailure() : (upload?.checkSpeed(nowMs) ?? null);
    if (failure !== null) {
      this.context.abort(failure);
      return;
    }
    // Bun's own idle timeout requires 16 KB a second and closes the connection without an answer.
    if (upload !== null && !upload.isOver) this.connection?.keepOpen();
    const checkMs = upload?.nextCheckMs(nowMs) ?? Number.POSITIVE_INFINITY;
    this.timer = this.ticker.after(Math.min(this.endMs - nowMs, checkMs), this);
  }

  private deadlineFailure(): Failure {
    if (this.upload?.isOver === false) return tooLate();
    return new Failure("timed-out", "The request took longer than server.request_timeout_s.", {
      maybeBilled: true,
    });
  }

  /** From here on it does not end with its client. */
  detach(): void {
    // oxlint-disable-next-line unicorn/prefer-add-event-listener
    this.signal.onabort = null;
  }

  leave(): void {
    this.registration.leave();
    this.snapshot.leave();
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

/** OpenClaw's plugin keeps to this length itself. */
const maxClientRequestId = 128;

/** Claude Code's names for its subagents, and OpenClaw's for its agents. */
function agentsOf(headers: Headers): Agents {
  const agent = headers.get("x-claude-code-agent-id") ?? headers.get("x-clawrouter-agent-id");
  const parent = headers.get("x-claude-code-parent-agent-id");
  const id = headers.get("x-request-id");
  if (agent === null && parent === null && id === null) return noAgents;
  return {
    ...(agent === null || agent === "" ? {} : { agent: cut(agent, maxWordLength) }),
    ...(parent === null || parent === "" ? {} : { parentAgent: cut(parent, maxWordLength) }),
    ...(id === null || id === "" ? {} : { clientRequestId: cut(id, maxClientRequestId) }),
  };
}

const noTags: readonly string[] = [];

/** The client's own tags for its records: at most 10 of at most 50 characters each, separated by commas. */
function tagsOf(header: string | null): readonly string[] {
  if (header === null) return noTags;
  const tags = header.split(",").map((tag) => cut(tag.trim(), 50));
  return tags.filter((tag) => tag !== "").slice(0, 10);
}
