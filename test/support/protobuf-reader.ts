// Decodes OTLP's protobuf messages by field tables of their own, so that the writer in src is checked by other code. Only what OTLP's
// traces and metrics use; a field that no table names is an error.

export type Message = { readonly [name: string]: unknown };

type Field =
  | readonly [
      name: string,
      kind: "text" | "bytes" | "whole" | "decimal" | "fixed64" | "fixed32" | "decimals" | "fixed64s",
    ]
  | readonly [name: string, kind: "message" | "messages", of: Table];
type Table = { readonly [field: number]: Field };

const anyValue: { [field: number]: Field } = {
  1: ["stringValue", "text"],
  2: ["boolValue", "whole"],
  3: ["intValue", "whole"],
  4: ["doubleValue", "decimal"],
};
anyValue[5] = ["arrayValue", "message", { 1: ["values", "messages", anyValue] }];
const keyValue: Table = { 1: ["key", "text"], 2: ["value", "message", anyValue] };
const resource: Table = { 1: ["attributes", "messages", keyValue] };
const scope: Table = { 1: ["name", "text"], 2: ["version", "text"] };
const span: Table = {
  1: ["traceId", "bytes"],
  2: ["spanId", "bytes"],
  3: ["traceState", "text"],
  4: ["parentSpanId", "bytes"],
  5: ["name", "text"],
  6: ["kind", "whole"],
  7: ["startTimeUnixNano", "fixed64"],
  8: ["endTimeUnixNano", "fixed64"],
  9: ["attributes", "messages", keyValue],
  15: ["status", "message", { 2: ["message", "text"], 3: ["code", "whole"] }],
  16: ["flags", "fixed32"],
};
const numberPoint: Table = {
  2: ["startTimeUnixNano", "fixed64"],
  3: ["timeUnixNano", "fixed64"],
  4: ["asDouble", "decimal"],
  7: ["attributes", "messages", keyValue],
};
const histogramPoint: Table = {
  2: ["startTimeUnixNano", "fixed64"],
  3: ["timeUnixNano", "fixed64"],
  4: ["count", "fixed64"],
  5: ["sum", "decimal"],
  6: ["bucketCounts", "fixed64s"],
  7: ["explicitBounds", "decimals"],
  9: ["attributes", "messages", keyValue],
};
const metric: Table = {
  1: ["name", "text"],
  2: ["description", "text"],
  3: ["unit", "text"],
  5: ["gauge", "message", { 1: ["dataPoints", "messages", numberPoint] }],
  7: [
    "sum",
    "message",
    {
      1: ["dataPoints", "messages", numberPoint],
      2: ["aggregationTemporality", "whole"],
      3: ["isMonotonic", "whole"],
    },
  ],
  9: [
    "histogram",
    "message",
    { 1: ["dataPoints", "messages", histogramPoint], 2: ["aggregationTemporality", "whole"] },
  ],
};
const around = (name: string, items: string, item: Table): Table => ({
  1: [
    `resource${name}`,
    "messages",
    {
      1: ["resource", "message", resource],
      2: [
        `scope${name}`,
        "messages",
        { 1: ["scope", "message", scope], 2: [items, "messages", item], 3: ["schemaUrl", "text"] },
      ],
      3: ["schemaUrl", "text"],
    },
  ],
});

export const exportTraces = around("Spans", "spans", span);
export const exportMetrics = around("Metrics", "metrics", metric);

/** In the form of OTLP's JSON: ids in hexadecimal digits, integers of 64 bits as text. */
export function decodeProtobuf(bytes: Uint8Array, table: Table): Message {
  const found: Record<string, unknown> = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined || shift > 63n) throw new Error("a varint without its end");
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = table[tag >> 3];
    if (field === undefined) throw new Error(`an unknown field ${tag >> 3}`);
    const [name, kind] = field;
    const type = tag & 7;
    if (type === 0) {
      const value = varint();
      found[name] =
        name === "intValue"
          ? String(BigInt.asIntN(64, value))
          : name === "boolValue" || name === "isMonotonic"
            ? value === 1n
            : Number(value);
    } else if (type === 1) {
      found[name] = kind === "decimal" ? view.getFloat64(at, true) : String(view.getBigUint64(at, true));
      at += 8;
    } else if (type === 5) {
      found[name] = view.getUint32(at, true);
      at += 4;
    } else if (type === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error("a message that is longer than its parent");
      const part = bytes.subarray(at, at + length);
      at += length;
      if (kind === "text") found[name] = new TextDecoder("utf-8", { fatal: true }).decode(part);
      else if (kind === "bytes") found[name] = Buffer.from(part).toString("hex");
      else if (kind === "decimals" || kind === "fixed64s") found[name] = numbersIn(part, kind);
      else if (kind === "message" || kind === "messages") {
        const message = decodeProtobuf(part, field[2]);
        found[name] = kind === "message" ? message : [...((found[name] as Message[]) ?? []), message];
      } else throw new Error(`${name} is not ${kind}`);
    } else throw new Error(`wire type ${type}`);
  }
  return found;
}

function numbersIn(bytes: Uint8Array, kind: "decimals" | "fixed64s"): unknown[] {
  if (bytes.length % 8 !== 0) throw new Error("a packed list with a rest");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, at) =>
    kind === "decimals" ? view.getFloat64(at * 8, true) : String(view.getBigUint64(at * 8, true)),
  );
}
