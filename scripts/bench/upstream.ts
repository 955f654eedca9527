// A fake vendor, far cheaper than any gateway: raw sockets and prebuilt bytes. It counts what was started, finished and cancelled.
// It must never parse a body: the model name is found by a byte search.

import { buildAnswer, readKnobs, type Answer, type Knobs, type Wire } from "./upstream-answers.ts";

export type Counters = {
  started: number;
  finished: number;
  cancelled: number;
  running: number;
  peak: number;
};

type Prepared = { readonly answer: Answer; readonly knobs: Knobs };

type Line = {
  /** Bytes of a request that is not complete yet. */
  parts: Buffer[];
  length: number;
  /** Bytes of the whole request; Infinity for a chunked body, 0 while the head is incomplete. */
  expected: number;
  /** Writes of the running answer that are still to come. */
  queue: readonly Buffer[];
  next: number;
  /** Bytes of `queue[next]` that the socket has already accepted. */
  offset: number;
  delayMs: number;
  timer: ReturnType<typeof setTimeout> | null;
  isRunning: boolean;
};

type Socket = Bun.Socket<Line>;

const counters: Counters = { started: 0, finished: 0, cancelled: 0, running: 0, peak: 0 };
const prepared = new Map<string, Prepared>();
const marker = Buffer.from('"model":"');
const asksForStream = Buffer.from('"stream":true');

function begin(socket: Socket, answer: readonly Buffer[], knobs: Knobs): void {
  const line = socket.data;
  line.queue = answer;
  line.next = 0;
  line.offset = 0;
  line.delayMs = knobs.delayMs;
  line.isRunning = true;
  counters.started += 1;
  counters.running += 1;
  counters.peak = Math.max(counters.peak, counters.running);
  if (knobs.latencyMs > 0) line.timer = setTimeout(() => proceed(socket), knobs.latencyMs);
  else proceed(socket);
}

function proceed(socket: Socket): void {
  const line = socket.data;
  line.timer = null;
  while (line.isRunning) {
    const bytes = line.queue[line.next];
    if (bytes === undefined) return finish(line);
    const taken = socket.write(bytes, line.offset);
    if (taken < 0) return;
    line.offset += taken;
    if (line.offset < bytes.length) return;
    line.offset = 0;
    line.next += 1;
    if (line.delayMs > 0 && line.next < line.queue.length) {
      line.timer = setTimeout(() => proceed(socket), line.delayMs);
      return;
    }
  }
}

function finish(line: Line): void {
  line.isRunning = false;
  counters.running -= 1;
  counters.finished += 1;
}

function isComplete(line: Line, latest: Buffer): boolean {
  if (line.expected === 0) {
    const first = line.parts.length === 1 ? latest : Buffer.concat(line.parts);
    const end = first.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = first.toString("latin1", 0, end);
    const length = /\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const isChunked = /\ntransfer-encoding: *chunked/i.test(head);
    line.expected = isChunked ? Infinity : end + 4 + Number(length ?? 0);
  }
  if (line.expected !== Infinity) return line.length >= line.expected;
  return latest.length >= 5 && latest.toString("latin1", latest.length - 5) === "0\r\n\r\n";
}

function answerRequest(socket: Socket, request: Buffer): void {
  const requestLine = request.toString("latin1", 0, request.indexOf(13));
  if (requestLine.startsWith("GET /counters")) return void socket.write(plain(JSON.stringify(counters)));
  if (requestLine.startsWith("POST /reset")) {
    Object.assign(counters, { started: 0, finished: 0, cancelled: 0, peak: counters.running });
    return void socket.write(plain("{}"));
  }
  if (!requestLine.startsWith("POST ")) return void socket.write(plain('{"object":"list","data":[]}'));
  const wire: Wire = requestLine.includes("/messages") ? "messages" : "chat";
  const { answer, knobs } = prepare(wire, modelName(request));
  begin(socket, request.includes(asksForStream) ? answer.writes : [answer.whole], knobs);
}

function modelName(request: Buffer): string {
  const at = request.indexOf(marker);
  if (at < 0) return "";
  const from = at + marker.length;
  return request.toString("latin1", from, Math.min(request.indexOf(34, from), from + 64));
}

function prepare(wire: Wire, model: string): Prepared {
  const key = `${wire} ${model}`;
  const known = prepared.get(key);
  if (known) return known;
  const knobs = readKnobs(model);
  const made: Prepared = { answer: buildAnswer(wire, knobs), knobs };
  prepared.set(key, made);
  return made;
}

function plain(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function freshLine(): Line {
  return {
    parts: [],
    length: 0,
    expected: 0,
    queue: [],
    next: 0,
    offset: 0,
    delayMs: 0,
    timer: null,
    isRunning: false,
  };
}

const listener = Bun.listen<Line>({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 0),
  socket: {
    open(socket) {
      socket.data = freshLine();
      socket.setNoDelay(true);
    },
    data(socket, bytes) {
      const line = socket.data;
      line.parts.push(bytes);
      line.length += bytes.length;
      if (!isComplete(line, bytes)) return;
      const request = line.parts.length === 1 ? bytes : Buffer.concat(line.parts);
      line.parts = [];
      line.length = 0;
      line.expected = 0;
      answerRequest(socket, request);
    },
    drain(socket) {
      if (socket.data.isRunning && socket.data.timer === null) proceed(socket);
    },
    close(socket) {
      const line = socket.data;
      if (line.timer !== null) clearTimeout(line.timer);
      if (!line.isRunning) return;
      line.isRunning = false;
      counters.running -= 1;
      counters.cancelled += 1;
    },
    error() {
      // A reset by the gateway is exactly what is counted; `close` follows.
    },
  },
});

process.stdout.write(`${JSON.stringify({ port: listener.port })}\n`);
