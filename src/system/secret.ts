// Secrets in memory: a wrapper that prints masked wherever it is shown, digests, tokens.
// Nothing here may ever return a plain value except reveal().

import { createHash, randomBytes } from "node:crypto";

export type Secret = {
  /** The plain value. Call it only where the bytes leave the gateway. */
  reveal(): string;
  /** Masked: `****` and the last four characters of a value that is long enough. */
  toString(): string;
  toJSON(): string;
};

const shortestShownLength = 16;

export function maskSecret(value: string): string {
  return value.length < shortestShownLength ? "****" : `****${value.slice(-4)}`;
}

// A closure holds the value: neither inspecting, spreading nor serializing the object can reach it.
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

/** 256 random bits in characters that need no quoting in a shell, a header or YAML. */
export function randomKey(): string {
  return randomBytes(32).toString("hex");
}

/** 256 random bits in URL-safe characters. */
export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}
