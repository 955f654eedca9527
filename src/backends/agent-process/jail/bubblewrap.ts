// The jail: bubblewrap around the program, built from nothing. It contains only what is named here: no other file, process
// or network. It must never be left out silently: a `required` jail that is missing is an error at the start.

import { lstat } from "node:fs/promises";
import { findOnPath, runCommand } from "../../../system/process.ts";
import { kernelMounts, systemMounts } from "./system-folders.ts";

const jailModes = ["off", "auto", "required"] as const;
export type JailMode = (typeof jailModes)[number];

/**
 * What one tenant's jail contains besides the system's folders. All paths absolute; only what is writable may be absent.
 */
export type JailSettings = {
  /** Bubblewrap. */
  readonly program: string;
  /** Options that this bubblewrap supports and older ones do not. */
  readonly flags: readonly string[];
  /** The tenant that owns it, null for requests without one: two owners never share an egress. */
  readonly owner: string | null;
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** The jail's own temporary folders, empty at the start. */
  readonly empty: readonly string[];
  /** Read-only paths inside writable folders: the program obeys these files, in a jail or not. */
  readonly fixedFolders: readonly string[];
  readonly fixedFiles: readonly string[];
  /** Hidden if they are inside a system folder. */
  readonly hidden: readonly string[];
  /** `host:port` of reachable services that are not on the internet. */
  readonly allowedAddresses: readonly string[];
};

/** What a start adds: our files for /etc, sockets to cover, the egress. */
export type JailContents = {
  readonly mounts: readonly string[];
  /** Covers for the files and folders that must not be written. */
  readonly fixed: readonly (readonly [path: string, mount: readonly string[]])[];
  /** Other programs' sockets in folders that the jail shows. */
  readonly closed: readonly string[];
  /** An empty file. */
  readonly emptyFile: string;
  /** The command before the program. */
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
  // Outer folders first: a mount over a parent covers its children.
  const inOrder = [...mounts].toSorted(([a], [b]) => a.length - b.length);
  const isStillHidden = (path: string): boolean => mounts.get(path)?.[0] === "--tmpfs";
  const words: readonly (readonly string[])[] = [
    // Nothing outlives it: the kernel ends a pid namespace with its first process, which ends with the gateway.
    [jail.program, "--die-with-parent", "--unshare-all", ...jail.flags, "--new-session", "--cap-drop", "ALL"],
    systemMounts(),
    ["--dev", "/dev", "--proc", "/proc"],
    kernelMounts(),
    ["--tmpfs", "/tmp", "--dir", "/var", "--symlink", "../tmp", "/var/tmp", "--dir", insideFolder],
    contents.mounts,
    ...inOrder.map(([, mount]) => mount),
    // Only now, because the mount points inside had to be created first.
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
  /** The program's name in the warning. */
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

/** No process inside can create its own namespace, in which it would have administrator rights again. */
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
