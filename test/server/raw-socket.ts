// Says to a port exactly the bytes that a test wrote, which no HTTP client would.

import { connect } from "node:net";

export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The first answer on the connection; status 0 when it was closed without one. */
export function say(port: number, request: string | readonly (string | Buffer)[]): Promise<RawAnswer> {
  const parts = typeof request === "string" ? [request] : request;
  const hasBody = !parts[0]?.toString().startsWith("HEAD ");
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => {
      for (const part of parts) socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
    });
    const finish = (answer: RawAnswer): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const answer = completeAnswer(text, hasBody);
      if (answer !== null) finish(answer);
    });
    socket.on("close", () => finish(completeAnswer(text, hasBody) ?? { status: 0, headers: {}, body: text }));
    // A server that has refused may reset the connection under our last write.
    socket.on("error", (error) => (text === "" ? reject(error) : undefined));
  });
}

function completeAnswer(text: string, hasBody: boolean): RawAnswer | null {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = text.slice(headEnd + 4);
  // Told while the request's body still comes in; it ends when the connection does.
  if (headers["transfer-encoding"] === "chunked" && headers["connection"] === "close") {
    const whole = firstChunk(body);
    return whole === null ? null : { status: Number(statusLine.split(" ")[1]), headers, body: whole };
  }
  if (hasBody && body.length < Number(headers["content-length"] ?? 0)) return null;
  return { status: Number(statusLine.split(" ")[1]), headers, body };
}

/** Null: it is not there yet. */
function firstChunk(body: string): string | null {
  const start = body.indexOf("\r\n") + 2;
  const length = Number.parseInt(body, 16);
  return start < 2 || body.length < start + length ? null : body.slice(start, start + length);
}

export type Held = {
  /** What came back, when the server closed the connection or `answered` was enough. */
  readonly answered: Promise<RawAnswer>;
  /** Settles when the server has closed the connection. */
  readonly closed: Promise<void>;
  send(bytes: string | Buffer): void;
  destroy(): void;
};

/** A connection that stays open: for bodies that are sent bit by bit, or never. */
export async function hold(port: number, request: string): Promise<Held> {
  const answered = Promise.withResolvers<RawAnswer>();
  const closed = Promise.withResolvers<void>();
  let text = "";
  const socket = connect(port, "127.0.0.1");
  const look = (isEnd: boolean): void => {
    const answer = completeAnswer(text, true);
    if (answer !== null) answered.resolve(answer);
    else if (isEnd) answered.resolve({ status: 0, headers: {}, body: text });
  };
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    look(false);
  });
  socket.on("close", () => {
    look(true);
    closed.resolve();
  });
  // A server that has refused may reset the connection under our last write.
  socket.on("error", () => undefined);
  const connected = Promise.withResolvers<void>();
  socket.once("connect", () => connected.resolve());
  socket.once("close", () => connected.resolve());
  await connected.promise;
  socket.write(Buffer.from(request, "latin1"));
  return {
    answered: answered.promise,
    closed: closed.promise,
    send: (bytes) => void socket.write(bytes),
    destroy: () => socket.destroy(),
  };
}
