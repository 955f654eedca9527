// The `metrics` and `prompt_caching` sections of the config: what is recorded about requests and for how long.
// It must never choose the database's path: it only holds the operator's setting.

import { z } from "zod";

export const metricsSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether requests are recorded at all."),
    db_path: z
      .string()
      .min(1)
      .optional()
      .describe(
        "SQLite file. `CLAWGATE_DB_PATH` wins; absent: `$XDG_DATA_HOME/clawgate/clawgate.db`, else `~/.local/share/clawgate/clawgate.db`.",
      ),
    retention_days: z
      .number()
      .min(0)
      .max(36_500)
      .default(30)
      .describe("Days that records are kept; 0 = forever."),
    max_mb: z
      .number()
      .int()
      .min(16)
      .max(1_000_000)
      .default(2_048)
      .describe(
        "Largest size of the SQLite file in MB; at the limit the oldest records make room for new ones.",
      ),
    log_requests: z.boolean().default(true).describe("Whether one row per request is kept."),
    log_routing_decisions: z
      .boolean()
      .default(true)
      .describe("Whether the routing decision is stored with the row."),
    baseline_model: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        "Model (`provider/model` or an alias) whose price says what requests would have cost without routing. Absent: the dearest priced model that could have answered.",
      ),
  })
  .prefault({});

export const promptCachingSettings = z
  .strictObject({
    track_metrics: z.boolean().default(true).describe("Whether cached tokens are recorded."),
    stabilize_prefix: z
      .boolean()
      .default(false)
      .describe("Whether cache breakpoints are added for clients that cannot set them."),
  })
  .prefault({});
