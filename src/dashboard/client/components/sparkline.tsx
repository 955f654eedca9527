// Bars as small as a word: the course of a figure, without axes. The figure itself stands beside it.

import type { JSX } from "preact";

const height = 24;

/** One path of bars in a box of 100 x 24. A value that is not 0 can always be seen; a line of one point could not. */
export function sparkPath(values: readonly (number | null)[]): string {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const step = 100 / Math.max(1, values.length);
  return values
    .map((value, at) => {
      if (value === null || value <= 0 || most === 0) return "";
      const tall = Math.max(1.5, (value / most) * (height - 2));
      return `M${(at * step).toFixed(2)} ${height}v${(-tall).toFixed(1)}h${(step * 0.78).toFixed(2)}V${height}z`;
    })
    .join("");
}

export function Sparkline({ values }: { readonly values: readonly (number | null)[] }): JSX.Element {
  return (
    <svg class="sparkline" viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={sparkPath(values)} />
    </svg>
  );
}
