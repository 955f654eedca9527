// The `health` and `queue` sections of the config: when a provider is suspended, and how long a request waits for a busy
// one. It must never judge a provider; judge.ts does.

import { z } from "zod";

export const healthSettings = z
  .strictObject({
    consecutive_failures_before_skip: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(5)
      .describe("Consecutive failures after which a provider is taken out of use for a while."),
    recovery_check_interval_seconds: z
      .number()
      .min(0.01)
      .max(86_400)
      .default(30)
      .describe("Seconds until such a provider is first retried."),
    timeout_seconds: z
      .number()
      .min(0.01)
      .max(3600)
      .default(10)
      .describe("Seconds that a liveness probe may take."),
    check_interval_seconds: z
      .number()
      .min(0)
      .max(86_400)
      .default(300)
      .describe("Seconds between free liveness probes (the model list) of idle providers; 0 = never."),
  })
  .prefault({});

export type HealthSettings = z.infer<typeof healthSettings>;

export const queueSettings = z
  .strictObject({
    wait_s: z
      .number()
      .min(0)
      .max(3600)
      .default(5)
      .describe(
        "Seconds that a request waits for a provider at its `max_concurrent` before the next one is tried.",
      ),
    depth: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(64)
      .describe("Requests that may wait for one provider."),
    depth_per_tenant: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .optional()
      .describe("Of them for one tenant. Absent: half, so that one alone cannot take every place."),
  })
  .prefault({});
