// Ids of our own making. Time-ordered, unguessable enough for correlation, never for authentication.

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID (spec: github.com/ulid/spec): 48 bits of UTC milliseconds, 80 random bits, Crockford base 32. */
export function ulid(nowMs: number, random: Uint8Array = crypto.getRandomValues(new Uint8Array(16))): string {
  let time = "";
  let rest = Math.floor(nowMs);
  for (let i = 0; i < 10; i++) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  for (let i = 0; i < 16; i++) time += alphabet.charAt((random[i] ?? 0) & 31);
  return time;
}

/** Strips everything but letters and digits: OpenClaw returns tool-call ids that way (`call_a_0` -> `calla0`). */
export function normaliseToolId(id: string): string {
  return id.replace(/[^a-zA-Z0-9]/g, "");
}
