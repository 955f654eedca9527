// The archives of a release: the same files give the same bytes on every machine, whoever packs them and whenever.

import { packTar } from "modern-tar";

export type PackedFile = { readonly name: string; readonly bytes: Uint8Array; readonly isProgram: boolean };

/** Sorted, owned by nobody in particular, with the time of the commit. */
export async function packTarGz(files: readonly PackedFile[], time: Date): Promise<Uint8Array> {
  const tar = await packTar(
    sorted(files).map(({ name, bytes, isProgram }) => ({
      header: {
        name,
        size: bytes.byteLength,
        mode: isProgram ? 0o755 : 0o644,
        mtime: time,
        uid: 0,
        gid: 0,
        uname: "root",
        gname: "root",
        type: "file" as const,
      },
      body: bytes,
    })),
  );
  return gzip(tar);
}

export function packZip(files: readonly PackedFile[], time: Date): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const file of sorted(files)) {
    const packed = gzip(file.bytes);
    // A gzip file holds what a zip entry needs: ten bytes of head, the deflated bytes, checksum and length.
    const body = packed.subarray(10, packed.byteLength - 8);
    const checksum = new DataView(packed.buffer, packed.byteOffset).getUint32(packed.byteLength - 8, true);
    const name = new TextEncoder().encode(file.name);
    const common = entryFields(time, checksum, [body.byteLength, file.bytes.byteLength], name.byteLength);
    const head = Buffer.concat([words(0x0403_4b50), common, name]);
    parts.push(head, body);
    directory.push(
      Buffer.concat([
        words(0x0201_4b50),
        // Made on Unix, so that the permissions below count.
        Buffer.from([20, 3]),
        common,
        Buffer.alloc(6),
        words((0o100_000 | (file.isProgram ? 0o755 : 0o644)) * 0x1_0000, offset),
        name,
      ]),
    );
    offset += head.byteLength + body.byteLength;
  }
  const listed = Buffer.concat(directory);
  const count = Buffer.alloc(4);
  count.writeUInt16LE(directory.length, 0);
  count.writeUInt16LE(directory.length, 2);
  const end = [words(0x0605_4b50), Buffer.alloc(4), count, words(listed.byteLength, offset), Buffer.alloc(2)];
  return Buffer.concat([...parts, listed, ...end]);
}

/** The fields that an entry and its row in the directory share; the row's extra fields follow where they begin to differ. */
function entryFields(
  time: Date,
  checksum: number,
  [packedSize, size]: readonly [number, number],
  nameSize: number,
): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  // Names are UTF-8.
  fields.writeUInt16LE(0x0800, 2);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt16LE(
    (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1),
    6,
  );
  fields.writeUInt16LE(
    ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
    8,
  );
  fields.writeUInt32LE(checksum, 10);
  fields.writeUInt32LE(packedSize, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(nameSize, 22);
  return fields;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

/** libdeflate gives the same bytes on every processor; zlib-ng, the default, does not. */
function gzip(bytes: Uint8Array): Uint8Array {
  return Bun.gzipSync(bytes as Uint8Array<ArrayBuffer>, { library: "libdeflate", level: 9 });
}

const sorted = (files: readonly PackedFile[]): readonly PackedFile[] =>
  files.toSorted((one, other) => (one.name < other.name ? -1 : 1));
