// Normalizes the keys of Google's API messages to camelCase: Google accepts every field in camelCase and in snake_case.
// It must never touch keys that are the client's own (arguments, results, schemas).

import { isRecord } from "../decoding.ts";
import { isAbsent, wrongKind } from "../read-fields.ts";

const snakePattern = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/;

/**
 * The members under their camelCase names; where both spellings are present, camelCase wins. Not for schemas, arguments and
 * results.
 */
export function camelKeys(raw: Record<string, unknown>): Record<string, unknown> {
  const keys = Object.keys(raw);
  if (!keys.some((key) => snakePattern.test(key))) return raw;
  const named: Record<string, unknown> = {};
  for (const key of keys) {
    if (key === "__proto__") continue;
    const camel = snakePattern.test(key)
      ? key.replace(/_([a-z0-9])/g, (_all, c: string) => c.toUpperCase())
      : key;
    if (camel === key || !Object.hasOwn(raw, camel)) named[camel] = raw[key];
  }
  return named;
}

/** A message of Google's API with camelCase keys. */
export function messageAt(value: unknown, param: string): Record<string, unknown> {
  if (!isRecord(value)) throw wrongKind(param, "an object", value);
  return camelKeys(value);
}

export function optionalMessage(value: unknown, param: string): Record<string, unknown> | null {
  return isAbsent(value) ? null : messageAt(value, param);
}

/** Google's integers have up to 64 bits, and a number that JSON cannot hold exactly is not a valid count. */
export function optionalIntegerFrom(value: unknown, param: string, least: number): number | null {
  if (isAbsent(value)) return null;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least)
    throw wrongKind(param, `a whole number of at least ${least}`, value);
  return value;
}
