// Spans in the two encodings of OTLP/HTTP (opentelemetry/proto/collector/trace/v1/trace_service.proto): protobuf and JSON.

import type { Attributes } from "./attributes.ts";
import { nanosOf, type Scope, writeScope } from "./otlp-common.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type SpanKind = "server" | "client";

export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  /** The parent is a span of another process. */
  readonly hasRemoteParent: boolean;
  readonly traceState: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** What went wrong, in one of our own words; null: nothing did. */
  readonly error: string | null;
};

const kinds: Readonly<Record<SpanKind, number>> = { server: 2, client: 3 };
const errorCode = 2;
/** Sampled; whether the parent is remote is known; it is. */
const sampledFlag = 0x1;
const hasRemoteFlag = 0x100;
const remoteFlag = 0x200;

const flagsOf = ({ hasRemoteParent }: Span): number =>
  sampledFlag | hasRemoteFlag | (hasRemoteParent ? remoteFlag : 0);

export function tracesToProtobuf(
  writer: ProtobufWriter,
  spans: readonly Span[],
  scope: Scope,
): Uint8Array<ArrayBuffer> {
  for (const span of spans.toReversed()) writeSpan(writer, span);
  writeScope(writer, scope, 0);
  return writer.finish();
}

function writeSpan(writer: ProtobufWriter, span: Span): void {
  const end = writer.size;
  writer.fixed32(16, flagsOf(span));
  if (span.error !== null) {
    const statusEnd = writer.size;
    writer.whole(3, errorCode);
    writer.text(2, span.error);
    writer.message(15, statusEnd);
  }
  span.attributes.writeInto(writer, 9);
  writer.nanos(8, span.endMs);
  writer.nanos(7, span.startMs);
  writer.whole(6, kinds[span.kind]);
  writer.text(5, span.name);
  if (span.parentSpanId !== null) writer.hex(4, span.parentSpanId);
  if (span.traceState !== "") writer.text(3, span.traceState);
  writer.hex(2, span.spanId);
  writer.hex(1, span.traceId);
  writer.message(2, end);
}

export function tracesToJson(spans: readonly Span[], { resource, name, version, schemaUrl }: Scope): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: resource.toJson() },
        scopeSpans: [{ scope: { name, version }, spans: spans.map(spanToJson), schemaUrl }],
        schemaUrl,
      },
    ],
  };
}

const spanToJson = (span: Span): object => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.traceState === "" ? {} : { traceState: span.traceState }),
  ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
  flags: flagsOf(span),
  name: span.name,
  kind: kinds[span.kind],
  startTimeUnixNano: String(nanosOf(span.startMs)),
  endTimeUnixNano: String(nanosOf(span.endMs)),
  attributes: span.attributes.toJson(),
  status: span.error === null ? {} : { code: errorCode, message: span.error },
});
