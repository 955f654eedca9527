// Tells systemd how the service is (sd_notify(3)): ready, stopping, reloading, and that its event loop lives. A datagram to the socket
// that NOTIFY_SOCKET names. Without that variable nothing is loaded; it must never start a process, and never end the gateway.

import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";
import type { Clock } from "./clock.ts";

export type ServiceNotifier = {
  ready(status: string): void;
  /** The config is read again, until `ready`. */
  reloading(): void;
  /** systemd waits for at least `allowedMs` from now, whatever the unit's TimeoutStopSec. */
  stopping(status: string, allowedMs: number): void;
  /** Another process of the service is now the main one, and gives the signs of life. */
  handOver(pid: number): void;
  /** That process has ended: this one is the main one again, until it ends too. */
  takeBack(): void;
  close(): void;
};

type Environment = Readonly<Record<string, string | undefined>>;
type NotifierInput = {
  readonly environment: Environment;
  readonly clock: Pick<Clock, "setTimer">;
  readonly pid: number;
  /** systemd hears only the main process: until this settles, another one is. Null: this one is from the start. */
  readonly isMain?: Promise<void> | null;
  /** Told once why systemd hears nothing. */
  readonly onTrouble: (why: string) => void;
};

const retryMs = 50;
const maxTries = 100;
const maxStatusLength = 200;

/** Null: no supervisor listens, or none that can be reached. */
export function createServiceNotifier(input: NotifierInput): ServiceNotifier | null {
  const name = input.environment["NOTIFY_SOCKET"];
  if (name === undefined || name === "" || process.platform !== "linux") return null;
  const socket = openSocket(name);
  if (typeof socket === "string") {
    input.onTrouble(socket);
    return null;
  }
  return new Notifier(input, socket, watchdogMs(input.environment, input.pid));
}

/** Half of what systemd allows; null: it does not watch this process. */
function watchdogMs(environment: Environment, pid: number): number | null {
  const limit = environment["WATCHDOG_USEC"] ?? "";
  const watched = environment["WATCHDOG_PID"] ?? "";
  if (!/^[1-9]\d{0,15}$/.test(limit) || (watched !== "" && watched !== String(pid))) return null;
  return Math.max(1, Number(limit) / 2_000);
}

class Notifier implements ServiceNotifier {
  private readonly waiting: string[] = [];
  private tries = 0;
  private cancelRetry: (() => void) | null = null;
  private cancelSign: (() => void) | null = null;
  private isClosed = false;
  private isHeard = false;

  constructor(
    private readonly input: NotifierInput,
    private readonly socket: NotifySocket,
    private readonly signMs: number | null,
  ) {
    if (input.isMain) void input.isMain.then(() => this.begin());
    else this.begin();
  }

