// Listens to an answer for its record and changes nothing: usage, finish, ids, times.

import { cut, longestModel } from "../canon/bounds.ts";
import type { FinishReason, StreamEvent } from "../canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../canon/usage.ts";
import type { Glance } from "../dialects/dialect.ts";

/** What was seen so far. */
export class Observer {
  usage: Usage = unknownUsage;
  finish: FinishReason | null = null;
  upstreamModel: string | null = null;
  upstreamId: string | null = null;
  /** What the backend itself says that the answer cost; null: it does not say. */
  costUsd: number | null = null;
  private isRefused = false;
  private hasCalls = false;

  event(event: StreamEvent): void {
    switch (event.type) {
      case "start":
        this.named(event.id, event.model);
        if (event.usage !== undefined) this.usage = mergeUsage(this.usage, event.usage);
        break;
      case "usage":
        this.usage = mergeUsage(this.usage, event.usage);
        break;
      case "finish":
        this.finish = event.reason;
        this.usage = mergeUsage(this.usage, event.usage);
        this.costUsd = event.costUsd ?? null;
        break;
      default:
        break;
    }
  }

  glance(glance: Glance): void {
    this.named(glance.id, glance.model);
    if (glance.usage !== undefined) this.usage = mergeUsage(this.usage, glance.usage);
    this.isRefused ||= glance.isRefusal === true;
    this.hasCalls ||= glance.isCall === true;
    if (glance.finish === "stop")
      this.finish = this.isRefused ? "refused" : this.hasCalls ? "tool-calls" : "stop";
    else if (glance.finish !== undefined) this.finish = glance.finish;
  }

  private named(id: string | undefined, model: string | undefined): void {
    if (id !== undefined && id !== "") this.upstreamId ??= cut(id, longestModel);
    if (model !== undefined && model !== "") this.upstreamModel ??= cut(model, longestModel);
  }
}
