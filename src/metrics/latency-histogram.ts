// Latencies as counts of buckets whose width grows with the value: small enough to be kept for each hour, and a percentile of any
// set of hours is right within 5 %. Pure.

/** Eight to an octave: a bucket's middle is at most 4.5 % from any value in it. */
const perOctave = 8;
/** Up to 2^24 ms, more than four hours. */
export const bucketCount = 24 * perOctave + 1;

export function bucketOf(ms: number): number {
  return Math.min(bucketCount - 1, Math.floor(Math.log2(Math.max(0, ms) + 1) * perOctave));
}

const middleOf = (bucket: number): number => Math.round(2 ** ((bucket + 0.5) / perOctave) - 1);

/** The nearest-rank percentile; null for an empty histogram. */
export function histogramPercentile(counts: Float64Array, part: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.max(1, Math.ceil(total * part));
  for (const [bucket, count] of counts.entries()) {
    left -= count;
    if (left <= 0) return middleOf(bucket);
  }
  return null;
}

/** The same of the values themselves, in any order. */
export function exactPercentile(values: readonly number[], part: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null;
}
