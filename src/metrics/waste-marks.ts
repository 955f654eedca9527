// Marks requests that may be waste as they are recorded: heartbeats and other requests at a regular distance, and the same request
// again within an hour. From a bounded memory of what was asked; it must never read the database.

import { LRUCache } from "lru-cache";
import type { RequestRecord } from "../canon/record.ts";

/** Bits of a row's `waste`. */
export const idleMark = 1;
export const repeatedMark = 2;

const hourMs = 3_600_000;
const remembered = 20_000;
/** Closer than this are retries of a client, not a clock. */
const shortestBeatMs = 30_000;
/** So many equal distances in a row are a clock. */
const equalDistances = 3;
const tolerance = 0.1;

type Asked = { lastId: string; mark: number; lastMs: number; distanceMs: number; equal: number };

const heartbeatWord = /(?:^|[^a-z])(?:heart-?beat|cron)(?:$|[^a-z])/i;

function saysHeartbeat(record: RequestRecord): boolean {
  if (record.facts?.["isHeartbeat"] === true) return true;
  if (record.rule !== null && heartbeatWord.test(record.rule)) return true;
  for (const tag of record.tags) if (heartbeatWord.test(tag)) return true;
  return false;
}

export class WasteMarks {
  private readonly asked = new LRUCache<string, Asked>({ max: remembered });

  marksOf(record: RequestRecord): number {
    const spoken = saysHeartbeat(record) ? idleMark : 0;
    if (record.contentHash === undefined) return spoken;
    const key = `${record.tenant ?? ""}\n${record.contentHash}`;
    const at = record.startedAtMs;
    const before = this.asked.get(key);
    if (before === undefined) {
      this.asked.set(key, { lastId: record.id, mark: spoken, lastMs: at, distanceMs: 0, equal: 0 });
      return spoken;
    }
    // A batch that could not be written comes again.
    if (before.lastId === record.id) return before.mark;
    const distanceMs = Math.abs(at - before.lastMs);
    const isEqual =
      distanceMs >= shortestBeatMs && Math.abs(distanceMs - before.distanceMs) <= distanceMs * tolerance;
    before.equal = isEqual ? before.equal + 1 : 0;
    before.distanceMs = distanceMs;
    before.lastMs = Math.max(at, before.lastMs);
    before.lastId = record.id;
    before.mark = spoken !== 0 || before.equal >= equalDistances - 1 ? idleMark : repeatMark(distanceMs);
    return before.mark;
  }
}

const repeatMark = (distanceMs: number): number => (distanceMs <= hourMs ? repeatedMark : 0);
