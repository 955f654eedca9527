// The jail: bubblewrap around the program, so that it sees one tenant's folders and nothing of the gateway's.
// It must never be left out silently: what is `required` and missing is an error at the start.

import { lstat } from "node:fs/promises";
import { findOnPath, runCommand } from "../../system/process.ts";

export const jailModes = ["off", "auto", "required"] as const;
export type JailMode = (typeof jailModes)[number];

/** All paths absolute, and all of them exist. */
export type JailSettings = {
  /** Bubblewrap. */
  readonly program: string;
  /** Empty folders stand in their place. */
  readonly hiddenFolders: readonly string[];
  /** Empty files stand in their place. */
  readonly hiddenFiles: readonly string[];
  /** Seen again inside what is hidden. */
  readonly readable: readonly string[];
  readonly writable: readonly string[];
};

/** The argument list that runs `argv` inside. The network stays as it is. */
export function jailed(jail: JailSettings, cwd: string, argv: readonly string[]): string[] {
  // The later list wins where the same path stands in two.
  const mounts = new Map<string, readonly string[]>([
    ...jail.hiddenFolders.map((path) => [path, ["--tmpfs", path]] as const),
    ...jail.hiddenFiles.map((path) => [path, ["--ro-bind", "/dev/null", path]] as const),
    ...jail.readable.map((path) => [path, ["--ro-bind", path, path]] as const),
    ...jail.writable.map((path) => [path, ["--bind", path, path]] as const),
  ]);
  // Outer folders first: what is laid over a parent covers its children. That opens a folder inside a hidden one
  // and hides one inside a folder that is open.
  const inOrder = [...mounts].toSorted(([a], [b]) => a.length - b.length);
  const isStillHidden = (path: string): boolean => mounts.get(path)?.[0] === "--tmpfs";
  const words: readonly (readonly string[])[] = [
    // Nothing outlives it: the kernel ends a process namespace with its first process, and that one with the gateway.
    [jail.program, "--die-with-parent", "--unshare-pid", "--unshare-ipc"],
    ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"],
    ...inOrder.map(([, mount]) => mount),
    // Only now: the mount points inside had to be made first.
    ...jail.hiddenFolders.filter(isStillHidden).map((path) => ["--remount-ro", path]),
    ["--setenv", "TMPDIR", "/tmp", "--chdir", cwd, "--"],
    argv,
  ];
  return words.flat();
}

export type JailFound =
  | { readonly program: string; readonly warning: null }
  | { readonly program: null; readonly warning: string | null };

export type JailSearch = {
  readonly mode: JailMode;
  /** The gateway's PATH. */
  readonly path: string | undefined;
  readonly platform: string;
  /** Whether bubblewrap can really make a jail here; many containers forbid it. Default: it is tried. */
  readonly works?: (program: string) => Promise<boolean>;
};

/** Bubblewrap, or why there is none. Throws an Error when the mode is `required`: the gateway must not start then. */
export async function findJail(search: JailSearch): Promise<JailFound> {
  if (search.mode === "off") return { program: null, warning: null };
  const lacking = (why: string): JailFound => {
    if (search.mode === "required")
      throw new Error(
        `cli.jail is "required", but ${why}. Install bubblewrap, or set cli.jail to "auto" or "off".`,
      );
    return { program: null, warning: `The Claude Code program runs without a jail: ${why}.` };
  };
  if (search.platform !== "linux") return lacking("bubblewrap exists on Linux only");
  const program = findOnPath("bwrap", search.path);
  if (program === null) return lacking("bubblewrap (bwrap) is not on PATH");
  const works = search.works ?? makesJails;
  if (!(await works(program))) return lacking("bubblewrap may not make a jail on this machine");
  return { program, warning: null };
}

const trialMs = 5_000;

async function makesJails(program: string): Promise<boolean> {
  const empty: JailSettings = { program, hiddenFolders: [], hiddenFiles: [], readable: [], writable: [] };
  const trial = jailed(empty, "/", ["/bin/sh", "-c", "exit 0"]);
  return (await runCommand(trial, { timeoutMs: trialMs, cwd: "/" })).code === 0;
}

/** Those of `paths` that exist: bubblewrap refuses the others. */
export async function existing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return found.flat();
}
