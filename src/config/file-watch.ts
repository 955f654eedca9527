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

export type FileWatchOptions = {
  readonly clock: Clock;
  /** Null when there is no such file. May throw. */
  readonly readFile: (path: string) => string | null;
  /** Called with the files that read differently, once per text. */
  readonly onChange: (paths: readonly string[]) => void;
};

export function watchFiles(options: FileWatchOptions): FileWatch {
  return new PolledFileWatch(options);
}

class PolledFileWatch implements FileWatch {
  private known: FileTexts = new Map();
  private candidate: FileTexts | null = null;
  private isStopped = false;
  private cancelCheck: (() => void) | null = null;
  private cancelPoll: () => void;
  private readonly directories: WatchedDirectories;

  constructor(private readonly options: FileWatchOptions) {
    this.directories = new WatchedDirectories(() => this.checkAfter(settleMs));
    this.cancelPoll = options.clock.setTimer(pollMs, () => this.poll());
  }

  expect(files: FileTexts): void {
    if (this.isStopped) return;
    this.known = files;
    this.candidate = null;
    this.directories.watchPlacesOf(files.keys());
    // What was written between the reading and now has announced itself to nobody.
    this.checkAfter(settleMs);
  }

  stop(): void {
    this.isStopped = true;
    this.cancelPoll();
    this.cancelCheck?.();
    this.directories.close();
  }

  private poll(): void {
    this.directories.watchPlacesOf(this.known.keys());
    this.checkAfter(0);
    this.cancelPoll = this.options.clock.setTimer(pollMs, () => this.poll());
  }

  // The first sign starts the time and later ones do not: in a busy directory a look would be put off for ever.
  private checkAfter(ms: number): void {
    if (!this.isStopped) this.cancelCheck ??= this.options.clock.setTimer(ms, () => this.check());
  }

  private check(): void {
    this.cancelCheck = null;
    const { known, candidate } = this;
    const seen = new Map([...known.keys()].map((path) => [path, this.read(path)]));
    const changed = [...seen].flatMap(([path, text]) => (known.get(path) === text ? [] : [path]));
    const isSettled = candidate !== null && [...seen].every(([path, text]) => candidate.get(path) === text);
    this.candidate = null;
    if (changed.length === 0) return;
    if (!isSettled) {
      this.candidate = seen;
      this.checkAfter(confirmMs);
      return;
    }
    this.known = seen;
    this.options.onChange(changed);
  }

  private read(path: string): string | null {
    try {
      return this.options.readFile(path);
    } catch (error) {
      // What cannot be looked at just now has not changed; the poll looks again.
      if (isScarcity(error)) return this.known.get(path) ?? null;
      return unreadableText(error);
    }
  }
}

/** The directories in which the files lie. */
class WatchedDirectories {
  private readonly open = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();
  private names: ReadonlySet<string> = new Set();

  constructor(private readonly onSign: () => void) {}

  watchPlacesOf(paths: Iterable<string>): void {
    const places = [...paths].flatMap(placesOf);
    const wanted = new Map(places.map(({ directory, identity }) => [directory, identity]));
    this.names = new Set(places.map(({ name }) => name));
    for (const [directory, { identity }] of this.open)
      if (wanted.get(directory) !== identity) this.unwatch(directory);
    for (const [directory, identity] of wanted)
      if (!this.open.has(directory)) this.watch(directory, identity);
  }

  close(): void {
    for (const directory of this.open.keys()) this.unwatch(directory);
  }

  private watch(directory: string, identity: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, (_kind, name) => {
        // A database that lies beside the config changes a thousand times a second. Who has no name, or one that begins with
        // two dots (Kubernetes swaps its "..data" link), may be ours.
        if (name === null || this.names.has(name) || name.startsWith("..")) this.onSign();
      });
      watcher.on("error", () => this.unwatch(directory));
      this.open.set(directory, { watcher, identity });
    } catch {
      // No such directory, or the machine has no watch to spare: the poll tries again and sees the change itself.
    }
  }

  private unwatch(directory: string): void {
    this.open.get(directory)?.watcher.close();
    this.open.delete(directory);
  }
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
