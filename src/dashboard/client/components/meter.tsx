// How much of a limit is used, as a bar. The figures stand beside it; a mark shows where the period will end at this pace.

import type { JSX } from "preact";
import type { Tone } from "./badge.tsx";

type MeterProps = {
  readonly label: string;
  /** What a screen reader says in place of the percentage. */
  readonly text: string;
  readonly percent: number;
  readonly projectedPercent?: number | null;
  readonly tone: Tone;
};

const within = (percent: number): number => Math.min(100, Math.max(0, percent));

export function Meter({ label, text, percent, projectedPercent = null, tone }: MeterProps): JSX.Element {
  return (
    <div
      class={`meter meter-${tone}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(within(percent))}
      aria-valuetext={text}
    >
      <i class="meter-used" style={{ width: `${within(percent)}%` }} />
      {projectedPercent === null || projectedPercent <= percent ? null : (
        <i class="meter-mark" style={{ left: `${within(projectedPercent)}%` }} />
      )}
    </div>
  );
}
