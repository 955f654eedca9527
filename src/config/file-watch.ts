// Reports when a config file reads differently than the last time. It watches directories, not files: editors and Kubernetes
// replace the file with a new one. It must never report a text that is still being written.

import { type FSWatcher, realpathSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../system/clock.ts";
import { isScarcity } from "../system/descriptors.ts";

/** Paths and their texts; null: no such file. */
export type FileTexts = ReadonlyMap<string, string | null>;

export type FileWatch = {
  /** From now on these files are watched, starting from these texts. */
  expect(files: FileTexts): void;
  stop(): void;
};

// From the first sign of a change to the check, and from there to the check that must find the same text.
const settleMs = 200;
const confirmMs = 100;
// Network, overlay and bind mounts send no events, and a swapped directory link triggers none: so there is always a poll.
const pollMs = 3_000;

export type FileWatchOptions = {
  readonly clock: Clock;
  /** Null if there is no such file. May throw. */
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
    // A change between that read and now triggers no event.
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

  // Only the first sign starts the timer: in a busy directory, later ones would delay the check for ever.
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
      // A file that cannot be checked now counts as unchanged; the poll checks again.
      if (isScarcity(error)) return this.known.get(path) ?? null;
      return unreadableText(error);
    }
  }
}

/** The directories that contain the files. */
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
        // A database next to the config changes a thousand times a second. An event without a name, or with one that begins with
        // two dots (Kubernetes swaps its "..data" link), may concern our files.
        if (name === null || this.names.has(name) || name.startsWith("..")) this.onSign();
      });
      watcher.on("error", () => this.unwatch(directory));
      this.open.set(directory, { watcher, identity });
    } catch {
      // No such directory, or no watch left on this machine: the poll tries again and detects the change itself.
    }
  }

  private unwatch(directory: string): void {
    this.open.get(directory)?.watcher.close();
    this.open.delete(directory);
  }
}

/** Represents the text of a file that cannot be read: it equals no other text. Loading the file reports why. */
export function unreadableText(error: unknown): string {
  return `\u0000${String(error)}`;
}

type Place = { readonly directory: string; readonly name: string; readonly identity: string };

/** The directories of a file and of the file behind a link, each with an identity that a later one of the same name does not share. */
function placesOf(path: string): readonly Place[] {
  const paths = new Set([path]);
  try {
    paths.add(realpathSync(path));
  } catch {
    // No such file now; its directory will show when it appears.
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
