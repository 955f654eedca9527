// Reads the outline of one request's prompt when its answer has begun: in turns of the loop in which nothing waits for it. Until then it
// holds the body's bytes, and the request's record waits for it.

import type { PendingOutline, PromptOutline } from "../../canon/prompt-outline.ts";
import { promptLayout } from "../../dialects/prompt-layout.ts";
import { BrokenJson } from "../../wire/json.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import { readOutline, type ToolHashes } from "./read-outline.ts";

/** A larger body would hold up the loop for longer than a few milliseconds. */
const maxReadBytes = 4_194_304;

export class PromptReading implements PendingOutline {
  outline: PromptOutline | null = null;
  private state: "waiting" | "soon" | "read" = "waiting";
  private listener: (() => void) | null = null;

  constructor(
    private incoming: IncomingRequest | null,
    private readonly tools: ToolHashes,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** It will call back. */
  get isUnderWay(): boolean {
    return this.state === "soon";
  }

  /** `release` is called when the bytes are no longer needed. */
  readSoon(release: () => void): void {
    this.state = "soon";
    setImmediate(() => {
      this.read();
      this.state = "read";
      release();
      this.listener?.();
      this.listener = null;
    });
  }

  /** At once where it was not begun: no answer came. */
  whenRead(listener: () => void): void {
    if (this.isUnderWay) this.listener = listener;
    else listener();
  }

  private read(): void {
    const { incoming } = this;
    this.incoming = null;
    if (incoming === null) return;
    const { envelope, bodyDialect } = incoming;
    try {
      this.outline = readOutline(
        envelope.bytes,
        envelope.scan,
        promptLayout(bodyDialect),
        envelope.model,
        this.tools,
      );
    } catch (thrown) {
      // A body whose parts are not what its format says has been answered all the same.
      if (!(thrown instanceof BrokenJson)) this.onError(thrown);
    }
  }
}

/**
 * Tells the same request again where no prompt is read: without a session only that is asked of it, and a hash of the
 * bytes costs a thousandth of reading them. Null: it is no chat, or too large.
 */
export function bodyHashOf({ endpoint, envelope }: IncomingRequest): string | null {
  if (endpoint.kind !== "chat" || envelope.bytes.length > maxReadBytes) return null;
  // Gemini names the model in the path.
  return Bun.hash(envelope.bytes, Bun.hash(envelope.model)).toString(16);
}

/** Null: the request belongs to no session, or is no chat, or too large. */
export function promptReadingOf(
  incoming: IncomingRequest,
  tools: ToolHashes,
  onError: (error: unknown) => void,
): PromptReading | null {
  const { endpoint, envelope, sessionKey } = incoming;
  if (sessionKey === null || endpoint.kind !== "chat" || envelope.bytes.length > maxReadBytes) return null;
  return new PromptReading(incoming, tools, onError);
}
