// Tracks how fast and how busy a provider is, updated in place: a request only adds numbers here.

/** `peakEwmaMs` is the time to the first word: it rises immediately and falls slowly; null until there was one. */
export type Load = { readonly inFlight: number; readonly peakEwmaMs: number | null };

export type Latency = {
  /** A shared object; `readLoad` updates `peakEwmaMs`. */
  readonly load: { inFlight: number; peakEwmaMs: number | null };
  peakMs: number;
  peakAtMs: number;
  readonly recent: Float64Array;
  recorded: number;
};

/** After this time without a word a slow answer counts for a third: a provider that was slow gets its chance again. */
const decayMs = 60_000;
const recentCount = 20;

export function createLatency(): Latency {
  return {
    load: { inFlight: 0, peakEwmaMs: null },
    peakMs: Number.NaN,
    peakAtMs: 0,
    recent: new Float64Array(recentCount),
    recorded: 0,
  };
}

const weight = (latency: Latency, nowMs: number): number =>
  Math.exp(-Math.max(0, nowMs - latency.peakAtMs) / decayMs);

export function recordFirstWord(latency: Latency, sinceMs: number, nowMs: number): void {
  const { peakMs } = latency;
  if (Number.isNaN(peakMs) || sinceMs >= peakMs) latency.peakMs = sinceMs;
  else {
    const kept = weight(latency, nowMs);
    latency.peakMs = peakMs * kept + sinceMs * (1 - kept);
  }
  latency.peakAtMs = nowMs;
}

export function recordWholeAnswer(latency: Latency, durationMs: number): void {
  latency.recent[latency.recorded % recentCount] = durationMs;
  latency.recorded += 1;
}

export function readLoad(latency: Latency, nowMs: number): Load {
  const { load, peakMs } = latency;
  load.peakEwmaMs = Number.isNaN(peakMs) ? null : peakMs * weight(latency, nowMs);
  return load;
}

/** Mean of the latest whole answers, to a tenth; null when there were none. */
export function meanOfRecent(latency: Latency): number | null {
  const count = Math.min(latency.recorded, recentCount);
  if (count === 0) return null;
  const sum = latency.recent.subarray(0, count).reduce((total, each) => total + each, 0);
  return Math.round((sum / count) * 10) / 10;
}
