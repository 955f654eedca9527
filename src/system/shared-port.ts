// One port, two processes, while the older hands over to the younger: the port is shared for that time only, new connections are
// steered to the younger, and the older leaves without resetting one. Linux.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

export type ListeningSocket = {
  /** Whether another process of this user may listen on the port too. False: the kernel refused. */
  setShared(isShared: boolean): boolean;
  /** Every new connection goes to the socket that joined second. Where that is not possible, the kernel spreads them over both. */
  steerToSecond(): boolean;
  /** The kernel chooses again. */
  stopSteering(): void;
  /** Connections that nobody has accepted yet; null: the system does not say. */
  waiting(): number | null;
  /** Connections of this process that are open. */
  openConnections(): number;
  /** Listens no more; its open connections stay. Idempotent. */
  leave(): void;
};

// asm-generic/socket.h, which x86 and ARM use.
const socketLevel = 1;
const reusePort = 15;
const attachProgram = 51;
const detachProgram = 68;
const listening = "0A";
const established = "01";

/** Null: there is no such socket in this process, or no way to change it. */
export function listeningSocket(port: number): ListeningSocket | null {
  const library = process.platform === "linux" ? openLibrary() : null;
  if (library === null) return null;
  const inode = rowsOf(port, listening).find((row) => ownDescriptors().has(row.inode))?.inode;
  const descriptor = inode === undefined ? undefined : ownDescriptors().get(inode);
  if (inode === undefined || descriptor === undefined) return null;
  let hasLeft = false;
  const set = (option: number, value: Int32Array | Uint8Array): boolean =>
    !hasLeft && library.setsockopt(descriptor, socketLevel, option, ptr(value), value.byteLength) === 0;
  return {
    setShared: (isShared) => set(reusePort, new Int32Array([isShared ? 1 : 0])),
    steerToSecond() {
      const { program, keep } = returning(1);
      const isSet = set(attachProgram, program);
      // The kernel copies the instruction during the call, and not before: until then it must not be freed.
      return isSet && keep.byteLength > 0;
    },
    stopSteering: () => void set(detachProgram, new Int32Array([0])),
    waiting: () => rowsOf(port, listening).find((row) => row.inode === inode)?.waiting ?? null,
    openConnections() {
      const own = ownDescriptors();
      return rowsOf(port, established).filter((row) => own.has(row.inode)).length;
    },
    leave() {
      if (hasLeft) return;
      hasLeft = true;
      // The runtime keeps the number, and closing the server would close the idle connections too: so another file takes its place.
      const other = openSync("/dev/null", "r");
      library.dup2(other, descriptor);
      closeSync(other);
    },
  };
}

/** A classic filter program of one instruction: `return index`, the place of a socket among those that share the port. */
function returning(index: number): { readonly program: Uint8Array; readonly keep: Uint8Array } {
  const instruction = new Uint8Array(8);
  const fields = new DataView(instruction.buffer);
  const returnConstant = 0x06;
  fields.setUint16(0, returnConstant, true);
  fields.setUint32(4, index, true);
  const program = new Uint8Array(16);
  const head = new DataView(program.buffer);
  head.setUint16(0, 1, true);
  head.setBigUint64(8, BigInt(ptr(instruction)), true);
  return { program, keep: instruction };
}

type Row = { readonly inode: string; readonly waiting: number };

/** proc(5), /proc/net/tcp: for a listening socket, the receive queue is the number of connections to accept. */
function rowsOf(port: number, wantedState: string): readonly Row[] {
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap((path) =>
    (read(() => readFileSync(path, "utf8")) ?? "")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, local = "", , state, queues = "", , , , , inode] = line.trim().split(/\s+/);
        const isIt = state === wantedState && Number.parseInt(local.split(":")[1] ?? "", 16) === port;
        const waiting = Number.parseInt(queues.split(":")[1] ?? "", 16);
        return isIt && inode !== undefined ? [{ inode, waiting }] : [];
      }),
  );
}

/** The sockets of this process: their inodes and numbers. */
function ownDescriptors(): ReadonlyMap<string, number> {
  const own = new Map<string, number>();
  for (const name of read(() => readdirSync("/proc/self/fd")) ?? []) {
    const inode = /^socket:\[(\d+)\]$/.exec(read(() => readlinkSync(`/proc/self/fd/${name}`)) ?? "")?.[1];
    if (inode !== undefined) own.set(inode, Number(name));
  }
  return own;
}

function openLibrary() {
  const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
  for (const name of ["libc.so.6", musl]) {
    const opened = read(() =>
      dlopen(name, {
        setsockopt: {
          args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
          returns: FFIType.i32,
        },
        dup2: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
      }),
    );
    if (opened !== null) return opened.symbols;
  }
  return null;
}

/** Null: gone by now, or not on this machine. */
function read<Value>(look: () => Value): Value | null {
  try {
    return look();
  } catch {
    return null;
  }
}
