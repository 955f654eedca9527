// The lane of text completions: an express lane of their own, whole and streamed, with the pace and the ends of a chat's.

import type { Backend } from "../backends/backend.ts";
import { textCompletions } from "../dialects/openai-chat/completions.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import { memberNamed, spliceObject } from "../wire/json.ts";
import type { Enrolled } from "./enrol.ts";
import { relayLane } from "./relay.ts";
import type { Run } from "./run.ts";
import type { LaneChoice } from "./try-target.ts";

export function completionsLane(
  run: Run,
  enrolled: Enrolled,
  send: NonNullable<Backend["open"]>,
): LaneChoice {
  const { relay, path } = textCompletions.backend;
  return {
    lane: "relay",
    open(provider, { model }, trial, call) {
      const facts = provider.backend.targetFacts(model);
      const edits = relay.edits(enrolled.scan, enrolled.bytes, facts, call.note);
      return relayLane({
        send,
        dialect: textCompletions,
        path: path({ model, stream: enrolled.stream }),
        body: spliceObject(enrolled.bytes, enrolled.scan, edits),
        isOwnBody: true,
        stream: enrolled.stream,
        facts: {
          requestId: run.context.id,
          createdSeconds: Math.floor(run.context.startedAtMs / 1000),
          wantsUsage: wantsUsage(enrolled),
        },
        call,
        observer: trial.observer,
        progress: trial,
        redact: run.estate.redact,
        setTimer: run.estate.ticker.setTimer,
      });
    },
  };
}

function wantsUsage({ scan, bytes }: Enrolled): boolean {
  const member = memberNamed(scan, "stream_options");
  if (member?.kind !== "object") return false;
  const options = parseLoosely(bytes.toString("utf8", member.start, member.end));
  return isRecord(options) && options["include_usage"] === true;
}
