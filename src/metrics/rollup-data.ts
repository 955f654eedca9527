// The sums of one span of time as bytes, and back: a list of names for each dimension, and one column for each counter in the
// narrowest numbers that hold it. Half a million sums are read in the time in which SQL would add up a few thousand rows.

import {
  counterCount,
  type CountedRow,
  countRow,
  dimensionIndex,
  dimensionNames,
  latencyOf,
  namesOf,
} from "./record-counters.ts";
import { bucketOf } from "./latency-histogram.ts";

/** All names that are not kept apart. */
export const otherNames = "other";

/** Clients choose most of the names: a span keeps so many of each dimension apart. */
const mostNames: Readonly<Record<(typeof dimensionNames)[number], number>> = {
  tenant: 1_000,
  client: 200,
  agent: 200,
  parent: 200,
  provider: 250,
  model: 500,
  rule: 500,
  status: 100,
  failure: 50,
  tags: 100,
};
const limits = dimensionNames.map((name) => mostNames[name]);
/** With more sets of names than this, those that clients choose freely are not kept apart any more. */
const mostCells = 20_000;
const chosenFreely = (["client", "agent", "parent", "tags"] as const).map((name) => dimensionIndex[name]);

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

export type SparseCounts = { readonly cells: Numbers; readonly buckets: Numbers; readonly counts: Numbers };

export type Dimension = {
  readonly names: readonly string[];
  /** The place in `names`, for each cell. */
  readonly of: Numbers;
  /** More names than are kept apart. */
  readonly isCut: boolean;
};

export type RollupData = {
  readonly cells: number;
  readonly dimensions: readonly Dimension[];
  /** A counter of each cell; null where all are 0. Read only when it is asked for: most questions need a few of the columns. */
  counter(at: number): Numbers | null;
  latency(): SparseCounts;
  firstToken(): SparseCounts;
};

/** The sums of the requests that have the same names. */
type Cell = {
  readonly names: readonly number[];
  readonly counters: Float64Array;
  readonly latency: Map<number, number>;
  readonly firstToken: Map<number, number>;
};

const addTo = (counts: Map<number, number>, bucket: number, count: number): void => {
  counts.set(bucket, (counts.get(bucket) ?? 0) + count);
};

export class RollupBuilder {
  private readonly names = dimensionNames.map(() => new Map<string, number>());
  private readonly cut = dimensionNames.map(() => false);
  private readonly cells = new Map<string, Cell>();
  private readonly scratch = new Float64Array(counterCount);

  add(row: CountedRow): void {
    const cell = this.cellOf(namesOf(row));
    countRow(row, this.scratch);
    for (let i = 0; i < counterCount; i++)
      cell.counters[i] = (cell.counters[i] ?? 0) + (this.scratch[i] ?? 0);
    const latency = latencyOf(row);
    if (latency === null) return;
    addTo(cell.latency, bucketOf(latency.ms), 1);
    if (latency.firstTokenMs !== null) addTo(cell.firstToken, bucketOf(latency.firstTokenMs), 1);
  }

  /** All sums of a span that was stored before. */
  addAll(data: RollupData): void {
    for (const [at, { isCut }] of data.dimensions.entries()) if (isCut) this.cut[at] = true;
    const cells: Cell[] = [];
    for (let i = 0; i < data.cells; i++) {
      const cell = this.cellOf(data.dimensions.map(({ names, of }) => names[of[i] ?? 0] ?? ""));
      cells.push(cell);
    }
    for (let at = 0; at < counterCount; at++)
      for (const [i, amount] of data.counter(at)?.entries() ?? []) {
        const cell = cells[i];
        if (cell !== undefined) cell.counters[at] = (cell.counters[at] ?? 0) + amount;
      }
    const merge = (from: SparseCounts, read: (cell: Cell) => Map<number, number>): void => {
      for (const [i, at] of from.cells.entries()) {
        const cell = cells[at];
        if (cell !== undefined) addTo(read(cell), from.buckets[i] ?? 0, from.counts[i] ?? 0);
      }
    };
    merge(data.latency(), (cell) => cell.latency);
    merge(data.firstToken(), (cell) => cell.firstToken);
  }

