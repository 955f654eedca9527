// Who we are at the vendor: an asynchronous signer of the final request, so that cloud credentials fit in later.
// A token from elsewhere is read when it is needed and held in memory only; it is never stored, refreshed or logged.

import { Failure, shortageFrom } from "../../canon/failure.ts";
import { sha256Hex } from "../../system/secret.ts";

export type Signer = {
  /** Adds what proves the identity to the headers of a finished request. Throws Failure `credentials-rejected`. */
  sign(headers: Record<string, string>): Promise<void> | void;
  /** True: it always adds the same, so that what it has signed once may be sent again. */
  readonly isConstant?: boolean;
  /**
   * The vendor said 401 to headers that `sign` had finished: whatever was read may be stale, it is read again next time.
   * True: signing again may give other headers.
   */
  forget(refused: Readonly<Record<string, string>>): boolean;
};

/** How a key is called wherever it must not be seen: the same after a restart and in any order of the config. */
export function fingerprintOf(key: string): string {
  return sha256Hex(key).slice(0, 8);
}

export type HeaderStyle = "bearer" | "x-api-key" | "x-goog-api-key";

export function noSigner(): Signer {
  return { sign: () => undefined, isConstant: true, forget: () => false };
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

/** A bearer token out of `read`; kept for `ttlMs`, and read again after a 401. */
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
          // A file that could not be opened for want of a descriptor says nothing of the token in it.
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
