// Bytes <-> server-sent events (WHATWG HTML section 9.2). Bounded: a frame over the limit is a Failure of the caller's making.
// It must never know what a frame means.

import { isDense } from "./density.ts";

/** `event` is null when the frame names none. `data` joins several data lines with "\n". */
export type SseFrame = { readonly event: string | null; readonly data: string };

/** A frame larger than this is refused: nothing legitimate comes near it and it would otherwise sit in memory. */
export const maxFrameBytes = 16 * 1024 * 1024;

/** What a line takes beside its text. */
const lineBytes = 16;

export class FrameTooLarge extends Error {
  override readonly name = "FrameTooLarge";
}

export type SseDecoder = {
  /** Complete frames so far. Throws FrameTooLarge. */
  push(chunk: Uint8Array): SseFrame[];
  /** A last frame whose blank line never came. Vendors leave it out; the specification would drop it. */
  end(): SseFrame[];
};

export function sseDecoder(limit = maxFrameBytes): SseDecoder {
  const text = new TextDecoder("utf-8"); // drops a leading BOM
  let carry = "";
  let waitsForLf = false;
  let event: string | null = null;
  let data: string[] = [];
  let held = 0;

  const line = (value: string, frames: SseFrame[]): void => {
    if (value === "") {
      if (data.length > 0) {
        const joined = data.length === 1 ? (data[0] ?? "") : data.join("\n");
        if (isDense(joined)) throw new FrameTooLarge("A server-sent event holds more parts than the limit.");
        frames.push({ event, data: joined });
      }
      event = null;
      data = [];
      held = 0;
      return;
    }
    const colon = value.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? value : value.slice(0, colon);
    const rest =
      colon < 0 ? "" : value.charCodeAt(colon + 1) === 32 ? value.slice(colon + 2) : value.slice(colon + 1);
    if (field === "data") {
      data.push(rest);
      // Empty lines take memory as well: a text and its place in the list.
      held += rest.length + lineBytes;
      if (held > limit) throw new FrameTooLarge("A server-sent event is larger than the limit.");
    } else if (field === "event") event = rest;
  };

  const take = (input: string): SseFrame[] => {
    const frames: SseFrame[] = [];
    let buffer = carry + input;
    if (!waitsForLf && !/[\r\n]/.test(input)) {
      // Only joined on paper: looking through one endless line again with every chunk would take all the time there is.
      carry = buffer;
      if (carry.length > limit) throw new FrameTooLarge("A server-sent event is larger than the limit.");
      return frames;
    }
    if (buffer.includes("\r")) {
      // A CR at the very end may be half of a CRLF: it waits for the next chunk.
      waitsForLf = buffer.endsWith("\r");
      buffer = (waitsForLf ? buffer.slice(0, -1) : buffer).replaceAll("\r\n", "\n").replaceAll("\r", "\n");
      if (waitsForLf) buffer += "\r";
    } else waitsForLf = false;
    let from = 0;
    for (;;) {
      const end = buffer.indexOf("\n", from);
      if (end < 0) break;
      line(buffer.slice(from, end), frames);
      from = end + 1;
    }
    carry = from === 0 ? buffer : buffer.slice(from);
    if (carry.length > limit) throw new FrameTooLarge("A server-sent event is larger than the limit.");
    return frames;
  };

  return {
    push: (chunk) => take(text.decode(chunk, { stream: true })),
    end() {
      const frames = take(text.decode());
      if (carry !== "") {
        line(carry.endsWith("\r") ? carry.slice(0, -1) : carry, frames);
        carry = "";
      }
      line("", frames);
      return frames;
    },
  };
}

/** Frames of bytes or text that end with a complete frame. */
export function readFrames(input: string | Uint8Array): SseFrame[] {
  const decoder = sseDecoder();
  return [...decoder.push(typeof input === "string" ? Buffer.from(input) : input), ...decoder.end()];
}

/** The one frame of a slice of `splitFrames`; null when it holds only comments. Throws FrameTooLarge. */
export function readFrame(slice: Buffer): SseFrame | null {
  if (isDense(slice)) throw new FrameTooLarge("A server-sent event holds more parts than the limit.");
  const text = slice.toString("utf8");
  // Nearly every frame is one data line, named or not: no decoder is set up for those.
  if (!text.includes("\r")) {
    const first = text.indexOf("\n");
    if (text.startsWith(":") && first === text.length - 2) return null;
    if (text.startsWith("data: ") && first === text.length - 2)
      return { event: null, data: text.slice(6, first) };
    if (text.startsWith("event: ") && text.startsWith("data: ", first + 1)) {
      const second = text.indexOf("\n", first + 1);
      if (second === text.length - 2)
        return { event: text.slice(7, first), data: text.slice(first + 7, second) };
    }
  }
  return readFrames(slice)[0] ?? null;
}

/** One frame as text. `data` must be a single line (JSON is). */
export function encodeFrame(data: string, event: string | null = null): string {
  return event === null ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`;
}

/** A comment frame: keeps connections open, and every client's parser skips it. */
export const commentFrame = ": keep-alive\n\n";
/** An empty event, which the standard says is none. For readers that give up at a comment. */
export const blankFrame = "\n\n";

/** Offset just behind the last complete frame in `bytes`, or 0. Frames end with a blank line in LF, CRLF or CR. */
export function lastFrameEnd(bytes: Buffer): number {
  if (bytes[bytes.length - 1] === 0x0a && bytes[bytes.length - 2] === 0x0a) return bytes.length;
  const lf = bytes.lastIndexOf("\n\n");
  let end = lf < 0 ? 0 : lf + 2;
  if (end !== bytes.length) {
    const crlf = bytes.lastIndexOf("\n\r\n");
    if (crlf >= 0) end = Math.max(end, crlf + 3);
    const cr = bytes.lastIndexOf("\r\r");
    if (cr >= 0) end = Math.max(end, cr + 2);
  }
  return end;
}

/**
 * Every frame as its own slice, terminators included; blank lines that end nothing belong to the frame behind them.
 * `bytes` must end with a complete frame.
 */
export function splitFrames(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let from = 0;
  let isLineEmpty = true;
  let isFrameEmpty = true;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte !== 0x0a && byte !== 0x0d) {
      isLineEmpty = false;
      isFrameEmpty = false;
      continue;
    }
    if (byte === 0x0d && bytes[i + 1] === 0x0a) i++;
    if (isLineEmpty && !isFrameEmpty) {
      frames.push(bytes.subarray(from, i + 1));
      from = i + 1;
      isFrameEmpty = true;
    }
    isLineEmpty = true;
  }
  if (from < bytes.length) frames.push(bytes.subarray(from));
  return frames;
}
