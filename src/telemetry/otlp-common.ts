// What traces and metrics of OTLP have in common: who speaks (resource and scope), and times.

import type { Attributes } from "./attributes.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type Scope = {
  readonly resource: Attributes;
  readonly name: string;
  readonly version: string;
  /** The semantic conventions that the names follow. */
  readonly schemaUrl: string;
};

const nanosPerMs = 1_000_000n;

/** Unix nanoseconds; fractions of a millisecond are kept. */
export function nanosOf(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * nanosPerMs + BigInt(Math.round((ms - whole) * 1_000_000));
}

/**
 * The export request around the spans or metrics that were written since the size was `end`: ResourceSpans and ResourceMetrics have
 * the same fields (1 resource, 2 scope, 3 schema), and so has what is inside (1 scope, 2 items, 3 schema).
 */
export function writeScope(writer: ProtobufWriter, scope: Scope, end: number): void {
  writer.text(3, scope.schemaUrl);
  const scopeEnd = writer.size;
  writer.text(2, scope.version);
  writer.text(1, scope.name);
  writer.message(1, scopeEnd);
  writer.message(2, end);
  writer.text(3, scope.schemaUrl);
  const resourceEnd = writer.size;
  scope.resource.writeInto(writer, 1);
  writer.message(1, resourceEnd);
  writer.message(1, end);
}
