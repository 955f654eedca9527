// Reads and writes server-sent events (WHATWG HTML section 9.2). Bounded: a frame over the limit throws, and the caller makes a
// Failure of it. It must never know what a frame means. eventsource-parser reads translated streams; our own code splits streams
// that pass as bytes, because a parser returns no bytes (rows stream, stream-messages: a parser per frame takes +48 % CPU, one
// per stream 2 to 6 %).

import { createParser } from "eventsource-parser";
import { isDense } from "./density.ts";

/** `event` is null when the frame has none. `data` joins several data lines with "\n". */
export type SseFrame = { readonly event: string | null; readonly data: string };

/** A frame larger than this is refused: no legitimate frame comes near it, and it would occupy memory. */
export const maxFrameBytes = 16 * 1024 * 1024;

export class FrameTooLarge extends Error {
  override readonly name = "FrameTooLarge";
}

export type SseDecoder = {
  /** Complete frames so far. Throws FrameTooLarge. */
  push(chunk: Uint8Array): SseFrame[];
  /** A last frame without its blank line. Some vendors leave the line out; the specification would drop the frame. */
  end(): SseFrame[];
};

export function sseDecoder(limit = maxFrameBytes): SseDecoder {
  const text = new TextDecoder("utf-8"); // drops a leading BOM
  let frames: SseFrame[] = [];
  // The parser has its own limit, but reports it with the same Error that it creates for every unknown line.
  let sinceFrame = 0;
  const parser = createParser({
    onEvent({ event, data }) {
      if (data.length > limit) throw new FrameTooLarge("A server-sent event is larger than the limit.");
      if (isDense(data)) throw new FrameTooLarge("A server-sent event holds more parts than the limit.");
      frames.push({ event: event ?? null, data });
    },
  });
  const take = (input: string): SseFrame[] => {
    frames = [];
    parser.feed(input);
    // What is buffered came after the last frame: comments and empty lines count, because they take memory too.
    sinceFrame = frames.length > 0 ? 0 : sinceFrame + input.length;
    if (sinceFrame > limit) throw new FrameTooLarge("A server-sent event is larger than the limit.");
    return frames;
  };
  return {
    push: (chunk) => take(text.decode(chunk, { stream: true })),
    end: () => take(`${text.decode()}\n\n`),
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
  // Nearly every frame is one data line, with or without an event name: those need no decoder.
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
/** An empty event, which the standard ignores. For readers that stop at a comment. */
export const blankFrame = "\n\n";

/** Offset just after the last complete frame in `bytes`, or 0. Frames end with a blank line in LF, CRLF or CR. */
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
 * Every frame as its own slice, terminators included; extra blank lines belong to the frame after them. `bytes` must
 * end with a complete frame.
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
