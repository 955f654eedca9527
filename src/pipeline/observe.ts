// Listens to an answer for its record and changes nothing: usage, finish, ids, times.

import type { FinishReason, StreamEvent } from "../canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../canon/usage.ts";
import type { Glance } from "../dialects/dialect.ts";

export type Sight = {
  usage: Usage;
  finish: FinishReason | null;
  upstreamModel: string | null;
  upstreamId: string | null;
  /** What the backend itself says that the answer cost; null: it does not say. */
  costUsd: number | null;
};

export type Observer = {
  readonly sight: Sight;
  event(event: StreamEvent): void;
  glance(glance: Glance): void;
};

export function createObserver(): Observer {
  const sight: Sight = {
    usage: unknownUsage,
    finish: null,
    upstreamModel: null,
    upstreamId: null,
    costUsd: null,
  };
  let isRefused = false;
  let hasCalls = false;
  const named = (id: string | undefined, model: string | undefined): void => {
    if (id !== undefined && id !== "") sight.upstreamId ??= id;
    if (model !== undefined && model !== "") sight.upstreamModel ??= model;
  };
  return {
    sight,
    event(event) {
      switch (event.type) {
        case "start":
          named(event.id, event.model);
          if (event.usage !== undefined) sight.usage = mergeUsage(sight.usage, event.usage);
          break;
        case "usage":
          sight.usage = mergeUsage(sight.usage, event.usage);
          break;
        case "finish":
          sight.finish = event.reason;
          sight.usage = mergeUsage(sight.usage, event.usage);
          sight.costUsd = event.costUsd ?? null;
          break;
        default:
          break;
      }
    },
    glance(glance) {
      named(glance.id, glance.model);
      if (glance.usage !== undefined) sight.usage = mergeUsage(sight.usage, glance.usage);
      isRefused ||= glance.isRefusal === true;
      hasCalls ||= glance.isCall === true;
      if (glance.finish === "stop") sight.finish = isRefused ? "refused" : hasCalls ? "tool-calls" : "stop";
      else if (glance.finish !== undefined) sight.finish = glance.finish;
    },
  };
}
