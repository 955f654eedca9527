// Text completions: they pass as bytes, whole and streamed, with the timeouts and endings of a chat.

import type { Backend } from "../../backends/backend.ts";
import { textCompletions } from "../../dialects/openai-chat/text-completions.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { memberNamed, spliceObject } from "../../wire/json.ts";
import type { Envelope } from "../body/envelope.ts";
import { passthroughSource } from "./passthrough-source.ts";
import type { Run } from "../run.ts";
import type { TargetPlan } from "../attempts/attempt-target.ts";

export function planCompletions(
  run: Run,
  envelope: Envelope,
  send: NonNullable<Backend["open"]>,
): TargetPlan {
  const { passthrough, path } = textCompletions.backend;
  return {
    lane: "relay",
    open(provider, { model }, attempt, call) {
      const facts = provider.backend.targetFacts(model);
      const edits = passthrough.requiredEdits(envelope.scan, envelope.bytes, facts, call.note);
      return passthroughSource({
        send,
        dialect: textCompletions,
        path: path({ model, stream: envelope.stream }),
        body: spliceObject(envelope.bytes, envelope.scan, edits),
        isOwnBody: true,
        stream: envelope.stream,
        facts: {
          requestId: run.context.id,
          createdSeconds: Math.floor(run.context.startedAtMs / 1000),
          wantsUsage: wantsUsage(envelope),
        },
        call,
        observer: attempt.observer,
        progress: attempt,
        redact: run.services.redact,
        setTimer: run.services.ticker.setTimer,
      });
    },
  };
}

function wantsUsage({ scan, bytes }: Envelope): boolean {
  const member = memberNamed(scan, "stream_options");
  if (member?.kind !== "object") return false;
  const options = parseLoosely(bytes.toString("utf8", member.start, member.end));
  return isRecord(options) && options["include_usage"] === true;
}
