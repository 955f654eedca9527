// The arithmetic of a stacked chart: every row on top of the ones before it, drawn from the tallest to the lowest.

export type ChartRow = { readonly name: string; readonly values: readonly (number | null)[] };

/** Running sums over the rows, in their order. The last one is the whole. */
export function stacked(rows: readonly ChartRow[]): readonly (readonly number[])[] {
  const sums: number[][] = [];
  let below: readonly number[] = [];
  for (const { values } of rows) {
    const here = values.map((value, at) => (value ?? 0) + (below[at] ?? 0));
    sums.push(here);
    below = here;
  }
  return sums;
}

/** More rows than colours: the smaller ones are one row "other" at the end. */
export function mostOf(rows: readonly ChartRow[], most: number): readonly ChartRow[] {
  if (rows.length <= most) return rows;
  const sumOf = ({ values }: ChartRow): number =>
    values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const ordered = [...rows].sort((one, other) => sumOf(other) - sumOf(one));
  const rest = ordered.slice(most - 1);
  const other = (rest[0]?.values ?? []).map((_, at) =>
    rest.reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
  );
  return [...ordered.slice(0, most - 1), { name: "other", values: other }];
}

/** A row for a screen reader: what the chart shows, in one sentence. */
export function summaryOf(rows: readonly ChartRow[], write: (value: number) => string): string {
  const all = stacked(rows).at(-1) ?? [];
  if (all.length === 0) return "No data.";
  const most = Math.max(...all);
  const sum = all.reduce((total, value) => total + value, 0);
  return `${all.length} points, ${write(sum)} in all, at most ${write(most)} at once.`;
}
