// The tar archives that `docker cp` speaks: read with every entry's kind told, written for a push. Pure.
// It must never resolve a link or believe a size; what an entry is, the reader of skills judges.

export type TarEntry = {
  readonly path: string;
  readonly kind: "file" | "folder" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly bytes: Uint8Array;
};

const block = 512;
const maxEntries = 20_000;

/** Throws an Error when it is no archive, or ends in mid-file. */
export function readTar(archive: Uint8Array): readonly TarEntry[] {
  const entries: TarEntry[] = [];
  let longName: string | null = null;
  for (let at = 0; at + block <= archive.length;) {
    const head = archive.subarray(at, at + block);
    if (head.every((byte) => byte === 0)) return entries;
    if (!hasChecksum(head)) throw new Error("the archive is damaged");
    const size = octal(head, 124, 12);
    const end = at + block + size;
    if (end > archive.length) throw new Error("the archive ends in the middle of a file");
    const bytes = archive.subarray(at + block, end);
    at += block + Math.ceil(size / block) * block;
    const type = String.fromCharCode(head[156] ?? 0);
    if (type === "L") longName = textOf(bytes);
    else if (type === "x") longName = paxPath(bytes) ?? longName;
    else if (type !== "g" && type !== "K") {
      const prefix = textOf(head.subarray(257, 262)) === "ustar" ? textOf(head.subarray(345, 500)) : "";
      const short = textOf(head.subarray(0, 100));
      const path = longName ?? (prefix === "" ? short : `${prefix}/${short}`);
      longName = null;
      const kind = type === "0" || type === "\0" ? "file" : type === "5" ? "folder" : "other";
      const [mode, uid, gid] = [octal(head, 100, 8), octal(head, 108, 8), octal(head, 116, 8)];
      entries.push({ path, kind, mode, uid, gid, bytes });
      if (entries.length > maxEntries) throw new Error("the archive has too many entries");
    }
  }
  throw new Error("the archive has no end");
}

export type TarFile = { readonly path: string; readonly mode: number; readonly bytes: Uint8Array | null };

/** `bytes: null` is a folder. `gid` is `uid` where it is not said. */
export function writeTar(files: readonly TarFile[], uid: number, gid: number = uid): Uint8Array {
  const parts = files.flatMap(({ path, mode, bytes }) => {
    const name = Buffer.from(path);
    // A name that is too long goes before its entry, as GNU tar writes it.
    const long =
      name.length <= 100
        ? []
        : [
            header("././@LongLink", "L", 0o644, name.length + 1, { uid: 0, gid: 0 }),
            padded(Buffer.concat([name, Buffer.alloc(1)])),
          ];
    const head = header(
      name.subarray(0, 100).toString("latin1"),
      bytes === null ? "5" : "0",
      mode,
      bytes?.length ?? 0,
      { uid, gid },
    );
    return [...long, head, padded(bytes ?? new Uint8Array())];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

type Owner = { readonly uid: number; readonly gid: number };

function header(name: string, type: string, mode: number, size: number, { uid, gid }: Owner): Buffer {
  const head = Buffer.alloc(block);
  const number = (value: number, at: number, length: number): void =>
    void head.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  head.write(name, 0, "latin1");
  number(mode, 100, 8);
  number(uid, 108, 8);
  number(gid, 116, 8);
  number(size, 124, 12);
  number(0, 136, 12);
  head.write(type, 156, "latin1");
  head.write("ustar\u000000", 257, "latin1");
  head.write(`${checksumOf(head).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return head;
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((block - (bytes.length % block)) % block)]);
}

/** The sum of all bytes, those of the sum itself counted as blanks. */
function checksumOf(head: Uint8Array): number {
  return head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function hasChecksum(head: Uint8Array): boolean {
  return octal(head, 148, 8) === checksumOf(head);
}

function octal(head: Uint8Array, at: number, length: number): number {
  const text = textOf(head.subarray(at, at + length)).trim();
  // Sizes in base 256 are for files of 8 GB and more, which nobody wants here.
  if (!/^[0-7]*$/.test(text)) throw new Error("the archive holds a number that is none");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

/** The `path` of a pax header: records of `<length> <key>=<value>\n`. */
function paxPath(bytes: Uint8Array): string | null {
  let path: string | null = null;
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(32, at);
    const length = blank < 0 ? 0 : Number(Buffer.from(bytes.subarray(at, blank)).toString("latin1"));
    if (!Number.isSafeInteger(length) || length <= blank - at) throw new Error("the archive is damaged");
    const record = Buffer.from(bytes.subarray(blank + 1, at + length - 1)).toString("utf8");
    if (record.startsWith("path=")) path = record.slice(5);
    if (record.startsWith("size=")) throw new Error("the archive holds a file that is too large");
    at += length;
  }
  return path;
}
