// Keys of tenants: created here, shown once to the user who asked, otherwise masked.

import { maskSecret, randomKey, sha256Hex } from "../../system/secret.ts";
import { plain } from "../terminal.ts";

export const newKey = randomKey;

export const hashOf = (key: string): string => `sha256:${sha256Hex(key)}`;

/** A key that the config contains in plain text, so it may be shown. */
export function shownKey(written: string | null): string {
  if (written === null) return "none";
  if (/^\$\{[^}]*\}$/.test(written)) return plain(written.replace(/:-.*\}$/, ":-…}"));
  return written.startsWith("sha256:") ? `sha256:${written.slice(7, 15)}…` : maskSecret(written);
}
