// Counts what was used in the last minute, in slots of one second. No entry per request: a window costs the same however many
// there are. It must never forget early: an amount counts for 60 to 61 seconds, so that no minute ever exceeds its limit.

export type MinuteWindow = {
  /** Adds whole units now. */
  take(amount: number): void;
  used(): number;
  /**
   * Milliseconds until `amount` more fits under `limit`; 0: now. For an amount that never fits: until the window is
   * empty.
   */
  waitMs(amount: number, limit: number): number;
  /** Milliseconds until nothing counts any more. */
  emptyInMs(): number;
};

const slotMs = 1_000;
const slotCount = 61;

export function createMinuteWindow(nowMs: () => number): MinuteWindow {
  const slots = new Float64Array(slotCount);
  let head = Math.floor(nowMs() / slotMs);
  let sum = 0;

  const indexOf = (slot: number): number => slot % slotCount;
  const advance = (): void => {
    const now = Math.floor(nowMs() / slotMs);
    const steps = Math.min(slotCount, now - head);
    for (let step = 1; step <= steps; step++) {
      const index = indexOf(now - steps + step);
      sum -= slots[index] ?? 0;
      slots[index] = 0;
    }
    if (now > head) head = now;
  };
  const endsInMs = (slot: number): number => (slot + slotCount) * slotMs - nowMs();
  /** When at most `limit` is left in the window. */
  const fallsToMs = (limit: number): number => {
    let left = sum;
    for (let slot = head - slotCount + 1; slot <= head; slot++) {
      if (left <= limit) break;
      left -= slot < 0 ? 0 : (slots[indexOf(slot)] ?? 0);
      if (left <= limit || slot === head) return Math.max(0, endsInMs(slot));
    }
    return 0;
  };

  return {
    take(amount) {
      advance();
      const index = indexOf(head);
      slots[index] = (slots[index] ?? 0) + amount;
      sum += amount;
    },
    used() {
      advance();
      return sum;
    },
    waitMs(amount, limit) {
      advance();
      return fallsToMs(Math.max(0, limit - amount));
    },
    emptyInMs() {
      advance();
      return fallsToMs(0);
    },
  };
}
