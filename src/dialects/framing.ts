// How a format writes a stream: its content type, and the frames that hold no event of the model.
// The pipeline takes them from the client half of a dialect, so that a stream need not be server-sent events.

import { commentFrame } from "../wire/sse.ts";

export type StreamFraming = {
  readonly contentType: string;
  /** Says "still here" in the format's own typed way. */
  readonly heartbeat: string;
  /** Says it in a way that every client of the format skips. Never empty: with the first one the headers leave. */
  readonly quiet: string;
  /** A remark for whoever reads the stream by eye. Null: clients of this format stop at one. */
  readonly remark: ((text: string) => string) | null;
  /** Ends a good stream ("data: [DONE]", message_stop), where the vendor left it out. Empty: the last event says so itself. */
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
