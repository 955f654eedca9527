// A message about alerts, as every way of delivery takes it.

import type { AlertView, Severity } from "../alert.ts";

export type MessageStatus = "firing" | "changed" | "resolved" | "summary" | "test";

export type AlertMessage = {
  readonly id: string;
  readonly atMs: number;
  readonly status: MessageStatus;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
  /** The alert; null for a summary and a test. */
  readonly alert: AlertView | null;
  /** What a summary is about. */
  readonly summarized: readonly { readonly status: MessageStatus; readonly alert: AlertView }[];
};

/** How a delivery ended. `isFinal`: another attempt would end the same way. */
export type DeliveryResult =
  { readonly ok: true } | { readonly ok: false; readonly isFinal: boolean; readonly why: string };

export type ChannelName = "webhook" | "ntfy" | "command";

export type Channel = {
  readonly name: ChannelName;
  /** False: the config names none. */
  isConfigured(): boolean;
  /** `signal`: the gateway stops. */
  send(message: AlertMessage, signal?: AbortSignal): Promise<DeliveryResult>;
};

/** The JSON that a webhook and a command receive. The alert's members are at the top. */
export function messageJson(message: AlertMessage): string {
  const { id, atMs, status, severity, title, text, alert, summarized } = message;
  return JSON.stringify({
    ...(alert ?? { severity, message: text }),
    status,
    title,
    text,
    message_id: id,
    sent_ms: atMs,
    source: "clawgate",
    ...(status === "summary"
      ? { alerts: summarized.map((each) => ({ ...each.alert, status: each.status })) }
      : {}),
  });
}
