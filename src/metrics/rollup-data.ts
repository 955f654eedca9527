// The sums of one span of time as bytes, and back: a list of names for each dimension, and one column for each counter in the
// narrowest numbers that hold it. Half a million sums are read in the time in which SQL would add up a few thousand rows.

import {
  counterCount,
  type CountedRow,
  countRow,
  dimensionIndex,
  type DimensionName,
  dimensionNames,
  haveSameNames,
  latencyOf,
  namesOf,
} from "./record-counters.ts";
import { bucketOf } from "./latency-histogram.ts";
import {
  ByteReader,
  column,
  lengthPrefixed,
  type Numbers,
  sparse,
  type SparseCounts,
} from "./rollup-bytes.ts";

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
  class: 50,
};
/** With more sets of names than this, those that clients choose freely are not kept apart any more. */
const mostCells = 20_000;
const chosenFreely = (["client", "agent", "parent", "tags", "class"] as const).map(
  (name) => dimensionIndex[name],
);

export type RollupLimits = {
  /** A long span holds the names of many short ones: its limits are so many times theirs. */
  readonly factor: number;
  /** Of these nothing is kept. */
  readonly without: readonly DimensionName[];
};

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
  readonly place: number;
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
  private last: { readonly row: CountedRow; readonly cell: Cell } | null = null;
  private readonly limits: readonly number[];
  private readonly mostCells: number;
  private readonly without: readonly number[];

  constructor({ factor, without }: RollupLimits = { factor: 1, without: [] }) {
    this.limits = dimensionNames.map((name) => mostNames[name] * factor);
    this.mostCells = mostCells * factor;
    this.without = without.map((name) => dimensionIndex[name]);
  }

  add(row: CountedRow): void {
    // Most requests have the names of the one before, and looking for their cell costs more than counting.
    const { last } = this;
    const cell = last !== null && haveSameNames(last.row, row) ? last.cell : this.cellOf(namesOf(row));
    this.last = { row, cell };
    countRow(row, this.scratch);
    for (let i = 0; i < counterCount; i++)
      cell.counters[i] = (cell.counters[i] ?? 0) + (this.scratch[i] ?? 0);
    const latency = latencyOf(row);
    if (latency === null) return;
    addTo(cell.latency, bucketOf(latency.ms), 1);
    if (latency.firstTokenMs !== null) addTo(cell.firstToken, bucketOf(latency.firstTokenMs), 1);
  }

  /** All sums of a span that was stored before. Returns the place of each of its cells among these. */
  addAll(data: RollupData): readonly number[] {
    for (const [at, { isCut }] of data.dimensions.entries())
      if (isCut && !this.without.includes(at)) this.cut[at] = true;
    const cells = this.cellsOf(data);
    for (let at = 0; at < counterCount; at++) {
      const column = data.counter(at);
      if (column === null) continue;
      for (const [i, { counters }] of cells.entries()) counters[at] = (counters[at] ?? 0) + (column[i] ?? 0);
    }
    const merge = (from: SparseCounts, read: (cell: Cell) => Map<number, number>): void => {
      for (let i = 0; i < from.cells.length; i++) {
        const cell = cells[from.cells[i] ?? 0];
        if (cell !== undefined) addTo(read(cell), from.buckets[i] ?? 0, from.counts[i] ?? 0);
      }
    };
    merge(data.latency(), (cell) => cell.latency);
    merge(data.firstToken(), (cell) => cell.firstToken);
    return cells.map(({ place }) => place);
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

  private cellsOf({ cells, dimensions }: RollupData): Cell[] {
    // Each name is looked up once, and cells are compared by numbers.
    const known = dimensions.map(({ names }, at) =>
      names.map((name) => (this.without.includes(at) ? this.nameIndex(at, "") : this.nameIndex(at, name))),
    );
    return Array.from({ length: cells }, (_, cell) => {
      const names = dimensions.map(({ of }, at) => known[at]?.[of[cell] ?? 0] ?? 0);
      const found = this.cells.get(names.join());
      if (found !== undefined) return found;
      if (this.cells.size < this.mostCells) return this.cellAt(names);
      return this.cellOf(dimensions.map(({ names: own, of }) => own[of[cell] ?? 0] ?? ""));
    });
  }

  private cellOf(values: string[]): Cell {
    for (const at of this.without) values[at] = "";
    const isFull = this.cells.size >= this.mostCells;
    if (isFull && !this.cells.has(this.keyOf(values)))
      for (const at of chosenFreely) {
        if (this.without.includes(at)) continue;
        values[at] = otherNames;
        this.cut[at] = true;
      }
    return this.cellAt(values.map((value, at) => this.nameIndex(at, value)));
  }

  private cellAt(names: readonly number[]): Cell {
    const key = names.join();
    let cell = this.cells.get(key);
    if (cell === undefined) {
      cell = {
        place: this.cells.size,
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
    if (known.size >= (this.limits[at] ?? 0) && value !== otherNames) {
      this.cut[at] = true;
      return this.nameIndex(at, otherNames);
    }
    found = known.size;
    known.set(value, found);
    return found;
  }
}

type Header = { readonly cells: number; readonly names: string[][]; readonly cut: number[] };

/** Throws if the bytes are not those of `RollupBuilder.encode`. */
export function decodeRollup(bytes: Uint8Array): RollupData {
  const reader = new ByteReader(bytes);
  const { cells, names, cut } = JSON.parse(reader.text()) as Header;
  const dimensions: Dimension[] = names.map((list, at) => ({
    names: list,
    of: reader.wholeColumn(),
    isCut: cut.includes(at),
  }));
  // Written before there was such a name.
  const none = new Uint8Array(cells);
  while (dimensions.length < dimensionNames.length) dimensions.push({ names: [""], of: none, isCut: false });
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
