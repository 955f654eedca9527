// What a collector answers to an export that it took: whether it refused a part (partial_success), and why. The text is the
// collector's own: it is cut and shown as text only.

/** Of ExportTracePartialSuccess and ExportMetricsPartialSuccess, which have the same fields. */
export type PartialSuccess = { readonly rejected: number; readonly message: string };

const none: PartialSuccess = { rejected: 0, message: "" };
const longestMessage = 300;

/** An answer that cannot be read counts as a full success, as a collector that says nothing does. */
export function partialSuccessOf(contentType: string, body: Uint8Array): PartialSuccess {
  if (body.length === 0) return none;
  return contentType.includes("json") ? inJson(body) : inProtobuf(body);
}

function inJson(body: Uint8Array): PartialSuccess {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return none;
  }
  const partial = memberOf(answer, "partialSuccess") ?? memberOf(answer, "partial_success");
  const rejected =
    memberOf(partial, "rejectedSpans") ??
    memberOf(partial, "rejectedDataPoints") ??
    memberOf(partial, "rejected_spans");
  const message = memberOf(partial, "errorMessage") ?? memberOf(partial, "error_message");
  return {
    rejected: Number(rejected) || 0,
    message: typeof message === "string" ? message.slice(0, longestMessage) : "",
  };
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

function inProtobuf(body: Uint8Array): PartialSuccess {
  const partial = fieldsOf(body).find(({ field, bytes }) => field === 1 && bytes !== null)?.bytes ?? null;
  if (partial === null) return none;
  const fields = fieldsOf(partial);
  const message = fields.find(({ field }) => field === 2)?.bytes ?? null;
  return {
    rejected: fields.find(({ field }) => field === 1)?.value ?? 0,
    message: message === null ? "" : new TextDecoder().decode(message).slice(0, longestMessage),
  };
}

type Field = { readonly field: number; readonly value: number; readonly bytes: Uint8Array | null };

/** Integers and messages of a protobuf message; it ends at the first thing that is neither. */
function fieldsOf(message: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at] ?? 0;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push({ field, value: varint(), bytes: null });
    else if (tag % 8 === 2) {
      const length = varint();
      if (!(at + length <= message.length)) break;
      fields.push({ field, value: 0, bytes: message.subarray(at, at + length) });
      at += length;
    } else break;
  }
  return fields;
}
