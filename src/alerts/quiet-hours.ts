// Whether a moment lies in the quiet hours, by the wall clock of their zone. The hours may span midnight.

import type { QuietHours } from "./settings.ts";

export function isQuiet(hours: QuietHours | undefined, atMs: number): boolean {
  if (hours === undefined) return false;
  const now = minutesIn(hours.tz, atMs);
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  return from < to ? now >= from && now < to : now >= from || now < to;
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(":").map(Number);
  return hours * 60 + minutes;
}

function minutesIn(zone: string | undefined, atMs: number): number {
  const text = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(zone === undefined ? {} : { timeZone: zone }),
  }).format(atMs);
  return minutesOf(text);
}
