// Keys of tenants: created here, shown once to the user who asked, otherwise masked.

import { randomBytes } from "node:crypto";
import { maskSecret, sha256Hex } from "../../system/secret.ts";
import { plain } from "../terminal.ts";

/** 256 random bits in characters that need no quoting in a shell, a header or YAML. */
export const newKey = (): string => randomBytes(32).toString("hex");

export const hashOf = (key: string): string => `sha256:${sha256Hex(key)}`;

/** A key that the config contains in plain text, so it may be shown. */
export function shownKey(written: string | null): string {
  if (written === null) return "none";
  if (/^\$\{[^}]*\}$/.test(written)) return plain(written.replace(/:-.*\}$/, ":-…}"));
  return written.startsWith("sha256:") ? `sha256:${written.slice(7, 15)}…` : maskSecret(written);
}
