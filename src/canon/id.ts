// Ids made by the gateway: time-ordered, unguessable enough for correlation, never for authentication.

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID (spec: github.com/ulid/spec): 48 bits of UTC milliseconds, 80 random bits, Crockford base 32. */
export function ulid(nowMs: number, random: Uint8Array = crypto.getRandomValues(new Uint8Array(16))): string {
  // 50 bits are split into two halves of 25, which integer arithmetic can shift.
  const high = Math.floor(nowMs / 0x2000000);
  const low = Math.floor(nowMs) % 0x2000000;
  let id = "";
  for (let shift = 20; shift >= 0; shift -= 5) id += alphabet[(high >> shift) & 31];
  for (let shift = 20; shift >= 0; shift -= 5) id += alphabet[(low >> shift) & 31];
  for (let i = 0; i < 16; i++) id += alphabet[(random[i] ?? 0) & 31];
  return id;
}

/**
 * ULIDs for every request: random letters are drawn for 256 of them at a time, and the time's letters are computed once per
 * millisecond.
 */
export function createUlids(): (nowMs: number) => string {
  const letters = Buffer.alloc(4_096);
  let at = letters.length;
  let latestMs = Number.NaN;
  let time = "";
  return (nowMs) => {
    if (at === letters.length) {
      crypto.getRandomValues(letters);
      for (let i = 0; i < letters.length; i++) letters[i] = alphabet.charCodeAt((letters[i] ?? 0) & 31);
      at = 0;
    }
    if (nowMs !== latestMs) {
      time = ulid(nowMs).slice(0, 10);
      latestMs = nowMs;
    }
    at += 16;
    return time + letters.toString("latin1", at - 16, at);
  };
}

/** Strips everything but letters and digits: OpenClaw returns tool-call ids that way (`call_a_0` -> `calla0`). */
export function normaliseToolId(id: string): string {
  return id.replace(/[^a-zA-Z0-9]/g, "");
}
