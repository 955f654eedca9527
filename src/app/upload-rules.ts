// How much memory and time request bodies may take, from the config and the machine. An idle gateway must always accept one body of
// the largest size.

import type { UploadRules } from "../pipeline/body/upload.ts";
import type { ServerSettings } from "../server/settings.ts";
import { machineMemoryBytes } from "../system/memory.ts";

const megabyte = 1024 * 1024;
/** Without a setting: this share of the machine's memory, at most `maxBytes`, and enough for two of the largest bodies. */
const shareOfMachine = 1 / 8;
const maxBytes = 512 * megabyte;
/** Long enough for other requests to end, short enough to ask a client to try again. */
const memoryWaitMs = 5_000;

export function uploadRules(server: ServerSettings, machineBytes = machineMemoryBytes()): UploadRules {
  const limitBytes = Math.floor(server.body_limit_mb * megabyte);
  const minRate = Math.floor(server.min_upload_kb_s * 1024);
  const graceMs = server.upload_grace_s * 1_000;
  return {
    limitBytes,
    memoryBytes:
      server.body_memory_mb === undefined
        ? Math.max(2 * limitBytes, Math.min(maxBytes, Math.floor(machineBytes * shareOfMachine)))
        : Math.floor(server.body_memory_mb * megabyte),
    minRate,
    graceMs,
    memoryWaitMs,
    firstCheckMs: minRate === 0 ? memoryWaitMs : Math.min(graceMs, memoryWaitMs),
  };
}
