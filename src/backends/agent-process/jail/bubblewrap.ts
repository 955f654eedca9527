// The jail: bubblewrap around the program, built from nothing. What is not named here is not there: no file, no process, no
// network. It must never be left out silently: what is `required` and missing is an error at the start.

import { lstat } from "node:fs/promises";
import { findOnPath, runCommand } from "../../../system/process.ts";
import { kernelMounts, systemMounts } from "./system-folders.ts";

const jailModes = ["off", "auto", "required"] as const;
export type JailMode = (typeof jailModes)[number];

/** What one tenant's jail holds besides the system's folders. All paths absolute; only what is writable may be absent. */
export type JailSettings = {
  /** Bubblewrap. */
  readonly program: string;
  /** Words that this bubblewrap understands and older ones do not. */
  readonly flags: readonly string[];
  /** The tenant whose it is, null for requests without one: two owners share no way out. */
  readonly owner: string | null;
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** Folders of the jail's own, empty at the start and gone with it. */
  readonly empty: readonly string[];
  /** Inside what is writable, and yet not to be written: the program obeys these, in a jail or not. */
  readonly fixedFolders: readonly string[];
  readonly fixedFiles: readonly string[];
  /** Hidden where they are in a folder of the system. */
  readonly hidden: readonly string[];
  /** `host:port` of what is not on the internet and yet meant to be reached. */
  readonly allowedAddresses: readonly string[];
};

/** What a start adds: our files for /etc, sockets that must not answer, the way to the network. */
export type JailContents = {
  readonly mounts: readonly string[];
  /** What is laid over the files and folders that must not be written. */
  readonly fixed: readonly (readonly [path: string, mount: readonly string[]])[];
  /** Sockets of others in folders that are open here. */
  readonly closed: readonly string[];
  /** An empty file. */
  readonly emptyFile: string;
  /** Goes before the program. */
  readonly entry: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/** Where our own files are inside. */
export const insideFolder = "/run/clawgate";

/** The argument list that runs `argv` inside. */
export function bubblewrapArguments(
  jail: JailSettings,
  contents: JailContents,
  cwd: string,
  argv: readonly string[],
): string[] {
  // The later list wins where two name the same path.
  const mounts = new Map<string, readonly string[]>([
    ...jail.hidden.map((path) => [path, ["--tmpfs", path]] as const),
    ...jail.empty.map((path) => [path, ["--tmpfs", path]] as const),
    ...jail.readable.map((path) => [path, ["--ro-bind-try", path, path]] as const),
    ...jail.writable.map((path) => [path, ["--bind-try", path, path]] as const),
    ...contents.fixed,
    ...contents.closed.map((path) => [path, ["--ro-bind", contents.emptyFile, path]] as const),
  ]);
  // Outer folders first: what is laid over a parent covers its children.
  const inOrder = [...mounts].toSorted(([a], [b]) => a.length - b.length);
  const isStillHidden = (path: string): boolean => mounts.get(path)?.[0] === "--tmpfs";
  const words: readonly (readonly string[])[] = [
    // Nothing outlives it: the kernel ends a process namespace with its first process, and that one with the gateway.
    [jail.program, "--die-with-parent", "--unshare-all", ...jail.flags, "--new-session", "--cap-drop", "ALL"],
    systemMounts(),
    ["--dev", "/dev", "--proc", "/proc"],
    kernelMounts(),
    ["--tmpfs", "/tmp", "--dir", "/var", "--symlink", "../tmp", "/var/tmp", "--dir", insideFolder],
    contents.mounts,
    ...inOrder.map(([, mount]) => mount),
    // Only now: the mount points inside had to be made first.
    ...[...jail.hidden, ...jail.fixedFolders].filter(isStillHidden).map((path) => ["--remount-ro", path]),
    ["--remount-ro", "/"],
    ...Object.entries({ ...contents.env, TMPDIR: "/tmp" }).map(([name, value]) => ["--setenv", name, value]),
    ["--chdir", cwd, "--"],
    contents.entry,
    argv,
  ];
  return words.flat();
}

export type JailFound =
  | { readonly program: string; readonly flags: readonly string[]; readonly warning: null }
  | { readonly program: null; readonly flags: readonly string[]; readonly warning: string | null };

export type JailSearch = {
  readonly mode: JailMode;
  /** The gateway's PATH. */
  readonly path: string | undefined;
  readonly platform: string;
  /** What the warning calls the program. */
  readonly programName: string;
  /** Why bubblewrap cannot make a jail here, as many containers forbid it; null: it can. Default: a jail is started. */
  readonly trouble?: (program: string, flags: readonly string[]) => Promise<string | null>;
};

/** Bubblewrap, or why there is none. Throws an Error when the mode is `required`: the gateway must not start then. */
export async function findJail(search: JailSearch): Promise<JailFound> {
  if (search.mode === "off") return { program: null, flags: [], warning: null };
  const lacking = (why: string): JailFound => {
    if (search.mode === "required")
      throw new Error(
        `cli.jail is "required", but ${why}. Install bubblewrap, or set cli.jail to "auto" or "off".`,
      );
    return { program: null, flags: [], warning: `The ${search.programName} runs without a jail: ${why}.` };
  };
  if (search.platform !== "linux") return lacking("bubblewrap exists on Linux only");
  const program = findOnPath("bwrap", search.path);
  if (program === null) return lacking("bubblewrap (bwrap) is not on PATH");
  const troubleWith = search.trouble ?? troubleOf;
  // Older ones do not know it, and where user namespaces are forbidden root has jails without.
  for (const flags of [closedNamespaces, []])
    if ((await troubleWith(program, flags)) === null) return { program, flags, warning: null };
  const trouble = (await troubleWith(program, [])) ?? "";
  const said = trouble === "" ? "" : ` (${trouble})`;
  return lacking(
    `bubblewrap is not allowed to create a jail on this machine${said}: it needs user namespaces, which the kernel or a container may forbid`,
  );
}

/** No process inside can make a namespace of its own, in which it would have an administrator's rights again. */
const closedNamespaces: readonly string[] = ["--unshare-user", "--disable-userns"];

const checkMs = 5_000;

const emptyContents: JailContents = {
  mounts: [],
  fixed: [],
  closed: [],
  emptyFile: "/dev/null",
  entry: [],
  env: {},
};

async function troubleOf(program: string, flags: readonly string[]): Promise<string | null> {
  const empty: JailSettings = {
    program,
    flags,
    owner: null,
    readable: [],
    writable: [],
    empty: [],
    fixedFolders: [],
    fixedFiles: [],
    hidden: [],
    allowedAddresses: [],
  };
  const check = bubblewrapArguments(empty, emptyContents, "/", ["/bin/sh", "-c", "exit 0"]);
  const { code, stderr } = await runCommand(check, { timeoutMs: checkMs, cwd: "/" });
  return code === 0 ? null : (stderr.trim().split("\n").at(-1) ?? "").slice(0, 200);
}

/** Those of `paths` that exist: bubblewrap refuses the others. */
export async function existingPaths(paths: readonly string[]): Promise<string[]> {
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
