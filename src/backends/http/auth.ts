// Authentication at a vendor: an asynchronous signer of the final request, so that cloud credentials can be added. An
// external token is read when needed and kept in memory only; it is never stored, refreshed or logged.

import { Failure, shortageFrom } from "../../canon/failure.ts";
import { sha256Hex } from "../../system/secret.ts";

export type Signer = {
  /** Adds authentication to the headers of a finished request. Throws Failure `credentials-rejected`. */
  sign(headers: Record<string, string>): Promise<void> | void;
  /** True: it always adds the same, so signed headers may be reused. */
  readonly isConstant?: boolean;
  /**
   * The vendor answered 401 to signed headers: the token may be stale and is read again next time. True: signing again
   * may give other headers.
   */
  forget(refused: Readonly<Record<string, string>>): boolean;
};

/** A key's name wherever the key must not be shown: the same after a restart and in any order of the config. */
export function fingerprintOf(key: string): string {
  return sha256Hex(key).slice(0, 8);
}

export type HeaderStyle = "bearer" | "x-api-key" | "x-goog-api-key";

export function noSigner(): Signer {
  return { sign: () => undefined, isConstant: true, forget: () => false };
}

/** The request carries its caller's own sign-in, or it is not sent. Its headers are of this one request and are never reused. */
export function clientSigner(): Signer {
  return {
    sign(headers) {
      if (headers["authorization"] === undefined)
        throw new Failure(
          "unauthorized",
          "This provider is asked only with the caller's own sign-in (auth: client), and the request carries none.",
        );
    },
    forget: () => false,
  };
}

export function keySigner(key: string, style: HeaderStyle): Signer {
  const name = style === "bearer" ? "authorization" : style;
  const value = style === "bearer" ? `Bearer ${key}` : key;
  return {
    sign(headers) {
      headers[name] = value;
    },
    isConstant: true,
    forget: () => false,
  };
}

const tokenPattern = /^[\x21-\x7e]{1,16384}$/;

/** A bearer token from `read`; cached for `ttlMs`, and read again after a 401. */
export function tokenSigner(read: () => Promise<string>, nowMs: () => number, ttlMs = 60_000): Signer {
  let held: { token: string; untilMs: number } | null = null;
  let reading: Promise<string> | null = null;
  const fetchToken = async (): Promise<string> => {
    const token = (await read()).trim();
    if (!tokenPattern.test(token)) throw new Error("what was read is not a token");
    held = { token, untilMs: nowMs() + ttlMs };
    return token;
  };
  return {
    async sign(headers) {
      let token = held !== null && nowMs() < held.untilMs ? held.token : null;
      if (token === null) {
        reading ??= fetchToken().finally(() => {
          reading = null;
        });
        try {
          token = await reading;
        } catch (cause) {
          // A file that could not be opened for lack of a descriptor says nothing about its token.
          const lack = shortageFrom(cause);
          if (lack !== null) throw lack;
          throw new Failure(
            "credentials-rejected",
            "The gateway could not read the token of this provider.",
            { cause },
          );
        }
      }
      headers["authorization"] = `Bearer ${token}`;
    },
    forget(refused) {
      // Another request may have met the same 401 and read again already.
      if (held !== null && refused["authorization"] === `Bearer ${held.token}`) held = null;
      return true;
    },
  };
}

/** The string at a JSON pointer (RFC 6901) of a JSON text, or the whole text where no pointer is given. */
export function tokenOfText(text: string, pointer: string | null): string {
  if (pointer === null || pointer === "") return text;
  let value: unknown = JSON.parse(text);
  for (const raw of pointer.split("/").slice(1)) {
    const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  if (typeof value !== "string") throw new Error(`there is no text at ${pointer}`);
  return value;
}
