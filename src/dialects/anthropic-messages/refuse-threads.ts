// Threads (beta message-threads-2026-08-12): the vendor keeps the history, and a request contains only what is new. A
// thread must never pass, not even to Anthropic itself: the next request may go to another key or another vendor, which
// knows nothing of the thread and would answer without the history.

import { Failure } from "../../canon/failure.ts";

/** @anthropic-ai/sdk 1.11 (lib/internal/threads) reads these details and sends the request again with the whole history. */
export function threadRefused(): Failure {
  return new Failure(
    "unsupported",
    "thread: this gateway keeps no threads; send the whole history in messages.",
    { param: "thread", details: { error_code: "thread_unsupported_request", unsupported: ["thread"] } },
  );
}
