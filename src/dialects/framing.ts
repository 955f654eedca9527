// How a format writes a stream: its content type, and the frames without model events. The pipeline takes them from the
// client half of a dialect, so that a stream need not be server-sent events.

import { commentFrame } from "../wire/sse.ts";

export type StreamFraming = {
  readonly contentType: string;
  /** A keep-alive as the format's own event. */
  readonly heartbeat: string;
  /** A keep-alive that every client of the format skips. Never empty: the first one flushes the headers. */
  readonly quiet: string;
  /** A comment for a person who reads the stream. Null: clients of this format stop at a comment. */
  readonly remark: ((text: string) => string) | null;
  /**
   * Ends a complete stream ("data: [DONE]", message_stop) where the vendor left the end out. Empty: the last event is the end.
   */
  readonly end: string;
};

/** Server-sent events. A comment is skipped by every client but Google's. */
export const eventStream: StreamFraming = {
  contentType: "text/event-stream; charset=utf-8",
  heartbeat: commentFrame,
  quiet: commentFrame,
  remark: (text) => `: ${text}\n\n`,
  end: "",
};
