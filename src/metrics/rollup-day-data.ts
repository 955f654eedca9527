// A day's sums as bytes: those of the whole day with their names, and beside them what a chart shows of each hour. So a month is read
// in thirty pieces, and its days may begin at any hour. Pure.

import { type DimensionName, pointCounters } from "./record-counters.ts";
import { ByteReader, column, lengthPrefixed, type Numbers } from "./rollup-bytes.ts";
import { decodeRollup, RollupBuilder, type RollupData } from "./rollup-data.ts";

/** The shares of the hours: those of hour `i` are the entries from `starts[i]` to `starts[i + 1]`. */
export type DayHours = {
  readonly starts: Numbers;
  /** The place of each entry's names among the day's. */
  readonly cells: Numbers;
  /** One for each of `pointCounters`; null where all are 0. */
  readonly columns: readonly (Numbers | null)[];
};

export type DayData = { readonly sums: RollupData; hours(): DayHours };

/** A day has more names than an hour, and all of them are kept where its hours keep them. */
const factor = 10;

export class DayBuilder {
  private readonly builder: RollupBuilder;
  private readonly starts = [0];
  private readonly cells: number[] = [];
  private readonly columns: number[][] = pointCounters.map(() => []);

  constructor(without: readonly DimensionName[]) {
    this.builder = new RollupBuilder({ factor, without });
  }

  /** The hours in their order; null for one without requests. */
  addHour(data: RollupData | null): void {
    if (data !== null) {
      const placeOf = new Map<number, number>();
      const entries = this.builder.addAll(data).map((cell) => {
        const known = placeOf.get(cell);
        if (known !== undefined) return known;
        placeOf.set(cell, this.cells.length);
        for (const amounts of this.columns) amounts.push(0);
        return this.cells.push(cell) - 1;
      });
      for (const [at, counter] of pointCounters.entries()) {
        const amounts = this.columns[at] ?? [];
        for (const [cell, amount] of data.counter(counter)?.entries() ?? []) {
          const entry = entries[cell] ?? 0;
          amounts[entry] = (amounts[entry] ?? 0) + amount;
        }
      }
    }
    this.starts.push(this.cells.length);
  }

  encode(): Uint8Array {
    const lists = [this.starts, this.cells, ...this.columns];
    return Buffer.concat([lengthPrefixed(this.builder.encode()), ...lists.map(column)]);
  }
}

/** Throws if the bytes are not those of `DayBuilder.encode`. */
export function decodeDay(bytes: Uint8Array): DayData {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  return {
    sums: decodeRollup(bytes.subarray(4, 4 + length)),
    hours: () => {
      const reader = new ByteReader(bytes.subarray(4 + length));
      return {
        starts: reader.wholeColumn(),
        cells: reader.wholeColumn(),
        columns: pointCounters.map(() => reader.column()),
      };
    },
  };
}
