// Numbers as bytes, and back: a column holds them in the narrowest width that all of them fit into. Pure.

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Counts of buckets, of any cells. */
export type SparseCounts = { readonly cells: Numbers; readonly buckets: Numbers; readonly counts: Numbers };

export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes]);
}

const widths = [
  [1, 0xff],
  [2, 0xffff],
  [4, 0xffff_ffff],
] as const;

/** One byte that says how wide its numbers are, their count, the numbers. */
export function column(values: readonly number[]): Uint8Array {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  const isWhole = values.every((value) => value >= 0 && Number.isInteger(value));
  const width = most === 0 && isWhole ? 0 : isWhole ? (widths.find(([, max]) => most <= max)?.[0] ?? 8) : 8;
  const numbers = width === 0 ? new Uint8Array(0) : numbersOf(width, values);
  return Buffer.concat([
    Uint8Array.of(width),
    new Uint8Array(Uint32Array.of(values.length).buffer),
    new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
  ]);
}

function numbersOf(width: number, values: readonly number[]): Numbers {
  if (width === 1) return Uint8Array.from(values);
  if (width === 2) return Uint16Array.from(values);
  return width === 4 ? Uint32Array.from(values) : Float64Array.from(values);
}

export function sparse(of: readonly ReadonlyMap<number, number>[]): Uint8Array[] {
  const [cells, buckets, counts]: [number[], number[], number[]] = [[], [], []];
  for (const [cell, counted] of of.entries())
    for (const [bucket, count] of counted) {
      cells.push(cell);
      buckets.push(bucket);
      counts.push(count);
    }
  return [column(cells), column(buckets), column(counts)];
}

export class ByteReader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  text(): string {
    const length = this.view.getUint32(this.at, true);
    const start = this.at + 4;
    this.at = start + length;
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString();
  }

  /** Null: all are 0. */
  column(): Numbers | null {
    const width = this.view.getUint8(this.at);
    const count = this.view.getUint32(this.at + 1, true);
    const start = this.at + 5;
    this.at = start + count * width;
    if (width === 0) return null;
    if (width === 1) return this.bytes.subarray(start, this.at);
    // A copy, because wider numbers must start at a multiple of their width.
    const { buffer } = new Uint8Array(this.bytes.subarray(start, this.at));
    if (width === 2) return new Uint16Array(buffer);
    return width === 4 ? new Uint32Array(buffer) : new Float64Array(buffer);
  }

  /** As long as it was, also if all are 0. */
  wholeColumn(): Numbers {
    const count = this.view.getUint32(this.at + 1, true);
    return this.column() ?? new Uint8Array(count);
  }

  /** Where the next column is; the reader goes on behind it. */
  skipped(): number {
    const place = this.at;
    this.at += 5 + this.view.getUint32(place + 1, true) * this.view.getUint8(place);
    return place;
  }

  columnAt(place: number): Numbers | null {
    this.at = place;
    return this.column();
  }

  sparseAt(places: readonly number[]): SparseCounts {
    const [cells, buckets, counts] = places.map((place) => {
      this.at = place;
      return this.wholeColumn();
    });
    const none = new Uint8Array(0);
    return { cells: cells ?? none, buckets: buckets ?? none, counts: counts ?? none };
  }
}
