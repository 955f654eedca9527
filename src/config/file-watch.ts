// Tells when a file of the config reads differently than it was read last. Directories are watched, not files: editors and
// Kubernetes put a new file in the old one's place. It must never report a text that is still being written.

import { type FSWatcher, realpathSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../system/clock.ts";
import { isScarcity } from "../system/descriptors.ts";

/** Paths and what stands there; null: no such file. */
export type FileTexts = ReadonlyMap<string, string | null>;

export type FileWatch = {
  /** From now on these files count, and these texts are what is known of them. */
  expect(files: FileTexts): void;
  stop(): void;
};

// From the first sign of a change to a look at the files, and from there to the look that must find the same.
const settleMs = 200;
const confirmMs = 100;
// Network, overlay and bind mounts announce nothing, and a swapped directory link is seen by nobody: so there is always a poll.
const pollMs = 3_000;

export function watchFiles(options: {
  readonly clock: Clock;
  /** Null when there is no such file. May throw. */
  readonly readFile: (path: string) => string | null;
  /** Called with the files that read differently, once per text. */
  readonly onChange: (paths: readonly string[]) => void;
}): FileWatch {
  const { clock } = options;
  let known: FileTexts = new Map();
  let candidate: FileTexts | null = null;
  let isStopped = false;
  let cancelCheck: (() => void) | null = null;
  const directories = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();
  let names: ReadonlySet<string> = new Set();

  const read = (path: string): string | null => {
    try {
      return options.readFile(path);
    } catch (error) {
      // What cannot be looked at just now has not changed; the poll looks again.
      if (isScarcity(error)) return known.get(path) ?? null;
      return unreadableText(error);
    }
  };
  const check = (): void => {
    cancelCheck = null;
    const seen = new Map([...known.keys()].map((path) => [path, read(path)]));
    const changed = [...seen].flatMap(([path, text]) => (known.get(path) === text ? [] : [path]));
    const isSettled = candidate !== null && [...seen].every(([path, text]) => candidate?.get(path) === text);
    candidate = null;
    if (changed.length === 0) return;
    if (!isSettled) {
      candidate = seen;
      checkAfter(confirmMs);
      return;
    }
    known = seen;
    options.onChange(changed);
  };
  // The first sign starts the time and later ones do not: in a busy directory a look would be put off for ever.
  const checkAfter = (ms: number): void => {
    if (!isStopped) cancelCheck ??= clock.setTimer(ms, check);
  };

  const close = (directory: string): void => {
    directories.get(directory)?.watcher.close();
    directories.delete(directory);
  };
  const open = (directory: string, identity: string): void => {
    try {
      const watcher = watch(directory, { persistent: false }, (_kind, name) => {
        // A database that lies beside the config changes a thousand times a second. Who has no name, or one that begins with
        // two dots (Kubernetes swaps its "..data" link), may be ours.
        if (name === null || names.has(name) || name.startsWith("..")) checkAfter(settleMs);
      });
      watcher.on("error", () => close(directory));
      directories.set(directory, { watcher, identity });
    } catch {
      // No such directory, or the machine has no watch to spare: the poll tries again and sees the change itself.
    }
  };
  const watchDirectories = (): void => {
    const places = [...known.keys()].flatMap(placesOf);
    const wanted = new Map(places.map(({ directory, identity }) => [directory, identity]));
    names = new Set(places.map(({ name }) => name));
    for (const [directory, { identity }] of directories)
      if (wanted.get(directory) !== identity) close(directory);
    for (const [directory, identity] of wanted) if (!directories.has(directory)) open(directory, identity);
  };
  let cancelPoll = (): void => undefined;
  const poll = (): void => {
    watchDirectories();
    checkAfter(0);
    cancelPoll = clock.setTimer(pollMs, poll);
  };
  cancelPoll = clock.setTimer(pollMs, poll);

  return {
    expect(files) {
      if (isStopped) return;
      known = files;
      candidate = null;
      watchDirectories();
      // What was written between the reading and now has announced itself to nobody.
      checkAfter(settleMs);
    },
    stop() {
      isStopped = true;
      cancelPoll();
      cancelCheck?.();
      for (const directory of directories.keys()) close(directory);
    },
  };
}

/** Stands for the text of a file that cannot be read: a text like no other. Whoever loads the file says why. */
export function unreadableText(error: unknown): string {
  return `\u0000${String(error)}`;
}

type Place = { readonly directory: string; readonly name: string; readonly identity: string };

/** Where a file lies, and where the file behind a link lies, each directory with what tells it from a later one of the same name. */
function placesOf(path: string): readonly Place[] {
  const paths = new Set([path]);
  try {
    paths.add(realpathSync(path));
  } catch {
    // No such file now; its directory shows when it comes.
  }
  return [...paths].flatMap((each) => {
    const directory = dirname(each);
    try {
      const { dev, ino } = statSync(directory);
      return [{ directory, name: basename(each), identity: `${dev}:${ino}` }];
    } catch {
      return [];
    }
  });
}
