// The packages that the program is made of: everything that the locked dependencies need at run time. A package that holds others
// as one file (the page of /swagger) brings theirs, so the list may be longer than what is used, never shorter.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export type BundledPackage = {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** "" where the package holds none. */
  readonly licenseText: string;
  readonly author: string;
  readonly homepage: string;
  /** Hex of the locked SHA-512. */
  readonly sha512: string;
};

type Details = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalPeers?: readonly string[];
};
/** `name@version`, "", what it needs, its digest. */
type Row = readonly [string, string, Details | undefined, string | undefined];
type Lock = {
  readonly workspaces: Readonly<Record<string, Details>>;
  readonly packages: Readonly<Record<string, Row>>;
};
type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly license?: string | { readonly type?: string };
  readonly author?: string | { readonly name?: string };
  readonly homepage?: string;
};

/** Sorted by name and version. Throws when the lock and node_modules differ, or a package names no licence. */
export function bundledPackages(root: string): readonly BundledPackage[] {
  const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as Lock;
  const found = new Map<string, BundledPackage>();
  for (const key of reachable(lock)) {
    const each = readPackage(root, key, lock.packages[key] as Row);
    found.set(`${each.name}@${each.version}`, each);
  }
  return [...found.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
}

function reachable(lock: Lock): ReadonlySet<string> {
  const seen = new Set<string>();
  const walk = (key: string): void => {
    if (seen.has(key)) return;
    seen.add(key);
    const { dependencies, peerDependencies, optionalPeers = [] } = lock.packages[key]?.[2] ?? {};
    const needed = Object.keys({ ...dependencies, ...peerDependencies });
    for (const name of needed) {
      // Declarations: nothing of them is in a program.
      if (name.startsWith("@types/")) continue;
      const place = nearest(lock, key, name);
      if (place !== null) walk(place);
      else if (dependencies?.[name] !== undefined && !optionalPeers.includes(name))
        throw new Error(`bun.lock does not say which ${name} ${key} gets`);
    }
  };
  for (const name of Object.keys(lock.workspaces[""]?.dependencies ?? {})) walk(name);
  return seen;
}

/** As Node resolves: its own folder of packages first, then that of each package around it. */
function nearest(lock: Lock, key: string, name: string): string | null {
  const around = partsOf(key);
  for (let depth = around.length; depth >= 0; depth -= 1) {
    const place = [...around.slice(0, depth), name].join("/");
    if (lock.packages[place] !== undefined) return place;
  }
  return null;
}

/** "a/@b/c" -> a, @b/c */
const partsOf = (key: string): readonly string[] => key.match(/@[^/]+\/[^/]+|[^/]+/g) ?? [];

function readPackage(root: string, key: string, [locked, , , integrity]: Row): BundledPackage {
  const folder = join(root, "node_modules", ...partsOf(key).join("/node_modules/").split("/"));
  if (!existsSync(join(folder, "package.json"))) throw new Error(`${key} is locked but not installed`);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  if (locked !== `${manifest.name}@${manifest.version}`)
    throw new Error(`${key}: ${manifest.version} is installed, the lock says ${locked}`);
  const license = typeof manifest.license === "string" ? manifest.license : (manifest.license?.type ?? "");
  if (license === "") throw new Error(`${locked} names no licence: it cannot be released`);
  const digest = /^sha512-(.+)$/.exec(integrity ?? "")?.[1];
  if (digest === undefined) throw new Error(`bun.lock has no SHA-512 of ${locked}`);
  return {
    name: manifest.name,
    version: manifest.version,
    license,
    licenseText: licenseTextIn(folder),
    author: typeof manifest.author === "string" ? manifest.author : (manifest.author?.name ?? ""),
    homepage: manifest.homepage ?? "",
    sha512: Buffer.from(digest, "base64").toString("hex"),
  };
}

/** With the notices that some licences ask to be passed on. */
function licenseTextIn(folder: string): string {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(?:licen[cs]e|copying|notice)/i.test(entry.name))
    .map((entry) => entry.name);
  return names
    .toSorted()
    .map((name) => readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n").trim())
    .join("\n\n");
}
