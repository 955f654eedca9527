// A moment as a viewer reads it: near ones as the time that is left or has passed, the exact time in the title.

import type { JSX } from "preact";
import { duration, time } from "../formatting.ts";

/** Closer than this is now: milliseconds are no news to a reader. */
const closeMs = 2_000;

export function Moment({
  ms,
  isRelative = false,
}: {
  readonly ms: number;
  readonly isRelative?: boolean;
}): JSX.Element {
  const exact = time(ms, "full");
  const distance = ms - Date.now();
  const isNear = Math.abs(distance) < 48 * 3_600_000;
  const isOtherYear = new Date(ms).getFullYear() !== new Date().getFullYear();
  const words =
    isRelative && Math.abs(distance) < closeMs
      ? "now"
      : isRelative && isNear
        ? distance >= 0
          ? `in ${duration(distance)}`
          : `${duration(-distance)} ago`
        : time(ms, isOtherYear ? "full" : "dayAndMinute");
  return (
    <time dateTime={Number.isFinite(ms) ? new Date(ms).toISOString() : undefined} title={exact}>
      {words}
    </time>
  );
}
