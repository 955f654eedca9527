// Reads the bodies of a vendor's answers within bounds of size and time. It must never decide what they mean.

import { Failure } from "../../canon/failure.ts";
import { isDense } from "../../wire/density.ts";
import { ReplyPace } from "./reply-pace.ts";

/** The status identifies the error; its body is not awaited longer than this, nor read further. */
const errorBodyMs = 2_000;
const errorBodyBytes = 64 * 1024;
/** Limit of an answer that is read as a whole. Parsed, it takes many times as much memory and blocks the event loop. */
export const maxReplyBytes = 32 * 1024 * 1024;
/** Limit of an answer that passes unread: vectors for two thousand texts. */
export const maxUnreadBytes = 64 * 1024 * 1024;
/** Some vendors send white space while generating a whole answer, one or two a second. */
const maxBlankBytes = 1024 * 1024;

/** The beginning of an error's body as text; the rest is not read. */
export async function readErrorText(
  answer: Response,
  setTimer: (ms: number, run: () => void) => () => void,
): Promise<string> {
  if (answer.body === null) return "";
  const reader = answer.body.getReader();
  const { promise: isLate, resolve } = Promise.withResolvers<null>();
  const stop = setTimer(errorBodyMs, () => resolve(null));
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    while (size < errorBodyBytes) {
      const step = await Promise.race([reader.read(), isLate]);
      if (step === null || step.done) break;
      parts.push(step.value);
      size += step.value.byteLength;
    }
  } finally {
    stop();
    void reader.cancel().catch(() => undefined);
  }
  return Buffer.concat(parts).subarray(0, errorBodyBytes).toString("utf8");
}

const tooLarge = (): Failure => new Failure("bad-output", "The upstream's answer is larger than the limit.");

/**
 * The bytes of a whole reply, bounded. `onWords`: called for every part of a body of unknown length, from the first one that is
 * more than white space. Rejects with a Failure.
 */
export function readReplyBytes(
  answer: Response,
  limit = maxReplyBytes,
  onWords?: { progressed(): void },
): Promise<Uint8Array> {
  const length = Number(answer.headers.get("content-length") ?? Number.NaN);
  // A decoded gzip body may be far larger than its content-length: only plain ones take the fast path.
  if (!Number.isFinite(length) || answer.headers.get("content-encoding") !== null)
    return readChunks(answer, limit, onWords);
  return length > limit ? Promise.reject(tooLarge()) : answer.bytes();
}

async function readChunks(
  answer: Response,
  limit: number,
  onWords: { progressed(): void } | undefined,
): Promise<Uint8Array> {
  if (answer.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  const replyPace = new ReplyPace();
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    replyPace.hasBegun ||= !isBlank(chunk);
    if (!replyPace.hasBegun && size > maxBlankBytes)
      throw new Failure("bad-output", "The upstream answered with whitespace only.");
    const turn = replyPace.take(chunk.byteLength);
    if (turn !== null) await turn;
    parts.push(chunk);
    if (replyPace.hasBegun) onWords?.progressed();
  }
  return parts.length === 1 ? (parts[0] ?? new Uint8Array()) : Buffer.concat(parts);
}

/** Only white space as JSON defines it. */
function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes)
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
  return true;
}

/** The value of a whole JSON reply. Rejects with a Failure. */
export async function readJsonReply(answer: Response): Promise<unknown> {
  return parseReply(await readReplyBytes(answer));
}

/** Throws a Failure. */
export function parseReply(bytes: Uint8Array): unknown {
  if (isDense(bytes)) throw tooLarge();
  try {
    return JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
    ) as unknown;
  } catch (cause) {
    throw new Failure("bad-output", "The upstream's answer is not valid JSON.", { cause });
  }
}
