// Which values of a config file a person may not see. It follows the masked report of the active config, and treats what it does not
// know like a secret when it looks like one.

import { secretsInAddress } from "../../backends/http/shown-address.ts";
import type { Path } from "../../config/document.ts";

/** Whatever stands below one of these is hidden. */
const hidden: ReadonlySet<string> = new Set([
  "api_key",
  "api_keys",
  "admin_key",
  "keys",
  "key",
  "sha256",
  "env",
  "headers",
  "secret",
  "token",
  "password",
]);
/** What a key says about itself. */
const aboutKeys: ReadonlySet<string> = new Set(["expires", "created", "name"]);
const addresses: ReadonlySet<string> = new Set(["base_url", "url", "proxy"]);
/** An empty default is none. */
const reference = /\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\}/g;

/** Whether a known secret, or what looks like one, is in this whole text. */
export type HoldsSecret = (text: string) => boolean;

/** A variable's name is no secret, whatever the variable holds. */
export function isReference(text: string): boolean {
  const rest = text.replaceAll(reference, "");
  return rest !== text && /^\s*(?:(?:Bearer|Basic|Token)\s*)?$/i.test(rest);
}

export function isSecretAt(path: Path, value: unknown, holdsSecret: HoldsSecret): boolean {
  if (value === null || typeof value === "boolean" || value === "") return false;
  const text = String(value);
  if (isReference(text)) return false;
  const names = path.filter((part) => typeof part === "string");
  const last = names.at(-1) ?? "";
  if (names.some((name) => hidden.has(name)) && !(names.includes("keys") && aboutKeys.has(last))) return true;
  const at = path.at(-1);
  // The program itself is shown; any argument may be a key.
  if (typeof at === "number" && (last === "args" || (last === "command" && at > 0))) return true;
  if (addresses.has(last)) return secretsInAddress(text).some((each) => text.includes(each));
  return holdsSecret(text);
}

/** `api_key: abc` that is switched off, or an entry of a list of keys. */
const namedComment =
  /^#+\s*(?:-\s+)?["']?(?:api_key|admin_key|key|sha256|secret|token|password)["']?\s*:\s*["']?[^\s"'#]{8,}/;
const listedComment = /^#+\s*-\s+["']?(?=[^\s"']*\d)(?=[^\s"']*[A-Za-z])[\w+/=:.-]{16,}["']?\s*$/;

export function isSecretComment(comment: string, holdsSecret: HoldsSecret): boolean {
  const text = comment.replaceAll(reference, "");
  return namedComment.test(text) || listedComment.test(text) || holdsSecret(text);
}
