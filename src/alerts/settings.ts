// The `alerts` section of the config: what is worth a message, who is told, and when nobody may be disturbed.
// It must never judge anything: alerts/checks.ts does.

import { z } from "zod";

const clockTime = /^([01]\d|2[0-3]):[0-5]\d$/;

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    // The only way to ask whether a zone exists.
    return false;
  }
}

const timeOfDay = z.string().regex(clockTime, "a time of day as HH:MM, from 00:00 to 23:59");

/** `22:00-07:00` is short for `{ from, to }`. */
function readSpan(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const [from, to, ...more] = value.split("-").map((part) => part.trim());
  return more.length > 0 ? value : { from, to };
}

const quietHours = z.preprocess(
  readSpan,
  z
    .strictObject({
      from: timeOfDay.describe("When they begin, HH:MM."),
      to: timeOfDay.describe("When they end; earlier than `from`: on the next day."),
      tz: z
        .string()
        .refine(isZone, "must be a time zone of the IANA list, for example Europe/Berlin")
        .optional()
        .describe("Time zone (IANA). Absent: the machine's."),
      critical: z.boolean().default(false).describe("Whether critical alerts are sent all the same."),
    })
    .refine(({ from, to }) => from !== to, "`from` and `to` must differ"),
);

const address = z.url({ protocol: /^https?$/, error: "an http or https address" }).max(2_000);
const headerText = z
  .string()
  .min(1)
  .max(2_000)
  .regex(/^[\x21-\x7e]+$/, "printable ASCII without spaces");

const rules = z
  .strictObject({
    error_rate: z
      .number()
      .min(0)
      .max(100)
      .default(25)
      .describe("Percent of failed requests, per provider and overall, that raises an alert; 0 = never."),
    min_requests: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe("With fewer requests in the window there is no error rate."),
    window_s: z
      .number()
      .int()
      .min(60)
      .max(3_600)
      .default(300)
      .describe("Seconds over which the error rate is taken, rounded up to minutes."),
    budget_steps: z
      .array(z.number().min(1).max(1_000))
      .max(10)
      .default([80, 90, 100])
      .describe("Percent of a tenant's budget at which a message is sent; empty = never."),
    projection: z
      .boolean()
      .default(true)
      .describe("Whether a budget that will be exceeded at the current pace raises an alert."),
    spike_factor: z
      .number()
      .min(0)
      .max(1_000)
      .default(3)
      .describe(
        "Spending of the last two hours, as a multiple of the same hours of earlier days, that raises an alert; 0 = never.",
      ),
    spike_min_usd: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(1)
      .describe("Spending below this is never a spike."),
  })
  .prefault({});

export const alertsSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether anything is judged at all."),
    check_interval_s: z
      .number()
      .min(1)
      .max(3_600)
      .default(5)
      .describe("Seconds between two looks at providers, budgets and stores."),
    resolve_after_s: z
      .number()
      .min(0)
      .max(86_400)
      .default(30)
      .describe("Seconds that a cause must be gone before its alert is over."),
    rules: rules.describe("What raises an alert."),
    webhook: z
      .strictObject({
        url: address.describe("Receives each alert as JSON by POST; redirects are not followed."),
        secret: z
          .string()
          .min(1)
          .max(2_000)
          .optional()
          .describe("Signs the body: `x-clawgate-signature: sha256=<HMAC>`. Plain or `${VAR}`."),
      })
      .optional()
      .describe("A web address that is told."),
    ntfy: z
      .strictObject({
        url: address.describe("The topic's address, for example https://ntfy.sh/my-topic."),
        token: headerText.optional().describe("Access token, sent as Bearer. Plain or `${VAR}`."),
        priority: z
          .number()
          .int()
          .min(1)
          .max(5)
          .optional()
          .describe("1 to 5. Absent: 3, and 5 for critical alerts."),
      })
      .optional()
      .describe("A topic of ntfy, or of a server that speaks its protocol."),
    command: z
      .array(z.string().max(4_000))
      .max(100)
      .refine(([program]) => program !== "", "must begin with the name of a program")
      .default([])
      .describe("A program with its arguments; it gets the alert as JSON on its standard input."),
    command_timeout_s: z
      .number()
      .min(1)
      .max(600)
      .default(30)
      .describe("Seconds after which that program is ended."),
    quiet_hours: quietHours
      .optional()
      .describe(
        "When nothing is sent, as `22:00-07:00` or with the keys below; what happened is sent at their end as one summary. The log and `/api/alerts` show it at once.",
      ),
  })
  .prefault({});

export type AlertsSettings = z.infer<typeof alertsSettings>;
export type QuietHours = NonNullable<AlertsSettings["quiet_hours"]>;
