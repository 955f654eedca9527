// An HTTP/1.1 client that sends every request once: what a server cuts off is a request lost, which fetch would send again unseen.

import { connect, type Socket } from "node:net";

export type RawAnswer = { readonly status: number; readonly body: string };

const headEnd = "\r\n\r\n";
const limitMs = 60_000;

export class RawConnection {
  private text = "";
  private isOver = false;
  private wake: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      this.text += piece;
      this.wake();
    });
    const end = (): void => {
      this.isOver = true;
      this.wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  /** Rejects if nobody accepts it. */
  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** The server has ended it: the next request needs another. */
  get isClosed(): boolean {
    return this.isOver;
  }

  close(): void {
    this.socket.destroy();
  }

  /** Rejects if the answer is not complete. `pieces`: how many writes the body is sent in. */
  async post(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    pieces = 1,
  ): Promise<RawAnswer> {
    this.text = "";
    const lines = Object.entries({
      host: "127.0.0.1",
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
    const size = Math.ceil(body.length / pieces);
    this.socket.write(pieces === 1 ? head + body : head);
    for (let at = 0; pieces > 1 && at < body.length; at += size) {
      this.socket.write(body.slice(at, at + size));
      await Bun.sleep(5);
    }
    return this.answer();
  }

  private async answer(): Promise<RawAnswer> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const read = completeAnswer(this.text);
      if (read !== null) {
        if (read.closes) this.isOver = true;
        return read;
      }
      if (this.isOver) throw new Error(`cut off after ${this.text.length} bytes`);
      if (performance.now() > endMs) throw new Error(`no answer within ${limitMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Null: there is more to come. */
function completeAnswer(text: string): (RawAnswer & { readonly closes: boolean }) | null {
  const end = text.indexOf(headEnd);
  if (end < 0) return null;
  const head = text.slice(0, end);
  const status = Number(head.split(" ")[1]);
  const closes = /^connection: *close/im.test(head);
  const rest = text.slice(end + headEnd.length);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined)
    return rest.length < Number(length) ? null : { status, body: rest.slice(0, Number(length)), closes };
  const body = rest.endsWith("0\r\n\r\n") ? unchunked(rest) : null;
  return body === null ? null : { status, body, closes };
}

/** Null: the last piece has not come. */
function unchunked(text: string): string | null {
  let body = "";
  for (let at = 0; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) return body;
    if (!(lineEnd + 2 + size + 2 <= text.length)) return null;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
