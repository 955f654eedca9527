// Attributes of a span, of a data point or of the resource, and how both encodings of OTLP write them. Values come from clients:
// they are cut to a length and made well-formed, so that no collector refuses the whole batch for one of them.

import type { ProtobufWriter } from "./protobuf-writer.ts";

const longestValue = 256;
const mostTexts = 32;

/** Members of AnyValue in opentelemetry/proto/common/v1/common.proto. */
const stringValue = 1;
const boolValue = 2;
const intValue = 3;
const doubleValue = 4;
const arrayValue = 5;

type Kind = "text" | "whole" | "decimal" | "flag" | "texts";

/** What is unknown (null) or empty is left out. */
export class Attributes {
  /** Key, kind, value, one behind the other: every span has two of these, and one list costs less than three. */
  private readonly own: unknown[] = [];
  /** As fields, once they were written for another span. */
  private encoded: Uint8Array | null = null;

  /** `shared`: more of them, which other spans have as well and nobody changes any more. */
  constructor(private readonly shared: Attributes | null = null) {}

  text(key: string, value: string | null | undefined): this {
    if (value !== null && value !== undefined && value !== "") this.push(key, "text", bounded(value));
    return this;
  }

  whole(key: string, value: number | null | undefined): this {
    if (value !== null && value !== undefined && Number.isFinite(value))
      this.push(key, "whole", Math.round(value));
    return this;
  }

  decimal(key: string, value: number | null | undefined): this {
    if (value !== null && value !== undefined && Number.isFinite(value)) this.push(key, "decimal", value);
    return this;
  }

  flag(key: string, value: boolean): this {
    this.push(key, "flag", value);
    return this;
  }

  texts(key: string, values: readonly string[]): this {
    if (values.length > 0) this.push(key, "texts", values.slice(0, mostTexts).map(bounded));
    return this;
  }

  private push(key: string, kind: Kind, value: unknown): void {
    this.own.push(key, kind, value);
  }

  /** Each as the field `field` of the message that is being written. */
  writeInto(writer: ProtobufWriter, field: number): void {
    const { own } = this;
    for (let at = own.length - 3; at >= 0; at -= 3) {
      const end = writer.size;
      writeValue(writer, own[at + 1] as Kind, own[at + 2]);
      writer.message(2, end);
      writer.key(own[at] as string);
      writer.message(field, end);
    }
    this.shared?.writeBlock(writer, field);
  }

  private writeBlock(writer: ProtobufWriter, field: number): void {
    if (this.encoded !== null) return writer.block(this.encoded);
    const end = writer.size;
    this.writeInto(writer, field);
    this.encoded = writer.since(end);
  }

  toJson(): readonly { readonly key: string; readonly value: object }[] {
    const { own, shared } = this;
    const written = shared === null ? [] : [...shared.toJson()];
    for (let at = 0; at < own.length; at += 3)
      written.push({ key: own[at] as string, value: jsonValue(own[at + 1] as Kind, own[at + 2]) });
    return written;
  }
}

const bounded = (value: string): string =>
  value.length > longestValue ? value.slice(0, longestValue) : value;

function writeValue(writer: ProtobufWriter, kind: Kind, value: unknown): void {
  if (kind === "text") writer.text(stringValue, value as string);
  else if (kind === "whole") writer.whole(intValue, value as number);
  else if (kind === "decimal") writer.decimal(doubleValue, value as number);
  else if (kind === "flag") writer.whole(boolValue, value === true ? 1 : 0);
  else {
    const end = writer.size;
    for (const text of (value as readonly string[]).toReversed()) {
      const textEnd = writer.size;
      writer.text(stringValue, text);
      writer.message(1, textEnd);
    }
    writer.message(arrayValue, end);
  }
}

/** The mapping of protobuf to JSON writes integers of 64 bits as text. Half characters would make the whole batch invalid. */
function jsonValue(kind: Kind, value: unknown): object {
  if (kind === "text") return { stringValue: (value as string).toWellFormed() };
  if (kind === "whole") return { intValue: String(value) };
  if (kind === "decimal") return { doubleValue: value };
  if (kind === "flag") return { boolValue: value };
  return {
    arrayValue: {
      values: (value as readonly string[]).map((text) => ({ stringValue: text.toWellFormed() })),
    },
  };
}
