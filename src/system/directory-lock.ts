// A directory has one owner: flock(2) on the directory itself. The kernel releases it with the last process that holds the open
// file, however that process ended; and a descriptor can be passed to a successor or to workers. It must never wait.

import { dlopen, FFIType, type Pointer, read } from "bun:ffi";
import { closeSync, constants, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "./files.ts";
import { identityOf } from "./file-identity.ts";

export type DirectoryLock = {
  /** The descriptor that a successor has to inherit. */
  readonly descriptor: number;
  /** False: the path now leads to another directory, or to none. */
  isInPlace(): boolean;
  /** Idempotent. */
  release(): void;
};

/** unsupported: this file system, or this system, has no such locks; nothing is held. */
export type LockResult =
  | { readonly kind: "held"; readonly lock: DirectoryLock }
  | { readonly kind: "taken" }
  | { readonly kind: "unsupported"; readonly detail: string };

type Flock = (descriptor: number) => "held" | "taken" | "unsupported";

const lockFile = "gateway.lock";
const exclusiveNonBlocking = 2 | 4;
const isMac = process.platform === "darwin";
const libraries = isMac
  ? ["/usr/lib/libSystem.B.dylib"]
  : ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
const noLocks =
  process.platform === "win32" ? "Windows has no locks of this kind" : "the C library cannot be reached";
const interrupted = 4;
// EBADF, EINVAL, ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP. With any other error another process may hold the lock.
const unsupportedErrors: ReadonlySet<number> = new Set(
  isMac ? [9, 22, 77, 78, 45, 102] : [9, 22, 37, 38, 95],
);

function openLibrary(name: string) {
  const errorPlace = { args: [], returns: FFIType.ptr } as const;
  const flock = { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } as const;
  const fcntl = { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 } as const;
  // The function that locates errno has a system-specific name: C itself has none.
  const errnoPlace: string = isMac ? "__error" : "__errno_location";
  const { symbols } = dlopen(name, { flock, fcntl, [errnoPlace]: errorPlace });
  const place = symbols[errnoPlace];
  if (place === undefined) throw new Error(`${name} does not expose errno`);
  const closeOnStart = (descriptor: number): unknown =>
    symbols["fcntl"](descriptor, setDescriptorFlags, closeOnExec);
  return { flock: symbols["flock"], closeOnStart, lastError: () => read.i32(place() as Pointer, 0) };
}

const setDescriptorFlags = 2;
const closeOnExec = 1;

/** Null if the C library cannot be reached; SQLite's locks are no alternative: they cannot be inherited. */
function flockOf(): Flock | null {
  for (const name of libraries) {
    try {
      const { flock, closeOnStart, lastError } = openLibrary(name);
      return (descriptor) => {
        // An inherited one would otherwise go to every program that is started, and outlive this process there.
        closeOnStart(descriptor);
        for (;;) {
          if (flock(descriptor, exclusiveNonBlocking) === 0) return "held";
          const code = lastError();
          if (code !== interrupted) return unsupportedErrors.has(code) ? "unsupported" : "taken";
        }
      };
    } catch {
      // Try the next name: which C library exists depends on the machine.
    }
  }
  return null;
}

/**
 * First the directory itself: nothing has to be created for it, and nothing inside can be deleted. NFS locks only files open for
 * writing, so there it is a file. Every process uses the same method. Throws what opening the directory throws.
 */
export function lockDirectory(path: string): LockResult {
  const flock = flockOf();
  if (flock === null) return { kind: "unsupported", detail: noLocks };
  const identity = identityOf(path);
  const openers: readonly (() => number)[] = [
    () => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY),
    () =>
      openSync(
        join(path, "gateway.lock"),
        constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
        0o600,
      ),
  ];
  for (const open of openers) {
    const descriptor = open();
    const result = flock(descriptor);
    if (result === "held") return { kind: "held", lock: lockOf(path, identity, descriptor) };
    closeSync(descriptor);
    if (result === "taken") return { kind: "taken" };
  }
  return { kind: "unsupported", detail: "its file system does not support locks" };
}

/** The lock of the process before this one, whose descriptor was inherited. Null: it is not this directory's lock. */
export function inheritedLock(path: string, descriptor: number): DirectoryLock | null {
  const identity = identityOf(path);
  const opened = identityOf(`/proc/self/fd/${descriptor}`);
  const isIt = opened !== null && [identity, identityOf(join(path, lockFile))].includes(opened);
  return isIt && flockOf()?.(descriptor) === "held" ? lockOf(path, identity, descriptor) : null;
}

function lockOf(path: string, identity: string | null, descriptor: number): DirectoryLock {
  let isHeld = true;
  return {
    descriptor,
    isInPlace: () => isHeld && identity !== null && identityOf(path) === identity,
    release() {
      if (!isHeld) return;
      isHeld = false;
      closeSync(descriptor);
    },
  };
}

/** Whether that process has the directory open, as its owner does. Null if the system does not show it (macOS, another user's process). */
export function holdsDirectory(pid: number, path: string): boolean | null {
  const wanted = [path, join(path, lockFile)].map(identityOf).filter((each) => each !== null);
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    // A number that no process has: on a system with /proc, that is certain.
    return errorCode(error) === "ENOENT" && identityOf("/proc/self/fd") !== null ? false : null;
  }
  return names.some((name) => wanted.includes(identityOf(join(folder, name)) ?? ""));
}

/** The process that took the lock, if the system shows it (Linux); it may not have written run.json yet. */
export function lockHolder(path: string): number | null {
  const inode = identityOf(path)?.split(":")[1];
  if (inode === undefined) return null;
  let table: string;
  try {
    table = readFileSync("/proc/locks", "utf8");
  } catch {
    return null;
  }
  const found = new RegExp(`^\\d+: FLOCK +\\S+ +WRITE +(\\d+) \\S+:${inode} `, "m").exec(table)?.[1];
  // 0: a process that is not visible from here.
  return found === undefined || found === "0" ? null : Number(found);
}

/** The process number of the owner as seen from here: a process in a container reports another, which belongs to a different process here. */
export function localOwnerPid(path: string, writtenPid: number): number {
  if (holdsDirectory(writtenPid, path) !== false) return writtenPid;
  return lockHolder(path) ?? writtenPid;
}
