// A chart over time: stacked bars. Pointer and arrow keys tell the figures of one bar; the same figures are a table for whoever cannot see it.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { shown, time } from "../formatting.ts";
import { type ChartRow, mostOf, summaryOf } from "../stacked-series.ts";
import { type BarPlot, type BarPlotProps, colourCount, drawBars, type Hover } from "./bar-plot.ts";

type ChartProps = Omit<BarPlotProps, "height"> & {
  readonly title: string;
  readonly height?: number;
  write(value: number): string;
};

function FiguresTable({ title, times, rows, write }: ChartProps): JSX.Element {
  return (
    <div class="table-frame figures" tabIndex={0} role="region" aria-label={`${title}: figures`}>
      <table>
        <caption class="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {rows.map(({ name }) => (
              <th key={name} scope="col" class="number">
                {shown(name, 40)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((ms, at) => (
            <tr key={ms}>
              <th scope="row">{time(ms, "dayAndMinute")}</th>
              {rows.map(({ name, values }) => {
                const value = values[at];
                return (
                  <td key={name} class="number">
                    {value === null || value === undefined ? "–" : write(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type BarFigures = {
  readonly sum: number;
  /** Those that are part of the bar, with the number of their colour; from its top down. */
  readonly parts: readonly { readonly name: string; readonly value: number; readonly colour: number }[];
};

export function figuresAt(rows: readonly ChartRow[], at: number): BarFigures {
  const parts = rows
    .map(({ name, values }, colour) => ({ name, value: values[at] ?? 0, colour }))
    .filter(({ value }) => value !== 0)
    .toReversed();
  return { sum: parts.reduce((sum, { value }) => sum + value, 0), parts };
}

function Tooltip({ hover, props }: { readonly hover: Hover; readonly props: ChartProps }): JSX.Element {
  const { sum, parts } = figuresAt(props.rows, hover.at);
  // Beside the bar, on the side where there is more room.
  const side =
    hover.left > hover.width / 2
      ? { right: `${hover.width - hover.left + 14}px` }
      : { left: `${hover.left + 14}px` };
  return (
    <div class="chart-tooltip" aria-hidden="true" style={side}>
      <p>
        <span>{time(props.times[hover.at], "dayAndMinute")}</span>
        <b>{props.write(sum)}</b>
      </p>
      {parts.length === 0 ? null : (
        <ul>
          {parts.map(({ name, value, colour }) => (
            <li key={name}>
              <i class={`swatch series-${colour % colourCount}`} />
              <span class="legend-name">{shown(name, 40)}</span>
              <b>{props.write(value)}</b>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What a screen reader says of one bar. */
function spoken({ rows, times, write }: ChartProps, at: number): string {
  const { sum, parts } = figuresAt(rows, at);
  const named = parts.map(({ name, value }) => `${shown(name, 40)} ${write(value)}`);
  return [`${time(times[at], "dayAndMinute")}: ${write(sum)}`, ...named].join(", ");
}

function keyTarget(key: string, at: number | null, count: number): number | null | undefined {
  if (key === "Escape") return null;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  // The newest is the first that is looked at.
  if (key === "ArrowLeft") return Math.max(0, at === null ? count - 1 : at - 1);
  if (key === "ArrowRight") return Math.min(count - 1, at === null ? count - 1 : at + 1);
  return undefined;
}

export function Chart(given: ChartProps): JSX.Element {
  const props = { ...given, rows: mostOf(given.rows, colourCount) };
  const { title, times, endMs, rows, write, height = 200 } = props;
  const frame = useRef<HTMLElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const plot = useRef<BarPlot | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const [hasTable, setTable] = useState(false);
  const figures = JSON.stringify([title, times, endMs, rows, height]);
  useEffect(() => {
    if (frame.current === null || canvas.current === null) return;
    const drawn = drawBars(frame.current, canvas.current, { ...props, height }, setHover);
    plot.current = drawn;
    return () => {
      setHover(null);
      drawn.destroy();
    };
  }, [figures]);
  const at = hover !== null && hover.at < times.length ? hover.at : null;
  const move = (event: KeyboardEvent): void => {
    const target = keyTarget(event.key, at, times.length);
    if (target === undefined || (event.key === "Escape" && at === null)) return;
    event.preventDefault();
    plot.current?.lookAt(target);
  };
  const sumOf = ({ values }: ChartRow): number =>
    values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return (
    <figure class="chart" ref={frame}>
      <div class="probes" aria-hidden="true">
        <i class="probe-text" />
        <i class="probe-grid" />
        {Array.from({ length: colourCount }, (_, index) => (
          <i key={index} class={`probe-${index} series-${index}`} />
        ))}
      </div>
      <div
        class={`chart-frame chart-${height}`}
        role="slider"
        tabIndex={0}
        aria-label={`${title}: ${summaryOf(rows, write)} Arrow keys tell each bar.`}
        aria-valuemin={1}
        aria-valuemax={Math.max(1, times.length)}
        aria-valuenow={(at ?? times.length - 1) + 1}
        aria-valuetext={at === null ? "No bar chosen" : spoken(props, at)}
        onKeyDown={move}
        onBlur={() => plot.current?.lookAt(null)}
      >
        <div class="chart-canvas" ref={canvas} />
        {hover === null || at === null ? null : <Tooltip hover={hover} props={props} />}
      </div>
      <figcaption class="legend">
        <span class="legend-time">In all</span>
        <ul>
          {rows.map((row, index) => (
            <li key={row.name}>
              <i class={`swatch series-${index % colourCount}`} aria-hidden="true" />
              <span class="legend-name">{shown(row.name, 40)}</span>
              <b>{write(sumOf(row))}</b>
            </li>
          ))}
        </ul>
        <button type="button" class="quiet" aria-expanded={hasTable} onClick={() => setTable(!hasTable)}>
          {hasTable ? "Hide figures" : "As a table"}
        </button>
      </figcaption>
      {hasTable ? <FiguresTable {...props} /> : null}
    </figure>
  );
}
