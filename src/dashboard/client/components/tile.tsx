// One figure with its course and its change against the time before.

import type { ComponentChildren, JSX } from "preact";
import { change } from "../formatting.ts";
import { Icon } from "./icon.tsx";
import { Sparkline } from "./sparkline.tsx";

type TileProps = {
  readonly title: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly course?: readonly (number | null)[];
  readonly now?: number | null;
  readonly before?: number | null | undefined;
  /** Whether more of it is good news; absent: neither. */
  readonly more?: "good" | "bad";
};

function Trend({ now, before, more }: Pick<TileProps, "now" | "before" | "more">): JSX.Element | null {
  const moved = change(now ?? null, before);
  if (moved === null) return null;
  const isUp = moved > 0;
  const isFlat = Math.abs(moved) < 0.5;
  const tone = isFlat || more === undefined ? "plain" : isUp === (more === "good") ? "good" : "bad";
  const size = Math.abs(moved) >= 1000 ? "> 999" : Math.abs(moved).toFixed(0);
  return (
    <span class={`trend trend-${tone}`} title="Against the same time before">
      {isFlat ? null : <Icon name={isUp ? "up" : "down"} />}
      <span class="visually-hidden">{isFlat ? "unchanged" : isUp ? "up by" : "down by"}</span> {size} %
    </span>
  );
}

export function Tile({ title, value, note, course, now, before, more }: TileProps): JSX.Element {
  return (
    <section class="tile" aria-label={title}>
      <h2>{title}</h2>
      <p class="tile-value">
        {value}
        <Trend now={now ?? null} before={before} {...(more === undefined ? {} : { more })} />
      </p>
      <p class="tile-note">{note}</p>
      {course === undefined ? null : <Sparkline values={course} />}
    </section>
  );
}
