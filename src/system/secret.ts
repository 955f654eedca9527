// Secrets in memory: a wrapper that prints masked wherever it is shown, digests, tokens.
// Nothing here may ever hand out a plain value except through reveal().

import { createHash, randomBytes } from "node:crypto";

export type Secret = {
  /** The plain value. Call it where the bytes leave the gateway and nowhere else. */
  reveal(): string;
  /** Masked: `****` and the last four characters of a value long enough to spare them. */
  toString(): string;
  toJSON(): string;
};

const shortestShownLength = 16;

export function maskSecret(value: string): string {
  return value.length < shortestShownLength ? "****" : `****${value.slice(-4)}`;
}

// The value lives in a closure: neither inspection, spreading nor serialising the object can reach it.
export function secret(value: string): Secret {
  const shown = (): string => maskSecret(value);
  return Object.freeze({
    reveal: () => value,
    toString: shown,
    toJSON: shown,
    [Symbol.for("nodejs.util.inspect.custom")]: shown,
  });
}

export function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** 256 random bits in URL-safe characters. */
export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}
