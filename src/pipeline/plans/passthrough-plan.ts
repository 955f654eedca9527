// The plan for a target that gets the client's own bytes: which members change on the way, and the source that sends it. It
// must never touch a byte that need not change: the provider's prompt cache sees the same prefix.

import type { Backend } from "../../backends/backend.ts";
import { withOutputLimit } from "../../dialects/adaptation-notes.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import type { FullDialect, Note, TargetFacts } from "../../dialects/dialect.ts";
import { type JsonEdit, memberNamed, spliceObject } from "../../wire/json.ts";
import type { TargetPlan } from "../attempts/attempt-target.ts";
import type { Provider } from "../dependencies.ts";
import type { Envelope } from "../body/envelope.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import { passthroughSource } from "./passthrough-source.ts";
import { remainingWindow } from "./remaining-window.ts";
import type { Run } from "../run.ts";

export type PassthroughTarget = {
  readonly incoming: IncomingRequest;
  /** The dialect of both sides. */
  readonly dialect: FullDialect;
  readonly provider: Provider;
  readonly facts: TargetFacts;
  /** The vendor would refuse the body as it is. */
  readonly isRepaired: boolean;
};

/**
 * The body for a target. `isLast`: no other target needs the client's own bytes, so edits that fit may overwrite them. Throws
 * Failure on a member of the wrong kind.
 */
export function passthroughBody(
  { incoming, dialect, provider, facts, isRepaired }: PassthroughTarget,
  isLast: boolean,
  note?: Note,
): Uint8Array {
  const { scan, bytes } = incoming.envelope;
  const { passthrough } = dialect.backend;
  const sized = withOutputLimit(facts, remainingWindow(provider, facts.model, incoming));
  const edits = passthrough.requiredEdits(scan, bytes, sized, note);
  // Edits other than the name would be lost on the next target.
  const mayOverwrite = isLast && !isRepaired && changesOnlyModel(edits);
  const spliced = spliceObject(bytes, scan, edits, mayOverwrite);
  if (!isRepaired) return spliced;
  const body: unknown = JSON.parse(Buffer.from(spliced).toString("utf8"));
  const repaired = isRecord(body) ? (passthrough.repair?.(body, sized, note) ?? body) : {};
  return Buffer.from(JSON.stringify(provider.backend.adaptBody?.(repaired, note, sized) ?? repaired));
}

function changesOnlyModel(edits: readonly JsonEdit[]): boolean {
  for (const { key } of edits) if (key !== "model") return false;
  return true;
}

/** `query`: appended to the upstream path. */
export function planPassthrough(run: Run, target: PassthroughTarget, query: string): TargetPlan {
  const { incoming, dialect, facts, provider } = target;
  const { envelope } = incoming;
  return {
    lane: "relay",
    open(_provider, _target, attempt, call) {
      // Only the first attempt writes into the body, and only when no other one can be running.
      const isLast = run.attemptCount === 1 && run.snapshot.hedgeAfterMs === 0;
      const body = passthroughBody(target, isLast, call.note);
      return passthroughSource({
        send: sender(provider),
        dialect,
        path: dialect.backend.path({ model: facts.model, stream: envelope.stream }) + query,
        body,
        isOwnBody: body !== envelope.bytes,
        stream: envelope.stream,
        facts: {
          requestId: run.context.id,
          createdSeconds: Math.floor(run.context.startedAtMs / 1000),
          wantsUsage: asksForUsage(dialect, envelope),
        },
        call,
        observer: attempt.observer,
        progress: attempt,
        redact: run.redact,
        setTimer: run.services.ticker.setTimer,
      });
    },
  };
}

function sender({ id, backend }: Provider): NonNullable<Backend["open"]> {
  if (backend.open === null) throw new Error(`${id} takes no bytes`);
  return backend.open;
}

/** Whether the client itself requested the usage frame: only then may it see one. */
function asksForUsage(dialect: FullDialect, { scan, bytes }: Envelope): boolean {
  if (dialect.name !== "openai-chat") return true;
  const member = memberNamed(scan, "stream_options");
  if (member?.kind !== "object") return false;
  const options = parseLoosely(bytes.toString("utf8", member.start, member.end));
  return isRecord(options) && options["include_usage"] === true;
}
