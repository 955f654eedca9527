// Keys of clients that are short enough to be guessed: accepted with a warning while only this machine can connect, otherwise refused.
// It must never print a key.

import { hashedKeyPattern, keysOfTenant, shortestKeyLength } from "../tenants/settings.ts";
import type { Path } from "./document.ts";
import type { Finding } from "./findings.ts";
import type { Config } from "./schema.ts";

type Keyed = Pick<Config, "auth" | "tenants">;

/** A loopback address as the system will bind it; any name but localhost may resolve to anything. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  return bare === "localhost" || bare === "::1" || /^127(\.\d{1,3}){3}$/.test(bare);
}

/** Whether every client must send a key. */
export const asksForKeys = ({ auth, tenants }: Keyed): boolean =>
  auth.keys.length > 0 || auth.clients.length > 0 || tenants.length > 0;

function shortKeys({ auth, tenants }: Keyed): readonly Path[] {
  const keys: readonly { readonly key: string; readonly path: Path }[] = [
    ...auth.keys.map((key, index) => ({ key, path: ["auth", "keys", index] })),
    ...auth.clients.map(({ key }, index) => ({ key, path: ["auth", "clients", index, "key"] })),
    ...(auth.admin_key === undefined ? [] : [{ key: auth.admin_key, path: ["auth", "admin_key"] }]),
    ...tenants.flatMap((tenant, index) =>
      keysOfTenant(tenant).map(({ key, path }) => ({ key, path: ["tenants", index, ...path] })),
    ),
  ];
  return keys.flatMap(({ key, path }) =>
    key.length < shortestKeyLength && !hashedKeyPattern.test(key) ? [path] : [],
  );
}

/** `host`: where the socket is, or will be. */
export function shortKeyFindings(config: Keyed, host: string): readonly Finding[] {
  if (isLoopback(host)) return [];
  return shortKeys(config).map((path) => ({
    path,
    message: `the key is shorter than ${shortestKeyLength} characters, and other machines can connect to ${host}`,
    hint: "`clawgate manage gen-key` generates a strong key; short keys are accepted only on 127.0.0.1",
    expected: null,
  }));
}

/** `placeOf`: the line of the file, or the variable. */
export function shortKeyNotices(
  config: Keyed,
  host: string,
  placeOf: (path: Path) => string,
): readonly string[] {
  if (!isLoopback(host)) return [];
  const places = new Set(shortKeys(config).map(placeOf));
  return [...places].map(
    (place) =>
      `${place}: a key is shorter than ${shortestKeyLength} characters and can be guessed. It is accepted because only this machine ` +
      "can connect; `clawgate manage gen-key` generates a strong key",
  );
}

/** For a key that a user is choosing now: there is no reason to accept a weak one. */
export function isStrongKey(key: string): boolean {
  if (key.startsWith("sha256:")) return hashedKeyPattern.test(key);
  return key.length >= shortestKeyLength && /^[\x21-\x7e]+$/.test(key);
}

export const keyRequirements = `a key of at least ${shortestKeyLength} characters (printable ASCII, no spaces), or sha256: and 64 hexadecimal digits`;
