// The tar archives of `docker cp`, by modern-tar: read with the kind of every entry, written for a push. Pure.
// Bun.Archive would not do: it reports neither modes, owners nor links. The reader of skills judges the entries.

import { packTar, unpackTar } from "modern-tar";

export type TarEntry = {
  readonly path: string;
  readonly kind: "file" | "folder" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly bytes: Uint8Array;
};

const maxEntries = 20_000;

/** Throws an Error if it is not an archive, or is truncated. */
export async function readTar(archive: Uint8Array): Promise<readonly TarEntry[]> {
  let entries = 0;
  const unpacked = await unpackTar(archive, {
    strict: true,
    // Checked before an entry's bytes are copied.
    filter: () => {
      entries += 1;
      if (entries > maxEntries) throw new Error("the archive has too many entries");
      return true;
    },
  });
  return unpacked.map(({ header: { name, type, mode = 0, uid = 0, gid = 0 }, data }) => ({
    path: name,
    kind: type === "file" ? "file" : type === "directory" ? "folder" : "other",
    mode,
    uid,
    gid,
    bytes: data ?? new Uint8Array(),
  }));
}

export type TarFile = { readonly path: string; readonly mode: number; readonly bytes: Uint8Array | null };

/** `bytes: null` is a folder. `gid` defaults to `uid`. */
export function writeTar(
  files: readonly TarFile[],
  uid: number,
  gid: number = uid,
): Promise<Uint8Array<ArrayBuffer>> {
  const owner = { uid, gid, mtime: new Date(0) };
  return packTar(
    files.map(({ path, mode, bytes }) =>
      bytes === null
        ? { header: { ...owner, name: path, mode, type: "directory", size: 0 } }
        : { header: { ...owner, name: path, mode, type: "file", size: bytes.length }, body: bytes },
    ),
  );
}
