// Draws stacked bars over time with uPlot, and tells which time the pointer or the keyboard is at.

import uPlot from "uplot";
import { time } from "../formatting.ts";
import { type ChartRow, stacked } from "../stacked-series.ts";

export const colourCount = 8;

export type BarPlotProps = {
  /** The start of each bucket. */
  readonly times: readonly number[];
  /** The end of the last one. */
  readonly endMs: number;
  readonly rows: readonly ChartRow[];
  readonly height: number;
  /** A mark of the axis; step: the distance to the next one. */
  writeTick(value: number, step: number): string;
  /** No two marks of the axis are closer than this. */
  readonly smallestStep: number;
};

/** A bar that is looked at, and where its middle lies: pixels from the left of a canvas of this width. */
export type Hover = { readonly at: number; readonly left: number; readonly width: number };

export type BarPlot = {
  /** Looks at a bar; null: at none. */
  lookAt(at: number | null): void;
  destroy(): void;
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
const daySteps = [1, 2, 3, 7, 14, 30, 90, 365].map((days) => (days * dayMs) / 1000);
/** 1, 2 and 5 of each power of ten: a quarter would need a digit more than it is written with. */
const valueSteps = Array.from({ length: 22 }, (_, power) =>
  [1, 2, 5].map((digit) => Number(`${digit}e${power - 8}`)),
).flat();

function tickTime(seconds: number, spanMs: number): string {
  const ms = seconds * 1000;
  if (spanMs > 3 * dayMs) return time(ms, "day");
  const at = new Date(ms);
  return at.getHours() === 0 && at.getMinutes() === 0 ? time(ms, "day") : time(ms, "minute");
}

const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;

function axesOf({ times, endMs, writeTick, smallestStep }: BarPlotProps, colours: Colours): uPlot.Axis[] {
  const spanMs = endMs - (times[0] ?? endMs);
  const axis: uPlot.Axis = {
    stroke: colours.text,
    font: `${Math.round(rem() * 0.6875)}px ui-sans-serif, system-ui, sans-serif`,
    ticks: { show: false },
    gap: 6,
  };
  return [
    {
      ...axis,
      grid: { show: false },
      size: rem() * 1.75,
      space: rem() * 4.5,
      // Two marks of one day would have the same name.
      ...(spanMs > 3 * dayMs ? { incrs: daySteps } : {}),
      // A name at the very end would be cut off.
      values: (_, ticks) =>
        ticks.map((tick) => (tick * 1000 > endMs - spanMs * 0.03 ? "" : tickTime(tick, spanMs))),
    },
    {
      ...axis,
      grid: { stroke: colours.grid, width: 1 },
      size: rem() * 3.6,
      space: rem() * 2.4,
      incrs: valueSteps.filter((step) => step >= smallestStep),
      values: (_, ticks, _axis, _space, step) => ticks.map((tick) => writeTick(tick, step)),
    },
  ];
}

function optionsOf(props: BarPlotProps, colours: Colours, width: number): uPlot.Options {
  const { times, endMs, rows, height } = props;
  const bars = uPlot.paths.bars?.({ size: [0.72, 64], align: 1, radius: rows.length === 1 ? 0.12 : 0 });
  const colourOf = (at: number): string => colours.rows[at % colourCount] ?? "gray";
  return {
    width,
    height: Math.round((height * rem()) / 16),
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      // A bar begins at its time: all of it belongs to that time.
      dataIdx: bucketAt,
      drag: { x: false, y: false },
      points: { show: false },
    },
    scales: {
      // To the end of the last bucket: its bar stands after its time, and would be cut off.
      x: { time: true, range: () => [(times[0] ?? endMs) / 1000, endMs / 1000] },
      y: { range: (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: axesOf(props, colours),
    series: [
      {},
      // The tallest first, so that each lower one is painted over it.
      ...rows
        .map((_, at) => at)
        .toReversed()
        .map((at): uPlot.Series => ({
          stroke: colourOf(at),
          fill: colourOf(at),
          width: 0,
          ...(bars === undefined ? {} : { paths: bars }),
          points: { show: false },
        })),
    ],
  };
}

function bucketAt(plot: uPlot, _row: number, nearest: number, seconds: number): number {
  const begins = plot.data[0][nearest];
  return begins !== undefined && begins > seconds ? Math.max(0, nearest - 1) : nearest;
}

function dataOf({ times, rows }: BarPlotProps): uPlot.AlignedData {
  return [times.map((ms) => ms / 1000), ...[...stacked(rows)].toReversed().map((values) => [...values])];
}

export function drawBars(
  frame: HTMLElement,
  target: HTMLElement,
  props: BarPlotProps,
  hover: (hover: Hover | null) => void,
): BarPlot {
  const { times, endMs } = props;
  /** Pixels from the left of the plot's inside. */
  const middleOf = (plot: uPlot, at: number): number => {
    const [begins = endMs, ends = endMs] = times.slice(at, at + 2);
    // Bars take 72 % of their time, from its start.
    return plot.valToPos((begins + (ends - begins) * 0.36) / 1000, "x");
  };
  const setCursor = (plot: uPlot): void => {
    const at = plot.cursor.left === undefined || plot.cursor.left < 0 ? null : plot.cursor.idxs?.[1];
    if (at === null || at === undefined) hover(null);
    else hover({ at, left: middleOf(plot, at) + plot.over.offsetLeft, width: plot.width });
  };
  const draw = (): uPlot => {
    const options = optionsOf(props, coloursOf(frame), target.clientWidth || 300);
    return new uPlot({ ...options, hooks: { setCursor: [setCursor] } }, dataOf(props), target);
  };
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
  return {
    lookAt: (at) =>
      plot.setCursor({ left: at === null ? -10 : middleOf(plot, at), top: at === null ? -10 : 1 }),
    destroy() {
      observer.disconnect();
      dark.removeEventListener("change", redraw);
      removeEventListener("clawgate:theme", redraw);
      plot.destroy();
    },
  };
}
