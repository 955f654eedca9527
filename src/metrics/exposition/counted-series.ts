// Counters and histograms in memory: a family for each row of the series table, a cell for each set of label values.
// A cell must never go down, nor a family grow without limit: past the limit, names are counted as `other`.

import { labelText, otherName } from "./labels.ts";
import type { CountedRow } from "./series-row.ts";

/** Cells of a family with their own names. The second figure: for those whose tenant and model are `other` already. */
const counterLimits = [2_000, 3_000] as const;
/** A histogram's cell is twenty lines long. */
const histogramLimits = [200, 300] as const;

/** Labels whose values grow with tenants and clients, not with the parts of the gateway. */
const givenUpFirst: ReadonlySet<string> = new Set(["tenant", "model"]);

export class Counter {
  total = 0;
  constructor(
    readonly labels: string,
    /** Of the labels, in the order of the row. */
    readonly values: readonly string[],
  ) {}

  add(value: number): void {
    if (value > 0) this.total += value;
  }
}

export class Histogram {
  /** By bucket, each without the ones below it; the last is for values above all bounds. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(
    readonly labels: string,
    readonly values: readonly string[],
    private readonly bounds: readonly number[],
  ) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    this.count += 1;
    // A clock that was set back must not make the sum go down.
    if (value > 0) this.sum += value;
  }
}

export type Cell = Counter | Histogram;

export class Family<Source> {
  private readonly cells = new Map<string, Cell>();
  /** In the units of the source. */
  private readonly bounds: readonly number[];

  constructor(readonly row: CountedRow<Source>) {
    const divisor = row.divisor ?? 1;
    this.bounds = row.type === "histogram" ? row.buckets.map((bound) => bound * divisor) : [];
  }

  list(): Iterable<Cell> {
    return this.cells.values();
  }

  cellOf(values: Readonly<Record<string, string>>): Cell {
    const { labels, type } = this.row;
    const [own, reduced] = type === "counter" ? counterLimits : histogramLimits;
    const shown = (name: string): string => values[name] ?? "";
    const withoutNames = (name: string): string => (givenUpFirst.has(name) ? otherName : shown(name));
    return (
      this.cellAt(labels.map(shown), own) ??
      this.cellAt(labels.map(withoutNames), reduced) ??
      this.cellAt(labels.map(() => otherName))
    );
  }

  private cellAt(values: readonly string[]): Cell;
  private cellAt(values: readonly string[], limit: number): Cell | null;
  private cellAt(values: readonly string[], limit = Number.POSITIVE_INFINITY): Cell | null {
    const key = labelText(this.row.labels, values);
    let cell = this.cells.get(key);
    if (cell !== undefined) return cell;
    if (this.cells.size >= limit) return null;
    cell = this.row.type === "counter" ? new Counter(key, values) : new Histogram(key, values, this.bounds);
    this.cells.set(key, cell);
    return cell;
  }
}

/** The cells of all families for one set of labels, each looked up on first use. */
export class LabelledCells<Source> {
  private readonly cells: (Cell | undefined)[] = [];

  constructor(
    private readonly families: readonly Family<Source>[],
    private readonly labels: Readonly<Record<string, string>>,
  ) {}

  add(source: Source): void {
    const { families, cells, labels } = this;
    for (let at = 0; at < families.length; at += 1) {
      const family = families[at];
      const value = family?.row.read(source) ?? null;
      if (family === undefined || value === null) continue;
      const cell = (cells[at] ??= family.cellOf(labels));
      cell.add(value);
    }
  }
}