  ready(status: string): void {
    this.send(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  reloading(): void {
    this.send(
      `RELOADING=1\nMONOTONIC_USEC=${this.socket.monotonicMicros()}\nSTATUS=reading the config again`,
    );
  }

  stopping(status: string, allowedMs: number): void {
    this.send(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${Math.ceil(allowedMs * 1_000)}\nSTATUS=${oneLine(status)}`);
  }

  handOver(pid: number): void {
    this.stopSigns();
    // The last sign may be old, and the next one is the other's: between the two the limit must not run out.
    this.send(`${this.signMs === null ? "" : "WATCHDOG=1\n"}MAINPID=${pid}`);
  }

  takeBack(): void {
    this.send(`MAINPID=${this.input.pid}`);
    this.stopSigns();
    this.sendSign();
  }

  close(): void {
    this.isClosed = true;
    this.stopSigns();
    this.cancelRetry?.();
    this.socket.close();
  }

  private begin(): void {
    if (this.isClosed) return;
    this.isHeard = true;
    this.sendSign();
    this.flush();
  }

  private stopSigns(): void {
    this.cancelSign?.();
    this.cancelSign = null;
  }

  /** By a timer of the event loop: a loop that hangs gives no sign, and systemd restarts the service. */
  private sendSign(): void {
    if (this.signMs === null) return;
    this.socket.send("WATCHDOG=1");
    this.cancelSign = this.input.clock.setTimer(this.signMs, () => this.sendSign());
  }

  /** In order, and again while systemd is too busy to take it. */
  private send(message: string): void {
    if (this.isClosed) return;
    this.waiting.push(message);
    if (this.isHeard && this.cancelRetry === null) this.flush();
  }

  private flush(): void {
    this.cancelRetry = null;
    for (let [next] = this.waiting; next !== undefined; [next] = this.waiting) {
      const code = this.socket.send(next);
      if (code !== null && busyErrors.has(code) && ++this.tries < maxTries) {
        this.cancelRetry = this.input.clock.setTimer(retryMs, () => this.flush());
        return;
      }
      if (code !== null)
        this.input.onTrouble(`systemd cannot be told of the service's state (errno ${code})`);
      this.tries = 0;
      this.waiting.shift();
    }
  }
}

/** A line break would begin another assignment. */
const oneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").slice(0, maxStatusLength);

type NotifySocket = {
  /** Null: sent; else errno. */
  send(message: string): number | null;
  monotonicMicros(): bigint;
  close(): void;
};

const unixFamily = 1;
const datagramCloseOnExec = 2 | 0o2000000;
const dontWaitNoSignal = 0x40 | 0x4000;
const monotonicClock = 1;
/** EINTR, EAGAIN, ENOBUFS. */
const busyErrors: ReadonlySet<number> = new Set([4, 11, 105]);
/** sun_path holds 108 bytes. */
const maxNameBytes = 107;

/** A text: why there is none. */
function openSocket(name: string): NotifySocket | string {
  const isAbstract = name.startsWith("@");
  if (!isAbstract && !name.startsWith("/"))
    return "NOTIFY_SOCKET names an unknown kind of socket, so systemd is told nothing";
  const path = Buffer.from(isAbstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (path.length > maxNameBytes + 1) return "NOTIFY_SOCKET is too long, so systemd is told nothing";
  const library = loadLibrary();
  if (library === null) return "the C library cannot be reached, so systemd is told nothing";
  const descriptor = library.socket(unixFamily, datagramCloseOnExec, 0);
  if (descriptor < 0) return "no socket can be opened, so systemd is told nothing";
  const address = Buffer.alloc(2 + path.length);
  address.writeUInt16LE(unixFamily, 0);
  path.copy(address, 2);
  const time = new BigInt64Array(2);
  return {
    send(message) {
      const bytes = Buffer.from(message);
      const sent = library.sendto(
        descriptor,
        ptr(bytes),
        bytes.length,
        dontWaitNoSignal,
        ptr(address),
        address.length,
      );
      return Number(sent) < 0 ? library.lastError() : null;
    },
    monotonicMicros() {
      library.clock_gettime(monotonicClock, ptr(time));
      return (time[0] ?? 0n) * 1_000_000n + (time[1] ?? 0n) / 1_000n;
    },
    close: () => void library.close(descriptor),
  };
}

function loadLibrary() {
  const { i32, i64, u32, u64, ptr: pointer } = FFIType;
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const errnoPlace: string = "__errno_location";
  for (const name of ["libc.so.6", `libc.musl-${architecture}.so.1`]) {
    try {
      const { symbols } = dlopen(name, {
        socket: { args: [i32, i32, i32], returns: i32 },
        sendto: { args: [i32, pointer, u64, i32, pointer, u32], returns: i64 },
        clock_gettime: { args: [i32, pointer], returns: i32 },
        close: { args: [i32], returns: i32 },
      });
      const { [errnoPlace]: place } = dlopen(name, { [errnoPlace]: { args: [], returns: pointer } }).symbols;
      if (place === undefined) continue;
      return { ...symbols, lastError: () => read.i32(place() as Pointer, 0) };
    } catch {
      // Try the next name: which C library exists depends on the machine.
    }
  }
  return null;
}
