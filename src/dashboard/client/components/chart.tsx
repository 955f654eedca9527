// A chart over time: stacked bars, or lines. uPlot draws it; the same figures are a table for whoever cannot see it.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { shown, time } from "../formatting.ts";
import { type ChartRow, stacked, summaryOf } from "../stacked-series.ts";

export const colourCount = 8;

type ChartProps = {
  readonly title: string;
  /** The start of each bucket. */
  readonly times: readonly number[];
  readonly rows: readonly ChartRow[];
  readonly kind: "bars" | "lines";
  readonly height?: number;
  write(value: number): string;
};

type Colours = { readonly text: string; readonly grid: string; readonly rows: readonly string[] };

/** Canvas knows no variables: the colours are read from elements that have them. */
function coloursOf(frame: HTMLElement): Colours {
  const colourAt = (selector: string): string => {
    const found = frame.querySelector(selector);
    return found === null ? "gray" : getComputedStyle(found).color;
  };
  const rows = Array.from({ length: colourCount }, (_, at) => colourAt(`.probe-${at}`));
  return { text: colourAt(".probe-text"), grid: colourAt(".probe-grid"), rows };
}

const dayMs = 86_400_000;

function tickTime(seconds: number, spanMs: number): string {
  const ms = seconds * 1000;
  if (spanMs > 3 * dayMs) return time(ms, "day");
  const at = new Date(ms);
  return at.getHours() === 0 && at.getMinutes() === 0 ? time(ms, "day") : time(ms, "minute");
}

function optionsOf(
  props: ChartProps,
  colours: Colours,
  width: number,
  hover: (at: number | null) => void,
): uPlot.Options {
  const { times, rows, kind, write, height = 200 } = props;
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const bars = uPlot.paths.bars?.({ size: [0.72, 40], align: 1, radius: rows.length === 1 ? 0.12 : 0 });
  const order = rows.map((_, at) => at);
  const axis: uPlot.Axis = {
    stroke: colours.text,
    font: `${Math.round(rem() * 0.6875)}px ui-sans-serif, system-ui, sans-serif`,
    ticks: { show: false },
    gap: 6,
  };
  const colourOf = (at: number): string => colours.rows[at % colourCount] ?? "gray";
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === "lines" } },
    scales: { x: { time: true }, y: { range: (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: rem() * 1.75,
        space: rem() * 4.5,
        values: (_, ticks) => ticks.map((tick) => tickTime(tick, spanMs)),
      },
      {
        ...axis,
        grid: { stroke: colours.grid, width: 1 },
        size: rem() * 3.6,
        space: rem() * 2.4,
        values: (_, ticks) => ticks.map((tick) => write(tick)),
      },
    ],
    series: [
      {},
      // The tallest first, so that each lower one is painted over it.
      ...(kind === "bars" ? order.toReversed() : order).map((at): uPlot.Series => ({
        stroke: colourOf(at),
        ...(kind === "bars"
          ? {
              fill: colourOf(at),
              width: 0,
              ...(bars === undefined ? {} : { paths: bars }),
              points: { show: false },
            }
          : { width: 1.5, spanGaps: true, points: { show: times.length < 3 } }),
      })),
    ],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;

function dataOf({ times, rows, kind }: ChartProps): uPlot.AlignedData {
  const x = times.map((ms) => ms / 1000);
  const y = kind === "bars" ? [...stacked(rows)].toReversed() : rows.map(({ values }) => values);
  return [x, ...y.map((values) => [...values])];
}

function drawn(frame: HTMLElement, props: ChartProps, hover: (at: number | null) => void): () => void {
  const target = frame.querySelector<HTMLElement>(".chart-canvas");
  if (target === null) return () => undefined;
  const draw = (): uPlot =>
    new uPlot(optionsOf(props, coloursOf(frame), target.clientWidth || 300, hover), dataOf(props), target);
  let plot = draw();
  const redraw = (): void => {
    plot.destroy();
    plot = draw();
  };
  const observer = new ResizeObserver(() => {
    if (target.clientWidth !== plot.width && target.clientWidth > 0)
      plot.setSize({ width: target.clientWidth, height: plot.height });
  });
  observer.observe(target);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", redraw);
  addEventListener("clawgate:theme", redraw);
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", redraw);
    removeEventListener("clawgate:theme", redraw);
    plot.destroy();
  };
}

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

export function Chart(props: ChartProps): JSX.Element {
  const { title, times, rows, write, height = 200 } = props;
  const frame = useRef<HTMLElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [hasTable, setTable] = useState(false);
  const figures = JSON.stringify([times, rows, props.kind, height]);
  useEffect(() => (frame.current === null ? undefined : drawn(frame.current, props, setAt)), [figures]);
  const valueOf = ({ values }: ChartRow): number | null =>
    at === null ? values.reduce<number>((sum, value) => sum + (value ?? 0), 0) : (values[at] ?? null);
  const mayWriteSums = props.kind === "bars" || at !== null;
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
        class={`chart-canvas chart-${height}`}
        role="img"
        aria-label={`${title}: ${summaryOf(rows, write)}`}
      />
      <figcaption class="legend">
        <span class="legend-time">{at === null ? "In all" : time(times[at], "dayAndMinute")}</span>
        <ul>
          {rows.map((row, index) => (
            <li key={row.name}>
              <i class={`swatch series-${index % colourCount}`} aria-hidden="true" />
              <span class="legend-name">{shown(row.name, 40)}</span>
              <b>{mayWriteSums ? write(valueOf(row) ?? 0) : ""}</b>
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
