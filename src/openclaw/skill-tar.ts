// The tar archives that `docker cp` speaks, by modern-tar: read with every entry's kind told, written for a push. Pure.
// Bun.Archive would not do: it tells neither modes, owners nor links. What an entry is, the reader of skills judges.

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

/** Throws an Error when it is no archive, or ends in mid-file. */
export async function readTar(archive: Uint8Array): Promise<readonly TarEntry[]> {
  let entries = 0;
  const unpacked = await unpackTar(archive, {
    strict: true,
    // Asked before an entry's bytes are copied.
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

/** `bytes: null` is a folder. `gid` is `uid` where it is not said. */
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
