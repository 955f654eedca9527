// The load generator: raw keep-alive sockets in a separate process, exact percentiles, and detection of SSE events. Prints one JSON
// line. It must never share a process with what it measures.

export type LoadJob = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The file with the request body. */
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
  /** Events ("data: " marks) seen; one that is split across two reads is missed. */
  events: number;
  elapsedMs: number;
  latencyMs: Percentiles;
  firstEventMs: Percentiles;
};

export type Percentiles = { p50: number; p99: number };

type Line = {
  sentAt: number;
  /** Bytes of the request that the socket has accepted. */
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

async function requestOf(job: LoadJob): Promise<Buffer> {
  const body = Buffer.from(await Bun.file(job.bodyFile).arrayBuffer());
  const headers = { host: `127.0.0.1:${job.port}`, "content-type": "application/json", ...job.headers };
  const headLines = Object.entries({ ...headers, "content-length": String(body.length) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`POST ${job.path} HTTP/1.1\r\n${headLines.join("")}\r\n`), body]);
}

class LoadRun {
  private readonly result = { requests: 0, errors: 0, events: 0 };
  private readonly latencies: number[] = [];
  private readonly firstEvents: number[] = [];
  private readonly startedAt = performance.now();
  private readonly endsAt: number;
  private readonly over = Promise.withResolvers<void>();
  private begun = 0;
  private open = 0;
  private isOver = false;

  constructor(
    private readonly job: LoadJob,
    private readonly request: Buffer,
  ) {
    this.endsAt = this.startedAt + job.durationMs;
  }

  async finish(): Promise<LoadResult> {
    const { job } = this;
    for (let each = 0; each < job.connections; each++) this.connect();
    const graceMs = job.mode === "timed" ? 200 : 0;
    const limit = setTimeout(() => {
      this.isOver = true;
      this.over.resolve();
    }, job.durationMs + graceMs);
    await this.over.promise;
    clearTimeout(limit);
    const elapsedMs = performance.now() - this.startedAt;
    const latencyMs = percentiles(this.latencies);
    return { ...this.result, elapsedMs, latencyMs, firstEventMs: percentiles(this.firstEvents) };
  }

  private mayBegin(): boolean {
    const { job } = this;
    return (
      !this.isOver && performance.now() < this.endsAt && (job.mode === "timed" || this.begun < job.total)
    );
  }

  private connect(): void {
    this.open += 1;
    Bun.connect<Line>({
      hostname: "127.0.0.1",
      port: this.job.port,
      data: freshLine(),
      socket: {
        open: (socket) => {
          socket.setNoDelay(true);
          this.begin(socket);
        },
        data: (socket, bytes) => this.receive(socket, bytes),
        drain: (socket) => this.push(socket),
        close: (socket) => {
          if (socket.data.isWaiting && performance.now() < this.endsAt) this.result.errors += 1;
          this.closed();
        },
        error() {
          // `close` follows and counts it.
        },
      },
    }).catch(() => {
      this.result.errors += 1;
      this.closed();
    });
  }

  private closed(): void {
    this.open -= 1;
    if (this.result.errors < 1000 && this.mayBegin()) this.connect();
    else if (this.open === 0) this.over.resolve();
  }

  private begin(socket: Socket): void {
    if (!this.mayBegin()) {
      socket.end();
      return;
    }
    this.begun += 1;
    socket.data = { ...freshLine(), isWaiting: true, sentAt: performance.now() };
    this.push(socket);
  }

  private push(socket: Socket): void {
    const line = socket.data;
    while (line.isWaiting && line.written < this.request.length) {
      const taken = socket.write(this.request, line.written);
      if (taken <= 0) return;
      line.written += taken;
    }
  }

  private receive(socket: Socket, bytes: Buffer): void {
    const line = socket.data;
    if (!line.isWaiting) return;
    const payload = line.hasHead ? bytes : readHead(line, bytes);
    if (payload === null) return;
    if (!line.hasFirstEvent && payload.includes(dataMark)) {
      line.hasFirstEvent = true;
      this.firstEvents.push(performance.now() - line.sentAt);
      if (this.job.mode === "abort") {
        line.isWaiting = false;
        this.result.requests += 1;
        socket.terminate();
        return;
      }
    }
    for (let at = payload.indexOf(dataMark); at >= 0; at = payload.indexOf(dataMark, at + 6))
      this.result.events += 1;
    line.left -= payload.length;
    if (line.isChunked ? endsChunked(line, payload) : line.left <= 0) this.complete(socket);
  }

  private complete(socket: Socket): void {
    const line = socket.data;
    line.isWaiting = false;
    if (line.isOk) {
      this.result.requests += 1;
      this.latencies.push(performance.now() - line.sentAt);
    } else {
      this.result.errors += 1;
    }
    this.begin(socket);
  }
}

/** The data after the head, or null while the head is incomplete. */
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
  process.stdout.write(`${JSON.stringify(await new LoadRun(job, await requestOf(job)).finish())}\n`);
  process.exit(0);
}
