// Prepares what a jail needs when it starts: our files for its /etc, its egress, and the sockets of other programs in its
// folders. All of it is in one folder of this run. It must never be shared between two owners.

import { chmod, lstat, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { UserIds } from "../../../system/accounts.ts";
import { insideCommand } from "../../../system/jail-probe.ts";
import { replaceFile } from "../../../system/files.ts";
import { insideFolder, bubblewrapArguments, type JailContents, type JailSettings } from "./bubblewrap.ts";
import type { SharedFolder } from "../other-user.ts";
import { JailEgress } from "./jail-egress.ts";
import { socketsIn } from "./sockets.ts";
import { ownFiles } from "./system-folders.ts";
import type { EgressRules } from "./egress-proxy.ts";

export type JailStart = {
  readonly jail: JailSettings;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly user: UserIds | null;
};

export type JailedCommand = {
  /** The argument list that runs the program inside. */
  readonly argv: readonly string[];
  /**
   * Whether the covers over files and sockets are still in place and no other socket has appeared. A cover disappears when a
   * process outside replaces the file below it by rename. Never rejects.
   */
  isIntact(): Promise<boolean>;
};

export type JailRuntime = {
  /** Rejects when the jail's folder cannot be made. */
  wrap(start: JailStart): Promise<JailedCommand>;
  /** Closes every egress; afterwards nothing is created any more. Idempotent, never rejects. */
  close(): Promise<void>;
};

export type JailRuntimeOptions = {
  /** The folder of this run; other users can open files in it by name. */
  readonly sharedFolder: SharedFolder;
  readonly ownPort: () => number | null;
  /** Default: the machine's resolver. */
  readonly resolve?: EgressRules["resolve"];
};

export function createJailRuntime(options: JailRuntimeOptions): JailRuntime {
  return new JailRoom(options);
}

class JailRoom implements JailRuntime {
  private readonly egress: JailEgress;
  private readonly files: SharedFiles;
  private isClosed = false;

  constructor({ sharedFolder, ...options }: JailRuntimeOptions) {
    this.egress = new JailEgress({ sharedFolder, ...options });
    this.files = new SharedFiles(sharedFolder);
  }

  async wrap(start: JailStart): Promise<JailedCommand> {
    if (this.isClosed) throw new Error("the gateway is stopping");
    const { jail, cwd, argv, user, home } = start;
    const ids = user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const own = ownFiles({ ...ids, home });
    const shown = { writable: jail.writable, readable: jail.readable, uid: ids.uid };
    const [egress, emptyFile, closed, ...placed] = await Promise.all([
      this.egress.of(start),
      this.files.place("nothing", "{}\n"),
      socketsIn(shown),
      ...own.map(({ name, text }) => this.files.place(`${name}-${Bun.hash(text).toString(36)}`, text)),
    ]);
    const forwarder = forwarderProgram();
    const forwards = egress.ports.map(([port, path]) => [port, path, `${insideFolder}/${port}`] as const);
    const contents: JailContents = {
      mounts: [
        ...own.flatMap(({ target }, index) => ["--ro-bind", placed[index] ?? "", target]),
        ...forwarder.mounts,
        ...forwards.flatMap(([, path, target]) => ["--ro-bind", path, target]),
      ],
      fixed: await fixedMounts(jail, emptyFile, user === null),
      closed,
      emptyFile,
      entry: [...forwarder.argv, ...forwards.map(([port, , target]) => `${port}=${target}`), "--"],
      env: {
        ...proxyVariables(`http://127.0.0.1:${egress.proxyPort}`),
        NODE_USE_ENV_PROXY: "1",
        BUN_CONFIG_MAX_HTTP_REQUESTS: "65336",
      },
    };
    const covered = [...closed, ...jail.hidden, ...jail.empty, ...contents.fixed.map(([path]) => path)];
    const before = await identitiesOf(covered);
    return {
      argv: bubblewrapArguments(jail, contents, cwd, argv),
      async isIntact() {
        const [now, sockets] = await Promise.all([identitiesOf(covered), socketsIn(shown)]);
        return (
          sockets.every((path) => closed.includes(path)) &&
          before.every((each, index) => each === null || each === now[index])
        );
      },
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.files.settled();
    await this.egress.close();
  }
}

/** Our files that jails mount, each written once. */
class SharedFiles {
  private readonly files = new Map<string, Promise<string>>();

  constructor(private readonly folder: SharedFolder) {}

  place(name: string, text: string): Promise<string> {
    let file = this.files.get(name);
    if (file === undefined) this.files.set(name, (file = this.write(name, text)));
    file.catch(() => this.files.delete(name));
    return file;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.files.values());
  }

  private async write(name: string, text: string): Promise<string> {
    const path = join(this.folder.path, name);
    await this.folder.make();
    await replaceFile(path, text, { mode: 0o644 });
    await chmod(path, 0o644);
    return path;
  }
}

function proxyVariables(proxy: string): Readonly<Record<string, string>> {
  const upper = {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    ALL_PROXY: proxy,
    NO_PROXY: "localhost,127.0.0.1,::1",
  };
  const lower = Object.entries(upper).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { ...upper, ...Object.fromEntries(lower) };
}

/** This program itself, which has a mode for the inside of a jail; run from source, Bun with the sources. */
function forwarderProgram(): { readonly mounts: readonly string[]; readonly argv: readonly string[] } {
  const program = `${insideFolder}/relay`;
  const own = ["--ro-bind", process.execPath, program];
  if (Bun.isStandaloneExecutable) return { mounts: own, argv: [program, insideCommand] };
  const sources = join(import.meta.dir, "..", "..", "..");
  return {
    mounts: [...own, "--ro-bind", sources, `${insideFolder}/src`],
    argv: [program, `${insideFolder}/src/main.ts`, insideCommand],
  };
}

/**
 * Existing files are read-only, and missing ones are created empty: a program that may not change a file must not create it
 * either. In another user's folder, where we create nothing, bubblewrap does.
 */
async function fixedMounts(
  { fixedFolders, fixedFiles }: JailSettings,
  emptyFile: string,
  mayMake: boolean,
): Promise<JailContents["fixed"]> {
  const mountOf = async (path: string, make: () => Promise<unknown>, empty: readonly string[]) => {
    if ((await kindOf(dirname(path))) === "absent") return [];
    if (mayMake && (await kindOf(path)) === "absent") await make().catch(() => undefined);
    const kind = await kindOf(path);
    // A link cannot be covered by a mount.
    return kind === "link" ? [] : [[path, kind === "there" ? ["--ro-bind", path, path] : empty] as const];
  };
  const found = await Promise.all([
    ...fixedFolders.map((path) => mountOf(path, () => mkdir(path, { mode: 0o700 }), ["--tmpfs", path])),
    ...fixedFiles.map((path) =>
      mountOf(
        path,
        () => writeFile(path, path.endsWith(".json") ? "{}\n" : "", { flag: "wx", mode: 0o600 }),
        ["--ro-bind", emptyFile, path],
      ),
    ),
  ]);
  return found.flat();
}

/** Null: it does not exist. An inode number may be reused, but with another time. */
function identitiesOf(paths: readonly string[]): Promise<readonly (string | null)[]> {
  const identityOf = async (path: string): Promise<string | null> => {
    const found = await lstat(path).catch(() => null);
    return found === null ? null : `${found.dev}:${found.ino}:${found.birthtimeMs}`;
  };
  return Promise.all(paths.map(identityOf));
}

async function kindOf(path: string): Promise<"link" | "there" | "absent"> {
  return lstat(path).then(
    (found) => (found.isSymbolicLink() ? "link" : "there"),
    () => "absent",
  );
}
