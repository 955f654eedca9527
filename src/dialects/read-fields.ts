// Reads single fields of a client's JSON body, with clear errors that name the field. It must never accept a wrong
// type, and never throw anything but a Failure.

import { Failure } from "../canon/failure.ts";
import { isRecord } from "./decoding.ts";

export function invalid(param: string | null, message: string): Failure {
  return new Failure("invalid-request", message, { param });
}

export function unsupported(param: string, message: string): Failure {
  return new Failure("unsupported", message, { param });
}

/** A value as an error message may show it: short, and safe even for objects that redefine `toString`. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function wrongKind(param: string, wanted: string, value: unknown): Failure {
  return invalid(param, `${param} must be ${wanted}, not ${shown(value)}.`);
}

export const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined;

export function recordAt(value: unknown, param: string): Record<string, unknown> {
  if (!isRecord(value)) throw wrongKind(param, "an object", value);
  return value;
}

export function optionalRecord(value: unknown, param: string): Record<string, unknown> | null {
  return isAbsent(value) ? null : recordAt(value, param);
}

export function textAt(value: unknown, param: string): string {
  if (typeof value !== "string") throw wrongKind(param, "a string", value);
  return value;
}

export function wordAt(value: unknown, param: string): string {
  if (typeof value !== "string" || value === "") throw wrongKind(param, "a string that is not empty", value);
  return value;
}

export function optionalText(value: unknown, param: string): string | null {
  return isAbsent(value) ? null : textAt(value, param);
}

export function optionalBoolean(value: unknown, param: string): boolean | null {
  if (isAbsent(value)) return null;
  if (typeof value !== "boolean") throw wrongKind(param, "true or false", value);
  return value;
}

export function optionalNumber(value: unknown, param: string, least: number, most: number): number | null {
  if (isAbsent(value)) return null;
  if (typeof value !== "number" || !(value >= least && value <= most))
    throw wrongKind(param, `a number from ${least} to ${most}`, value);
  return value;
}

export function optionalInteger(value: unknown, param: string): number | null {
  if (isAbsent(value)) return null;
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrongKind(param, "a whole number", value);
  return value;
}

export function optionalCount(value: unknown, param: string, most = Number.MAX_SAFE_INTEGER): number | null {
  if (isAbsent(value)) return null;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value > most) {
    const limit = most === Number.MAX_SAFE_INTEGER ? "" : ` of at most ${most}`;
    throw wrongKind(param, `a positive whole number${limit}`, value);
  }
  return value;
}

export function optionalList(value: unknown, param: string): readonly unknown[] {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value)) throw wrongKind(param, "an array", value);
  return value as readonly unknown[];
}
