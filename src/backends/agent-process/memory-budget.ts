// How many agent processes the machine's memory allows. Pools ask before they start one that no request waits for.
// It must never refuse a request: it only sizes what is kept in stock.

import { availableMemoryMb } from "../../system/memory.ts";

// What the machine and the gateway itself want to keep.
const reserveMb = 512;

/** Further processes of `childMb` each that would fit now and leave the reserve alone. */
export async function childrenThatFit(
  childMb: number,
  available: () => Promise<number> = availableMemoryMb,
): Promise<number> {
  return Math.max(0, Math.floor(((await available()) - reserveMb) / childMb));
}