  encode(): Uint8Array {
    const cells = [...this.cells.values()];
    const header = JSON.stringify({
      cells: cells.length,
      names: this.names.map((names) => [...names.keys()]),
      cut: this.cut.flatMap((isCut, at) => (isCut ? [at] : [])),
    });
    const parts: Uint8Array[] = [lengthPrefixed(Buffer.from(header))];
    for (const at of dimensionNames.keys()) parts.push(column(cells.map(({ names }) => names[at] ?? 0)));
    for (let at = 0; at < counterCount; at++)
      parts.push(column(cells.map(({ counters }) => counters[at] ?? 0)));
    parts.push(...sparse(cells.map(({ latency }) => latency)));
    parts.push(...sparse(cells.map(({ firstToken }) => firstToken)));
    return Buffer.concat(parts);
  }

  private cellOf(values: string[]): Cell {
    const isFull = this.cells.size >= mostCells;
    if (isFull && !this.cells.has(this.keyOf(values)))
      for (const at of chosenFreely) {
        values[at] = otherNames;
        this.cut[at] = true;
      }
    const names = values.map((value, at) => this.nameIndex(at, value));
    const key = names.join();
    let cell = this.cells.get(key);
    if (cell === undefined) {
      cell = {
        names,
        counters: new Float64Array(counterCount),
        latency: new Map(),
        firstToken: new Map(),
      };
      this.cells.set(key, cell);
    }
    return cell;
  }

  private keyOf(values: readonly string[]): string {
    return values.map((value, at) => this.names[at]?.get(value) ?? -1).join();
  }

  private nameIndex(at: number, value: string): number {
    const known = this.names[at];
    if (known === undefined) return 0;
    let found = known.get(value);
    if (found !== undefined) return found;
    if (known.size >= (limits[at] ?? 0) && value !== otherNames) {
      this.cut[at] = true;
      return this.nameIndex(at, otherNames);
    }
    found = known.size;
    known.set(value, found);
    return found;
  }
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes]);
}

const widths = [
  [1, 0xff],
  [2, 0xffff],
  [4, 0xffff_ffff],
] as const;

/** One byte that says how wide its numbers are, their count, the numbers. */
function column(values: readonly number[]): Uint8Array {
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

function sparse(of: readonly ReadonlyMap<number, number>[]): Uint8Array[] {
  const [cells, buckets, counts]: [number[], number[], number[]] = [[], [], []];
  for (const [cell, counted] of of.entries())
    for (const [bucket, count] of counted) {
      cells.push(cell);
      buckets.push(bucket);
      counts.push(count);
    }
  return [column(cells), column(buckets), column(counts)];
}

class Reader {
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

type Header = { readonly cells: number; readonly names: string[][]; readonly cut: number[] };

/** Throws if the bytes are not those of `RollupBuilder.encode`. */
export function decodeRollup(bytes: Uint8Array): RollupData {
  const reader = new Reader(bytes);
  const { cells, names, cut } = JSON.parse(reader.text()) as Header;
  const dimensions = names.map((list, at) => ({
    names: list,
    of: reader.wholeColumn(),
    isCut: cut.includes(at),
  }));
  const places = Array.from({ length: counterCount }, () => reader.skipped());
  const latency = Array.from({ length: 3 }, () => reader.skipped());
  const firstToken = Array.from({ length: 3 }, () => reader.skipped());
  return {
    cells,
    dimensions,
    counter: (at) => reader.columnAt(places[at] ?? 0),
    latency: () => reader.sparseAt(latency),
    firstToken: () => reader.sparseAt(firstToken),
  };
}
