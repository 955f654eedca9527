// How many agent processes the machine's memory allows. Pools ask before they start one that no request waits for.
// It must never refuse a request: it only sizes what is kept in stock.

import { availableMemoryMb } from "../../system/memory.ts";

// Reserve for the machine and the gateway itself.
const reserveMb = 512;

/** How many more processes of `childMb` each fit now without using the reserve. */
export async function childrenThatFit(
  childMb: number,
  available: () => Promise<number> = availableMemoryMb,
): Promise<number> {
  return Math.max(0, Math.floor(((await available()) - reserveMb) / childMb));
}
