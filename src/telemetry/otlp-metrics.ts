// Metrics in the two encodings of OTLP/HTTP (opentelemetry/proto/metrics/v1/metrics.proto): protobuf and JSON.

import type { Attributes } from "./attributes.ts";
import { nanosOf, type Scope, writeScope } from "./otlp-common.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type NumberPoint = { readonly attributes: Attributes; readonly value: number };

export type HistogramPoint = {
  readonly attributes: Attributes;
  readonly count: number;
  readonly sum: number;
  /** One more than there are bounds; each without those below it. */
  readonly counts: readonly number[];
};

export type Metric = {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  /** Since when the points count. */
  readonly startMs: number;
  readonly isDelta: boolean;
} & (
  | { readonly type: "counter" | "gauge"; readonly points: readonly NumberPoint[] }
  | {
      readonly type: "histogram";
      readonly bounds: readonly number[];
      readonly points: readonly HistogramPoint[];
    }
);

/** Members of Metric that hold the data. */
const gaugeField = 5;
const sumField = 7;
const histogramField = 9;
const deltaTemporality = 1;
const cumulativeTemporality = 2;

const temporalityOf = ({ isDelta }: Metric): number => (isDelta ? deltaTemporality : cumulativeTemporality);

export function metricsToProtobuf(
  writer: ProtobufWriter,
  metrics: readonly Metric[],
  scope: Scope,
  atMs: number,
): Uint8Array<ArrayBuffer> {
  for (const metric of metrics.toReversed()) {
    const end = writer.size;
    writeData(writer, metric, atMs);
    if (metric.unit !== "") writer.text(3, metric.unit);
    writer.text(2, metric.help);
    writer.text(1, metric.name);
    writer.message(2, end);
  }
  writeScope(writer, scope, 0);
  return writer.finish();
}

function writeData(writer: ProtobufWriter, metric: Metric, atMs: number): void {
  const end = writer.size;
  if (metric.type === "counter") writer.whole(3, 1);
  if (metric.type !== "gauge") writer.whole(2, temporalityOf(metric));
  if (metric.type === "histogram")
    for (const { attributes, count, sum, counts } of metric.points) {
      const pointEnd = writer.size;
      attributes.writeInto(writer, 9);
      writer.packedDecimals(7, metric.bounds);
      writer.packedFixed64(6, counts);
      writer.decimal(5, sum);
      writer.fixed64(4, count);
      writeTimes(writer, metric.startMs, atMs);
      writer.message(1, pointEnd);
    }
  else
    for (const { attributes, value } of metric.points) {
      const pointEnd = writer.size;
      attributes.writeInto(writer, 7);
      writer.decimal(4, value);
      writeTimes(writer, metric.startMs, atMs);
      writer.message(1, pointEnd);
    }
  writer.message(fieldOf(metric), end);
}

function writeTimes(writer: ProtobufWriter, startMs: number, atMs: number): void {
  writer.nanos(3, atMs);
  writer.nanos(2, startMs);
}

const fieldOf = ({ type }: Metric): number =>
  type === "gauge" ? gaugeField : type === "counter" ? sumField : histogramField;

export function metricsToJson(
  metrics: readonly Metric[],
  { resource, name, version, schemaUrl }: Scope,
  atMs: number,
): object {
  const at = String(nanosOf(atMs));
  return {
    resourceMetrics: [
      {
        resource: { attributes: resource.toJson() },
        scopeMetrics: [
          { scope: { name, version }, metrics: metrics.map((metric) => metricToJson(metric, at)), schemaUrl },
        ],
        schemaUrl,
      },
    ],
  };
}

function metricToJson(metric: Metric, timeUnixNano: string): object {
  const { name, help: description, unit } = metric;
  const times = { startTimeUnixNano: String(nanosOf(metric.startMs)), timeUnixNano };
  const said = { name, description, ...(unit === "" ? {} : { unit }) };
  const aggregationTemporality = temporalityOf(metric);
  if (metric.type === "histogram")
    return {
      ...said,
      histogram: {
        aggregationTemporality,
        dataPoints: metric.points.map(({ attributes, count, sum, counts }) => ({
          attributes: attributes.toJson(),
          ...times,
          count: String(count),
          sum,
          bucketCounts: counts.map(String),
          explicitBounds: metric.bounds,
        })),
      },
    };
  const dataPoints = metric.points.map(({ attributes, value }) => ({
    attributes: attributes.toJson(),
    ...times,
    asDouble: value,
  }));
  return metric.type === "gauge"
    ? { ...said, gauge: { dataPoints } }
    : { ...said, sum: { aggregationTemporality, isMonotonic: true, dataPoints } };
}
