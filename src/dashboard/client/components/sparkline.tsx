// A line as small as a word: the course of a figure, without axes. The figure itself stands beside it.

import type { JSX } from "preact";

/** Points of a polyline in a box of 100 x 24; "" for fewer than two values. */
export function sparkPoints(values: readonly (number | null)[]): string {
  const known = values.map((value) => value ?? 0);
  if (known.length < 2) return "";
  const most = Math.max(...known);
  const step = 100 / (known.length - 1);
  return known
    .map(
      (value, at) => `${(at * step).toFixed(1)},${(most === 0 ? 22 : 22 - (value / most) * 20).toFixed(1)}`,
    )
    .join(" ");
}

export function Sparkline({ values }: { readonly values: readonly (number | null)[] }): JSX.Element {
  const points = sparkPoints(values);
  return (
    <svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      {points === "" ? null : (
        <>
          <polygon points={`0,24 ${points} 100,24`} />
          <polyline points={points} vector-effect="non-scaling-stroke" />
        </>
      )}
    </svg>
  );
}
