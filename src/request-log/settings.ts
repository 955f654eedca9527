// The `request_log` section of the config: whether what clients send and get is kept, whose, how much and for how long.

import { z } from "zod";
import { compilePattern, problemOfPattern } from "../routing/text-pattern.ts";

const pattern = z.string().superRefine((written, context) => {
  const problem = problemOfPattern(written);
  if (problem !== null) context.addIssue(`not a pattern that can be used: ${problem}`);
  else if (compilePattern(written).occursIn(""))
    context.addIssue("the pattern also fits an empty text, so it would mask between all letters");
});

export const requestLogSettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe("Whether the texts of requests and answers are kept, for the tenants below."),
    tenants: z
      .array(z.string().min(1))
      .max(1_000)
      .default([])
      .describe(
        "Tenants whose texts are kept; `*`: of everybody, also of callers without a tenant. Empty: of nobody.",
      ),
    max_kb: z
      .number()
      .int()
      .min(1)
      .max(1_024)
      .default(64)
      .describe("Kilobytes of text of one request, and of one answer; the rest is cut off and marked."),
    retention_days: z
      .number()
      .min(0.01)
      .max(3_650)
      .default(7)
      .describe("Days after which a text is deleted."),
    max_mb: z
      .number()
      .int()
      .min(1)
      .max(1_048_576)
      .default(512)
      .describe("Megabytes of the file; beyond it the oldest texts are deleted."),
    path: z
      .string()
      .min(1)
      .optional()
      .describe("SQLite file of its own. Absent: `request-log/requests.db` in the state directory."),
    redact: z
      .array(pattern)
      .max(50)
      .default([])
      .describe(
        "RE2 patterns; what they fit is masked, beside every key that the gateway knows or recognizes.",
      ),
  })
  .prefault({});

export type RequestLogSettings = z.infer<typeof requestLogSettings>;
