// The stand-in's way to a real (fake) Anthropic API: one streamed request, its events as steps. Used when
// ANTHROPIC_BASE_URL is set. It must never reach anything but loopback.

import { parsed, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import type { Step } from "./modes.ts";

const errorNames: Readonly<Record<number, string>> = {
  400: "invalid_request",
  401: "authentication_failed",
  404: "model_not_found",
  429: "rate_limit",
};

export async function* asked(base: string, body: Json, signal: AbortSignal): AsyncGenerator<Step> {
  const { hostname } = new URL(base);
  if (hostname !== "127.0.0.1" && hostname !== "localhost" && hostname !== "[::1]")
    throw new Error(`The stand-in does not leave this machine (${hostname}).`);
  const answer = await fetch(`${base}/v1/messages?beta=true`, {
    method: "POST",
    signal,
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "x-app": "cli",
      "user-agent": "claude-cli/stand-in (external, sdk-cli)",
      "x-api-key": process.env["ANTHROPIC_API_KEY"] ?? "",
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok || answer.body === null) {
    const said = recordOf(recordOf(parsed(await answer.text()))["error"]);
    const { status } = answer;
    const text = `API Error: ${status} ${textOf(said["message"])}`;
    yield { do: "fail", failed: { error: errorNames[status] ?? "server_error", status, text } };
    return;
  }
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of answer.body) {
    rest += decoder.decode(bytes, { stream: true });
    const frames = rest.split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      const event = recordOf(parsed(/^data: (.*)$/m.exec(frame)?.[1] ?? ""));
      if (event["type"] === "error") {
        yield { do: "fail", failed: { error: "unknown", status: null, text: "API Error: Overloaded" } };
        return;
      }
      if (typeof event["type"] === "string" && event["type"] !== "ping") yield { do: "event", event };
    }
  }
}
