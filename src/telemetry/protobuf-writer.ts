// Writes protobuf messages from their end to their beginning: a message's length is known before it is written, so one pass is
// enough. Fields must therefore be written in reverse order.

const startSize = 16_384;
const wordSize = 2 ** 32;
const nanosPerMs = 1_000_000;
/** A time is multiplied in two parts of this size: each stays below 2^53 and so exact. */
const halfSize = 2 ** 20;
const longestLoop = 64;
const lastAscii = 127;

/** Wire types of a field's tag. */
const varintType = 0;
const fixed64Type = 1;
const lengthType = 2;
const fixed32Type = 5;

export class ProtobufWriter {
  private buffer = Buffer.allocUnsafe(startSize);
  private at = startSize;
  /** Names of attributes, encoded once: they are ours, so there are few. */
  private readonly keys = new Map<string, Uint8Array>();

  /** Bytes so far: what `message` needs to know where the message ends. */
  get size(): number {
    return this.buffer.length - this.at;
  }

  /** What was written, as a copy; the next message begins. */
  finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.buffer.subarray(this.at));
    this.at = this.buffer.length;
    return bytes;
  }

  /** The field 1 of a KeyValue. */
  key(name: string): void {
    let bytes = this.keys.get(name);
    if (bytes === undefined) {
      const end = this.size;
      this.text(1, name);
      bytes = this.since(end);
      this.keys.set(name, bytes);
    } else this.encoded(bytes);
  }

  /** A message of the fields that were written since the size was `end`. */
  message(field: number, end: number): void {
    this.varint(this.size - end);
    this.tag(field, lengthType);
  }

  text(field: number, value: string): void {
    const length = this.shortAscii(value) ? value.length : this.anyText(value);
    this.varint(length);
    this.tag(field, lengthType);
  }

  /** Most texts are: a loop costs them less than the two calls of the other way. False: nothing was written. */
  private shortAscii(value: string): boolean {
    const { length } = value;
    if (length > longestLoop) return false;
    this.makeRoom(length);
    const { buffer } = this;
    const start = this.at - length;
    for (let at = 0; at < length; at += 1) {
      const code = value.charCodeAt(at);
      if (code > lastAscii) return false;
      buffer[start + at] = code;
    }
    this.at = start;
    return true;
  }

  private anyText(value: string): number {
    const length = Buffer.byteLength(value);
    this.makeRoom(length);
    this.at -= length;
    this.buffer.write(value, this.at, length, "utf8");
    return length;
  }

  /** Two hexadecimal digits a byte, in lower case. */
  hex(field: number, value: string): void {
    const length = value.length / 2;
    this.makeRoom(length);
    this.at -= length;
    this.buffer.write(value, this.at, length, "hex");
    this.varint(length);
    this.tag(field, lengthType);
  }

  /** A copy of what was written since the size was `end`. */
  since(end: number): Uint8Array {
    return new Uint8Array(this.buffer.subarray(this.at, this.buffer.length - end));
  }

  /** Whole fields that were written before. */
  block(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.at -= bytes.length;
    this.buffer.set(bytes, this.at);
  }

  private encoded(bytes: Uint8Array): void {
    const { length } = bytes;
    this.makeRoom(length);
    this.at -= length;
    const { buffer, at: start } = this;
    // As short as they are, a loop is faster than a call.
    for (let at = 0; at < length; at += 1) buffer[start + at] = bytes[at] ?? 0;
  }

  whole(field: number, value: number): void {
    if (value < 0) this.bigVarint(BigInt.asUintN(64, BigInt(value)));
    else this.varint(value);
    this.tag(field, varintType);
  }

  decimal(field: number, value: number): void {
    this.plainDecimal(value);
    this.tag(field, fixed64Type);
  }

  fixed64(field: number, value: number): void {
    this.plainFixed64(value);
    this.tag(field, fixed64Type);
  }

  /** Milliseconds as nanoseconds, which no number holds exactly: in two halves. */
  nanos(field: number, ms: number): void {
    const whole = Math.floor(ms);
    const rest = Math.round((ms - whole) * nanosPerMs);
    const upper = Math.floor(whole / halfSize) * nanosPerMs;
    const lower = (upper % 4_096) * halfSize + (whole % halfSize) * nanosPerMs + rest;
    this.words(Math.floor(upper / 4_096) + Math.floor(lower / wordSize), lower % wordSize);
    this.tag(field, fixed64Type);
  }

  fixed32(field: number, value: number): void {
    this.makeRoom(4);
    this.at -= 4;
    this.buffer.writeUInt32LE(value, this.at);
    this.tag(field, fixed32Type);
  }

  packedDecimals(field: number, values: readonly number[]): void {
    for (let at = values.length - 1; at >= 0; at -= 1) this.plainDecimal(values[at] ?? 0);
    this.varint(values.length * 8);
    this.tag(field, lengthType);
  }

  packedFixed64(field: number, values: readonly number[]): void {
    for (let at = values.length - 1; at >= 0; at -= 1) this.plainFixed64(values[at] ?? 0);
    this.varint(values.length * 8);
    this.tag(field, lengthType);
  }

  private plainDecimal(value: number): void {
    this.makeRoom(8);
    this.at -= 8;
    this.buffer.writeDoubleLE(value, this.at);
  }

  private plainFixed64(value: number): void {
    this.words(Math.floor(value / wordSize), value % wordSize);
  }

  private words(high: number, low: number): void {
    this.makeRoom(8);
    this.at -= 8;
    this.buffer.writeUInt32LE(low, this.at);
    this.buffer.writeUInt32LE(high, this.at + 4);
  }

  private tag(field: number, type: number): void {
    const value = field * 8 + type;
    if (value > 127 || this.at === 0) return this.varint(value);
    this.at -= 1;
    this.buffer[this.at] = value;
  }

  private varint(value: number): void {
    if (value < 128) {
      this.makeRoom(1);
      this.at -= 1;
      this.buffer[this.at] = value;
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
    this.makeRoom(length);
    this.at -= length;
    let { at } = this;
    let rest = value;
    while (rest >= 128) {
      this.buffer[at] = (rest % 128) | 128;
      at += 1;
      rest = Math.floor(rest / 128);
    }
    this.buffer[at] = rest;
  }

  private bigVarint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    this.encoded(Uint8Array.from(bytes));
  }

  private makeRoom(length: number): void {
    if (this.at >= length) return;
    const { size } = this;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, size + length));
    this.buffer.copy(larger, larger.length - size, this.at);
    this.at = larger.length - size;
    this.buffer = larger;
  }
}
