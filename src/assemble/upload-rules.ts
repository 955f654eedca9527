// What bodies under way may cost, from the config and the machine. It must never let one body of the largest size be refused
// on an idle gateway.

import type { UploadRules } from "../pipeline/upload.ts";
import type { ServerSettings } from "../server/settings.ts";
import { machineMemoryBytes } from "../system/memory.ts";

const megabyte = 1024 * 1024;
/** Without a setting: this part of the machine's memory, but no more than this, and room for two of the largest bodies. */
const shareOfMachine = 1 / 8;
const mostBytes = 512 * megabyte;
/** Long enough for others to be answered, short enough to tell a client that it should come again. */
const patienceMs = 5_000;

export function uploadRules(server: ServerSettings, machineBytes = machineMemoryBytes()): UploadRules {
  const limitBytes = Math.floor(server.body_limit_mb * megabyte);
  const leastRate = Math.floor(server.min_upload_kb_s * 1024);
  const graceMs = server.upload_grace_s * 1_000;
  return {
    limitBytes,
    memoryBytes:
      server.body_memory_mb === undefined
        ? Math.max(2 * limitBytes, Math.min(mostBytes, Math.floor(machineBytes * shareOfMachine)))
        : Math.floor(server.body_memory_mb * megabyte),
    leastRate,
    graceMs,
    patienceMs,
    firstLookMs: leastRate === 0 ? patienceMs : Math.min(graceMs, patienceMs),
  };
}
