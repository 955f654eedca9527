// Sends one scripted answer over one connection, with every delay, cut and wrong header that the script requires.
// It must never decide the content.

import type { Exchange } from "./socket.ts";

export type Ending = "end" | "fin" | "reset" | "hang";

/** An answer as data. Everything is optional: an empty object is a 200 with an empty body. */
export type Scripted = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A whole body: text, bytes, or a value that is sent as JSON. Sent with its length. */
  readonly body?: unknown;
  /** A streamed body: each entry is one write. Sent chunked as an event stream, unless headers or framing say otherwise. */
  readonly chunks?: readonly (string | Uint8Array)[];
  /** Repeats the body this many times. */
  readonly repeat?: number;
  /** Cuts the streamed bytes into pieces of this size (1 = one byte a write), regardless of character boundaries. */
  readonly pieceBytes?: number;
  readonly beforeHeadersMs?: number;
  readonly beforeBodyMs?: number;
  readonly betweenChunksMs?: number;
  /** Stops after that many bytes of body, then does `ending` (default then: "fin"). */
  readonly cutAfterBytes?: number;
  /** "end": as HTTP requires. "fin" / "reset": the connection breaks. "hang": silence until the client leaves. */
  readonly ending?: Ending;
  /** The ending waits for this: a client may drop unread data when the connection breaks. */
  readonly endsAfter?: Promise<unknown>;
  /** "close": no length, the end of the connection is the end of the body. */
  readonly framing?: "length" | "chunked" | "close";
  /** Announces this length instead of the true one. */
  readonly claimedLength?: number;
  /** The whole answer as bytes, status line included; the other fields but `ending` and the delays are ignored. */
  readonly raw?: string | Uint8Array;
  /** Never sends anything, not even a status line. */
  readonly isSilent?: boolean;
};

export type Progress = { chunk(bytes: number): void; status(code: number): void };

const crlf = Buffer.from("\r\n");

async function pause(exchange: Exchange, ms: number | undefined): Promise<void> {
  if (ms === undefined || ms <= 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([over, exchange.closed]);
  clearTimeout(timer);
}

const bytesOf = (value: string | Uint8Array): Buffer =>
  typeof value === "string"
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);

function piecesOf(scripted: Scripted): readonly Buffer[] {
  const { body, chunks, pieceBytes, cutAfterBytes } = scripted;
  let pieces: Buffer[];
  if (chunks) pieces = chunks.map(bytesOf);
  else if (body === undefined) pieces = [];
  else if (typeof body === "string" || body instanceof Uint8Array) pieces = [bytesOf(body)];
  else pieces = [Buffer.from(JSON.stringify(body))];
  if (pieceBytes !== undefined) {
    const whole = Buffer.concat(pieces);
    pieces = [];
    for (let at = 0; at < whole.length; at += pieceBytes) pieces.push(whole.subarray(at, at + pieceBytes));
  }
  if (cutAfterBytes === undefined) return pieces;
  let left = cutAfterBytes;
  const kept: Buffer[] = [];
  for (const piece of pieces) {
    if (left <= 0) break;
    kept.push(piece.subarray(0, left));
    left -= piece.length;
  }
  return kept;
}

function headOf(scripted: Scripted, framing: string, length: number): string {
  const status = scripted.status ?? 200;
  const type = scripted.chunks
    ? "text/event-stream; charset=utf-8"
    : typeof scripted.body === "string"
      ? "text/plain"
      : "application/json";
  const headers: Record<string, string> = { "content-type": type, ...scripted.headers };
  if (scripted.claimedLength !== undefined) headers["content-length"] = String(scripted.claimedLength);
  else if (framing === "length" && status !== 204) headers["content-length"] = String(length);
  if (framing === "chunked") headers["transfer-encoding"] = "chunked";
  if (framing === "close") headers.connection = "close";
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n`;
}

async function finish(exchange: Exchange, ending: Ending): Promise<void> {
  if (ending === "fin") exchange.fin();
  else if (ending === "reset") exchange.reset();
  if (ending !== "end") await exchange.closed;
}

/** True if everything was sent and the ending was reached; false if the client left before. */
export async function deliver(exchange: Exchange, scripted: Scripted, progress: Progress): Promise<boolean> {
  await pause(exchange, scripted.beforeHeadersMs);
  if (!exchange.isOpen()) return false;
  if (scripted.isSilent) {
    await finish(exchange, scripted.ending ?? "hang");
    return scripted.ending !== undefined && scripted.ending !== "hang";
  }
  if (scripted.raw !== undefined) {
    if (!(await exchange.write(bytesOf(scripted.raw)))) return false;
    await finish(exchange, scripted.ending ?? "fin");
    return true;
  }
  const pieces = piecesOf(scripted);
  const framing = scripted.framing ?? (scripted.chunks ? "chunked" : "length");
  const times = scripted.repeat ?? 1;
  const length = times * pieces.reduce((sum, piece) => sum + piece.length, 0);
  progress.status(scripted.status ?? 200);
  const head = headOf(scripted, framing, length);
  if (!(await exchange.write(head))) return false;
  await pause(exchange, scripted.beforeBodyMs);
  for (let time = 0; time < times; time += 1) {
    for (const piece of pieces) {
      const framed =
        framing === "chunked"
          ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, crlf])
          : piece;
      if (piece.length > 0 && !(await exchange.write(framed))) return false;
      progress.chunk(piece.length);
      // A turn of the event loop between writes lets a client's abort be noticed immediately.
      if (scripted.betweenChunksMs) await pause(exchange, scripted.betweenChunksMs);
      else if (scripted.chunks) await new Promise<void>((resolve) => setImmediate(resolve));
      if (!exchange.isOpen()) return false;
    }
  }
  if (scripted.endsAfter) await Promise.race([scripted.endsAfter, exchange.closed]);
  const ending =
    scripted.ending ?? (scripted.cutAfterBytes !== undefined || framing === "close" ? "fin" : "end");
  if (ending === "end" && framing === "chunked") await exchange.write("0\r\n\r\n");
  await finish(exchange, ending);
  return ending !== "hang";
}
