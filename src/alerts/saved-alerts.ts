// What is kept of the alerts over a restart, read back with care: the file may be older than this build, or damaged.

import { z } from "zod";
import type { ActiveAlert, AlertView, EndedAlert } from "./alert.ts";
import type { MessageStatus } from "./delivery/message.ts";
import type { Undelivered } from "./delivery/outbox.ts";
import type { SavedTraffic } from "./traffic-counts.ts";

/** A message that the quiet hours hold back. */
export type HeldMessage = { readonly status: MessageStatus; readonly alert: AlertView };

export type SavedAlerts = {
  readonly active: readonly ActiveAlert[];
  readonly ended: readonly EndedAlert[];
  readonly held: readonly HeldMessage[];
  readonly undelivered: readonly Undelivered[];
  readonly traffic: SavedTraffic;
};

const kind = z.enum([
  "error-rate",
  "provider-out",
  "route-out",
  "quota",
  "credential",
  "login",
  "budget",
  "budget-projected",
  "spend-spike",
  "unknown-price",
  "store",
  "config",
  "certificates",
]);
const severity = z.enum(["warning", "critical"]);
const number = z.number().nullable();

const active = z.object({
  id: z.string(),
  kind,
  subject: z.string(),
  severity,
  level: z.number(),
  basis: z.number().exactOptional(),
  message: z.string(),
  untilMs: number,
  value: number,
  limit: number,
  partOf: z.string().nullable(),
  sinceMs: z.number(),
  seenMs: z.number(),
  isSilent: z.boolean(),
});

const view = z.object({
  id: z.string(),
  kind,
  severity,
  subject: z.string(),
  message: z.string(),
  since_ms: z.number(),
  until_ms: number,
  value: number,
  limit: number,
  ended_ms: z.number().exactOptional(),
});

const heldMessage = z.object({
  status: z.enum(["firing", "changed", "resolved", "summary", "test"]),
  alert: view,
});

const undelivered = z.object({
  message: z.object({
    id: z.string(),
    atMs: z.number(),
    status: heldMessage.shape.status,
    severity,
    title: z.string(),
    text: z.string(),
    alert: view.nullable(),
    summarized: z.array(heldMessage),
  }),
  channels: z.array(z.enum(["webhook", "ntfy", "command"])),
});

const saved = z.object({
  active: z.array(active),
  ended: z.array(active.extend({ endedMs: z.number() })),
  held: z.array(heldMessage),
  undelivered: z.array(undelivered).default([]),
  traffic: z.object({
    hours: z.array(z.tuple([z.number(), z.number()])),
    unpriced: z.array(
      z.object({
        provider: z.string(),
        model: z.string(),
        answered: z.string().nullable(),
        seenMs: z.number(),
      }),
    ),
  }),
});

/** Null: nothing that this build understands. */
export function readSavedAlerts(value: unknown): SavedAlerts | null {
  const read = saved.safeParse(value);
  return read.success ? read.data : null;
}
