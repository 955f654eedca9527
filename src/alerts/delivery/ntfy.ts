// Delivery to a topic of ntfy, or of a server that speaks its protocol: text in the body, the rest in headers.

import type { AlertsSettings } from "../settings.ts";
import { postOnce } from "./http-post.ts";
import type { AlertMessage, Channel } from "./message.ts";

export function createNtfy(
  settings: () => AlertsSettings["ntfy"],
  fetcher: typeof fetch,
  version: string,
): Channel {
  return {
    name: "ntfy",
    isConfigured: () => settings() !== undefined,
    send(message, signal) {
      const ntfy = settings();
      if (ntfy === undefined) return Promise.resolve({ ok: true });
      return postOnce(fetcher, {
        url: ntfy.url,
        signal,
        body: message.text,
        headers: {
          "content-type": "text/plain; charset=utf-8",
          "user-agent": `clawgate/${version}`,
          Title: headerText(message.title),
          Priority: String(ntfy.priority ?? usualPriority(message)),
          Tags: tagOf(message),
          ...(ntfy.token === undefined ? {} : { authorization: `Bearer ${ntfy.token}` }),
        },
      });
    },
  };
}

const usualPriority = ({ severity, status }: AlertMessage): number =>
  severity === "critical" && status !== "resolved" ? 5 : 3;

/** Names of ntfy's list of symbols. */
function tagOf({ status, severity }: AlertMessage): string {
  if (status === "resolved") return "white_check_mark";
  if (status === "test") return "test_tube";
  return severity === "critical" ? "rotating_light" : "warning";
}

/** A header value ends at a line break, and beyond ASCII servers disagree. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]+/g, "?").slice(0, 200);
