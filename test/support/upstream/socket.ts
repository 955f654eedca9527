// HTTP/1.1 on a bare TCP socket, so that the fake vendor can do what no HTTP library allows: FIN or RST in the middle,
// wrong lengths, broken status lines. It must never know what a request means.

export type HttpRequest = {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** Names in lower case; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type Exchange = {
  readonly request: HttpRequest;
  /** Settles when the connection is gone, whichever side closed it. */
  readonly closed: Promise<void>;
  isOpen(): boolean;
  /** Raw bytes. Settles when the kernel has them all; false if the connection is gone. */
  write(bytes: string | Uint8Array): Promise<boolean>;
  /** Closes the connection cleanly (FIN), whatever was announced. */
  fin(): void;
  /** Resets the connection (RST). */
  reset(): void;
};

type Connection = {
  incoming: Buffer;
  isBusy: boolean;
  isGone: boolean;
  close(): void;
  closed: Promise<void>;
  unsent: Buffer | null;
  drained: (() => void) | null;
};

type Socket = Bun.Socket<Connection>;

const headEnd = Buffer.from("\r\n\r\n");

/** The bytes of a chunked body from `from` on, and where it ends; null while incomplete. */
function dechunk(bytes: Buffer, from: number): { body: Buffer; end: number } | null {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return null;
    if (size === 0) return { body: Buffer.concat(parts), end: start + 2 };
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}

/** The first whole request in `bytes`, and how much of them it took; null while incomplete. */
function takeRequest(bytes: Buffer): { request: HttpRequest; end: number } | null {
  const split = bytes.indexOf(headEnd);
  if (split < 0) return null;
  const lines = bytes.toString("latin1", 0, split).split("\r\n");
  const [method = "", target = ""] = (lines[0] ?? "").split(" ");
  const headers: Record<string, string> = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const start = split + 4;
  if (headers["transfer-encoding"]?.includes("chunked")) {
    const chunked = dechunk(bytes, start);
    return chunked && { request: { method, target, headers, body: chunked.body }, end: chunked.end };
  }
  const end = start + Number(headers["content-length"] ?? "0");
  if (bytes.length < end) return null;
  return { request: { method, target, headers, body: Buffer.from(bytes.subarray(start, end)) }, end };
}

export type HttpListener = { readonly port: number; stop(): void };

/** Listens on loopback. `answer` runs once a request; when it settles, the connection takes its next request. */
export function listenHttp(port: number, answer: (exchange: Exchange) => Promise<void>): HttpListener {
  const live = new Set<Socket>();

  const exchangeOn = (socket: Socket, request: HttpRequest): Exchange => ({
    request,
    closed: socket.data.closed,
    isOpen: () => !socket.data.isGone,
    async write(bytes) {
      if (socket.data.isGone) return false;
      const buffer = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
      const sent = socket.write(buffer);
      if (sent < 0) return false;
      if (sent < buffer.length) {
        socket.data.unsent = buffer.subarray(sent);
        const drained = new Promise<void>((resolve) => {
          socket.data.drained = resolve;
        });
        await Promise.race([drained, socket.data.closed]);
      }
      return !socket.data.isGone;
    },
    fin: () => void socket.end(),
    reset: () => void socket.terminate(),
  });

  const serve = async (socket: Socket): Promise<void> => {
    const connection = socket.data;
    if (connection.isBusy) return;
    connection.isBusy = true;
    try {
      for (let next = takeRequest(connection.incoming); next; next = takeRequest(connection.incoming)) {
        connection.incoming = connection.incoming.subarray(next.end);
        await answer(exchangeOn(socket, next.request));
        if (connection.isGone) return;
      }
    } finally {
      connection.isBusy = false;
    }
  };

  const listener = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        const gone = Promise.withResolvers<void>();
        socket.data = {
          incoming: Buffer.alloc(0),
          isBusy: false,
          isGone: false,
          close: gone.resolve,
          closed: gone.promise,
          unsent: null,
          drained: null,
        };
        socket.setNoDelay(true);
        live.add(socket);
      },
      data(socket, chunk) {
        const before = socket.data.incoming;
        socket.data.incoming = before.length === 0 ? Buffer.from(chunk) : Buffer.concat([before, chunk]);
        void serve(socket);
      },
      drain(socket) {
        const { unsent } = socket.data;
        if (!unsent) return;
        const sent = socket.write(unsent);
        if (sent < unsent.length) {
          socket.data.unsent = unsent.subarray(Math.max(0, sent));
          return;
        }
        socket.data.unsent = null;
        socket.data.drained?.();
      },
      close(socket) {
        socket.data.isGone = true;
        socket.data.close();
        live.delete(socket);
      },
      // A reset by the peer: `close` follows and notifies everything.
      error() {},
    },
  });

  return {
    port: listener.port,
    stop() {
      listener.stop(true);
      for (const socket of live) socket.terminate();
    },
  };
}
