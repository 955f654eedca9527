// Delivery to a web address: JSON, signed with the operator's secret, so that the receiver can tell who sent it and when.

import { createHmac } from "node:crypto";
import type { AlertsSettings } from "../settings.ts";
import { postOnce } from "./http-post.ts";
import { type Channel, messageJson } from "./message.ts";

export function createWebhook(
  settings: () => AlertsSettings["webhook"],
  fetcher: typeof fetch,
  version: string,
): Channel {
  return {
    name: "webhook",
    isConfigured: () => settings() !== undefined,
    send(message, signal) {
      const webhook = settings();
      if (webhook === undefined) return Promise.resolve({ ok: true });
      const body = messageJson(message);
      const { url, secret } = webhook;
      return postOnce(fetcher, {
        url,
        body,
        signal,
        headers: {
          "content-type": "application/json",
          "user-agent": `clawgate/${version}`,
          // The same for every attempt: the receiver can tell that it has the message already.
          "x-clawgate-id": message.id,
          "x-clawgate-timestamp": String(message.atMs),
          ...(secret === undefined ? {} : { "x-clawgate-signature": signatureOf(body, secret) }),
        },
      });
    },
  };
}

const signatureOf = (body: string, secret: string): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
