// A config as people may see it: its values without any secret. It must never contain the value of a key, a header or a variable,
// whatever it looks like; of an address it shows only what shown-address.ts allows.

import { shownAddress } from "../../backends/http/shown-address.ts";
import { mask } from "../../canon/redact.ts";
import type { Config } from "../../config/schema.ts";

/** Members whose every value is hidden; names inside them stay. */
const hidden: ReadonlySet<string> = new Set([
  "api_key",
  "api_keys",
  "admin_key",
  "keys",
  "key",
  "sha256",
  "secret",
  "token",
  "env",
  "headers",
]);
/** Command lines: an argument may be a key. */
const commands: ReadonlySet<string> = new Set(["command", "args"]);
const addresses: ReadonlySet<string> = new Set(["base_url", "url", "proxy"]);

export function maskedConfig(config: Config, redact: (text: string) => string): unknown {
  const { webhook, ntfy } = config.alerts;
  // The path of such an address is often all that protects it.
  const host = <T extends { readonly url: string }>(
    way: T | undefined,
  ): { readonly [name: string]: unknown } | undefined =>
    way === undefined ? undefined : { ...way, url: `${URL.parse(way.url)?.origin ?? ""}/${mask}` };
  const alerts = { ...config.alerts, webhook: host(webhook), ntfy: host(ntfy) };
  return maskedValue({ ...config, alerts }, redact);
}

function maskedValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((each: unknown) => maskedValue(each, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, maskedMember(name, each, redact)]),
  );
}

function maskedMember(name: string, value: unknown, redact: (text: string) => string): unknown {
  if (hidden.has(name)) return masked(value);
  if (commands.has(name) && Array.isArray(value))
    return value.map((part, at) => (name === "command" && at === 0 ? maskedValue(part, redact) : mask));
  if (addresses.has(name) && typeof value === "string") return shownAddress(value);
  return maskedValue(value, redact);
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value === undefined ? undefined : mask;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each)]));
}
