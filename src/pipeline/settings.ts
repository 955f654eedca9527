// The `streaming` section of the config: what a client receives before the first word.
// It must never name a provider or a dialect.

import { z } from "zod";

export const streamingSettings = z
  .strictObject({
    commit_after_s: z
      .number()
      .min(0)
      .max(3600)
      .default(20)
      .describe("Seconds without a first word after which 200 and keep-alives are sent; 0 = never."),
    keepalive_s: z
      .number()
      .min(1)
      .max(600)
      .default(15)
      .describe("Seconds of silence before a keep-alive is sent."),
    keepalive: z
      .enum(["comment", "event"])
      .default("comment")
      .describe(
        "Kind of keep-alive: an SSE comment, or the dialect's own event where it has one (Anthropic's ping).",
      ),
    stall_s: z
      .number()
      .min(1)
      .max(3600)
      .default(60)
      .describe("Seconds that a client may leave a full stream unread before the request is aborted."),
  })
  .prefault({});

export type StreamingSettings = z.infer<typeof streamingSettings>;
