// Where a container's paths are on this machine, derived from docker's list of its mounts. Pure. A path is confined to its mount: it
// must never lead out of it, whatever dots and slashes the container's variables contain.

import { posix } from "node:path";

export type Mount = {
  /** Null: it is not visible on this machine (a tmpfs, a volume of some driver). */
  readonly source: string | null;
  readonly destination: string;
  readonly isReadOnly: boolean;
};

export type OnThisMachine = {
  readonly path: string;
  /** The folder below which the container's user may have created links: none is followed there. */
  readonly below: string;
  readonly isReadOnly: boolean;
};

type Tree = Readonly<Record<string, unknown>>;

// oxlint-disable-next-line no-control-regex
const isPlain = (path: string): boolean => !/[\u0000-\u001f\u007f]/.test(path);

/** Absolute, without dots, double slashes and a trailing slash; null: it is not a path. */
function plainAbsolute(path: unknown): string | null {
  if (typeof path !== "string" || !path.startsWith("/") || !isPlain(path)) return null;
  const whole = posix.normalize(path);
  return whole.length > 1 && whole.endsWith("/") ? whole.slice(0, -1) : whole;
}

export function mountOf({ Type, Source, Destination, RW, Driver }: Tree): Mount | null {
  const destination = plainAbsolute(Destination);
  if (destination === null) return null;
  const isSeen =
    Type === undefined ||
    Type === "bind" ||
    (Type === "volume" && (Driver === undefined || Driver === "local" || Driver === ""));
  return { source: isSeen ? plainAbsolute(Source) : null, destination, isReadOnly: RW === false };
}

/** `base` is the start of a relative path, `home` the value of `~`. Null: a path that no program can have meant. */
export function insidePath(written: string, base: string, home: string): string | null {
  if (!isPlain(written)) return null;
  const whole = written === "~" || written.startsWith("~/") ? `${home}/${written.slice(2)}` : written;
  return plainAbsolute(whole.startsWith("/") ? whole : `${base}/${whole}`);
}

const isIn = (path: string, folder: string): boolean =>
  folder === "/" || path === folder || path.startsWith(`${folder}/`);

/** The outermost of these folders that contains the path; null: none does. */
export function outermost(folders: readonly string[], path: string): string | null {
  return folders.filter((each) => isIn(path, each)).toSorted((a, b) => a.length - b.length)[0] ?? null;
}

/** Folders of this machine that the container's user may write to. */
export function writableSources(mounts: readonly Mount[]): readonly string[] {
  return mounts.flatMap(({ source, isReadOnly }) => (source === null || isReadOnly ? [] : [source]));
}

/** Null: the path is in no mount that is visible here. `isFile`: the file itself may be what is mounted. */
export function outsideOf(
  inside: string,
  mounts: readonly Mount[],
  writable: readonly string[],
  isFile: boolean,
): OnThisMachine | null {
  // Of two mounts at one path, the later covers the earlier.
  const mount = mounts
    .toReversed()
    .filter(({ destination }) => isIn(inside, destination))
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
  if (mount === undefined || mount.source === null) return null;
  const { source, destination, isReadOnly } = mount;
  const path = posix.join(source, inside.slice(destination === "/" ? 0 : destination.length));
  const own = isFile && path === source ? posix.dirname(source) : source;
  return { path, below: outermost([...writable, own], own) ?? own, isReadOnly };
}
