// How many TCP connections this machine (or its container) has ever opened, as the kernel counts them: an unchanged count proves that
// none was opened in between. It must never throw, nor ask the kernel on every request.

import { openSync, readSync } from "node:fs";

export type OpenedConnections = {
  /** The recent value: read at most 1,000 times a second, 200 times on a busy machine. Null if the system does not report it (macOS). */
  cachedCount(isBusy: boolean): number | null;
  /** Marks the cached value as outdated. */
  freshCount(): number | null;
};

const momentMs = 1;
const busyMomentMs = 5;
/** Two lines of numbers for each protocol. */
const maxBytes = 8_192;

/** `path`: a file of proc(5)'s net/snmp kind, which is memory, not a disk; reading it takes some 10 us. */
export function openedConnections(
  monotonicMs: () => number,
  path = "/proc/self/net/snmp",
): OpenedConnections {
  const text = Buffer.allocUnsafe(maxBytes);
  let file: number | null | undefined;
  let known: number | null = null;
  let readMs = Number.NEGATIVE_INFINITY;

  const read = (): number | null => {
    if (file === null) return null;
    try {
      file ??= openSync(path, "r");
      known = activeOpens(text.toString("latin1", 0, readSync(file, text, 0, maxBytes, 0)));
    } catch {
      known = null;
      // If it could not be opened once, it is not tried again.
      file ??= null;
    }
    return known;
  };

  return {
    cachedCount(isBusy) {
      const nowMs = monotonicMs();
      if (nowMs - readMs < (isBusy ? busyMomentMs : momentMs)) return known;
      readMs = nowMs;
      return read();
    },
    freshCount() {
      readMs = Number.NEGATIVE_INFINITY;
      return read();
    },
  };
}

/** Of IPv4 and IPv6 alike. */
function activeOpens(text: string): number | null {
  const [, names, counts] = /^Tcp: ([A-Z].*)\nTcp: (.*)$/im.exec(text) ?? [];
  const at = names?.split(" ").indexOf("ActiveOpens") ?? -1;
  const count = Number(counts?.split(" ")[at]);
  return Number.isSafeInteger(count) ? count : null;
}
