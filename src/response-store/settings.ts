// The `responses_store` section of the config: whether answers of the Responses API are kept for clients that ask for it.

import { z } from "zod";

export const responsesStoreSettings = z
  .strictObject({
    mode: z
      .enum(["off", "memory", "disk"])
      .default("memory")
      .describe(
        "Where answers are kept whose request says `store: true`: `memory` until the gateway ends; `disk` also in `responses/responses.db` in the state directory; `off` nowhere, and such a request is refused with 400 unless its provider keeps answers itself.",
      ),
    max_mb: z
      .number()
      .int()
      .min(1)
      .max(4_096)
      .default(64)
      .describe(
        "Megabytes of all kept conversations together, of memory too; beyond it the tenant with the most loses its oldest.",
      ),
    ttl_h: z.number().min(0.001).max(8_760).default(24).describe("Hours after which an answer is deleted."),
  })
  .prefault({});

export type ResponsesStoreSettings = z.infer<typeof responsesStoreSettings>;
