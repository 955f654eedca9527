// The load generator: raw keep-alive sockets in a process of its own, exact percentiles, and an eye for SSE. Prints one JSON line.
// It must never share a process with what it measures.

export type LoadJob = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A file that holds the request body. */
  readonly bodyFile: string;
  readonly connections: number;
  /** `timed` repeats until the time is over; `counted` sends `total` requests; `abort` does too, and drops each socket at its first event. */
  readonly mode: "timed" | "counted" | "abort";
  readonly durationMs: number;
  readonly total: number;
};

export type LoadResult = {
  requests: number;
  errors: number;
  /** Events ("data: " marks) seen; one that two reads share is missed. */
  events: number;
  elapsedMs: number;
  latencyMs: Percentiles;
  firstEventMs: Percentiles;
};

export type Percentiles = { p50: number; p99: number };

type Line = {
  sentAt: number;
  /** Bytes of the request that the socket has taken. */
  written: number;
  isWaiting: boolean;
  head: Buffer | null;
  hasHead: boolean;
  isOk: boolean;
  isChunked: boolean;
  /** Bytes of a body of known length still to come. */
  left: number;
  tail: string;
  hasFirstEvent: boolean;
};

type Socket = Bun.Socket<Line>;

const lastChunk = "\r\n0\r\n\r\n";
const dataMark = Buffer.from("data: ");

async function run(job: LoadJob): Promise<LoadResult> {
  const body = Buffer.from(await Bun.file(job.bodyFile).arrayBuffer());
  const headers = { host: `127.0.0.1:${job.port}`, "content-type": "application/json", ...job.headers };
  const headLines = Object.entries({ ...headers, "content-length": String(body.length) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const request = Buffer.concat([
    Buffer.from(`POST ${job.path} HTTP/1.1\r\n${headLines.join("")}\r\n`),
    body,
  ]);

  const result = { requests: 0, errors: 0, events: 0 };
  const latencies: number[] = [];
  const firstEvents: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + job.durationMs;
  let begun = 0;
  let open = 0;
  let isOver = false;
  const over = Promise.withResolvers<void>();

  const mayBegin = (): boolean =>
    !isOver && performance.now() < endsAt && (job.mode === "timed" || begun < job.total);

  function begin(socket: Socket): void {
    if (!mayBegin()) {
      socket.end();
      return;
    }
    begun += 1;
    socket.data = { ...freshLine(), isWaiting: true, sentAt: performance.now() };
    push(socket);
  }

  function push(socket: Socket): void {
    const line = socket.data;
    while (line.isWaiting && line.written < request.length) {
      const taken = socket.write(request, line.written);
      if (taken <= 0) return;
      line.written += taken;
    }
  }

  function complete(socket: Socket): void {
    const line = socket.data;
    line.isWaiting = false;
    if (line.isOk) {
      result.requests += 1;
      latencies.push(performance.now() - line.sentAt);
    } else {
      result.errors += 1;
    }
    begin(socket);
  }

  function receive(socket: Socket, bytes: Buffer): void {
    const line = socket.data;
    if (!line.isWaiting) return;
    const payload = line.hasHead ? bytes : readHead(line, bytes);
    if (payload === null) return;
    if (!line.hasFirstEvent && payload.includes(dataMark)) {
      line.hasFirstEvent = true;
      firstEvents.push(performance.now() - line.sentAt);
      if (job.mode === "abort") {
        line.isWaiting = false;
        result.requests += 1;
        socket.terminate();
        return;
      }
    }
    for (let at = payload.indexOf(dataMark); at >= 0; at = payload.indexOf(dataMark, at + 6))
      result.events += 1;
    line.left -= payload.length;
    if (line.isChunked ? endsChunked(line, payload) : line.left <= 0) complete(socket);
  }

  function connect(): void {
    open += 1;
    Bun.connect<Line>({
      hostname: "127.0.0.1",
      port: job.port,
      data: freshLine(),
      socket: {
        open(socket) {
          socket.setNoDelay(true);
          begin(socket);
        },
        data: receive,
        drain: push,
        close(socket) {
          if (socket.data.isWaiting && performance.now() < endsAt) result.errors += 1;
          closed();
        },
        error() {
          // `close` follows and counts it.
        },
      },
    }).catch(() => {
      result.errors += 1;
      closed();
    });
  }

  function closed(): void {
    open -= 1;
    if (result.errors < 1000 && mayBegin()) connect();
    else if (open === 0) over.resolve();
  }

  for (let each = 0; each < job.connections; each++) connect();
  const graceMs = job.mode === "timed" ? 200 : 0;
  const limit = setTimeout(() => {
    isOver = true;
    over.resolve();
  }, job.durationMs + graceMs);
  await over.promise;
  clearTimeout(limit);
  const elapsedMs = performance.now() - startedAt;
  return { ...result, elapsedMs, latencyMs: percentiles(latencies), firstEventMs: percentiles(firstEvents) };
}

/** What follows the head, or null while the head is not complete. */
function readHead(line: Line, bytes: Buffer): Buffer | null {
  const all = line.head ? Buffer.concat([line.head, bytes]) : bytes;
  const end = all.indexOf("\r\n\r\n");
  if (end < 0) {
    line.head = all;
    return null;
  }
  const head = all.toString("latin1", 0, end);
  line.head = null;
  line.hasHead = true;
  line.isOk = head.startsWith("HTTP/1.1 200");
  line.isChunked = /\ntransfer-encoding: *chunked/i.test(head);
  line.left = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return all.subarray(end + 4);
}

function endsChunked(line: Line, payload: Buffer): boolean {
  const from = Math.max(0, payload.length - lastChunk.length);
  line.tail = (line.tail + payload.toString("latin1", from)).slice(-lastChunk.length);
  return line.tail === lastChunk;
}

function freshLine(): Line {
  return {
    sentAt: 0,
    written: 0,
    isWaiting: false,
    head: null,
    hasHead: false,
    isOk: false,
    isChunked: false,
    left: 0,
    tail: "",
    hasFirstEvent: false,
  };
}

function percentiles(values: number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? "{}") as LoadJob;
  process.stdout.write(`${JSON.stringify(await run(job))}\n`);
  process.exit(0);
}
