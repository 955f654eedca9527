// How many Claude Code processes the machine's memory allows. Pools ask before they start one that nobody waits for.
// It must never refuse a request: it only sizes what is kept in stock.

import { availableMemoryMb } from "../../system/memory.ts";

// Measured on 2.1.197: 155 MB before it is initialised, 207 MB after a turn.
const childMb = 200;
// What the machine and the gateway itself want to keep.
const reserveMb = 512;

/** Megabytes that so many processes take. */
export function memoryFor(children: number): number {
  return children * childMb;
}

/** Further processes that would fit now and leave the reserve alone. */
export async function childrenThatFit(available: () => Promise<number> = availableMemoryMb): Promise<number> {
  return Math.max(0, Math.floor(((await available()) - reserveMb) / childMb));
}
