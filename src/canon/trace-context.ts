// W3C Trace Context (w3.org/TR/trace-context): what `traceparent` and `tracestate` say, and the trace of one request. An invalid
// header is ignored, as the standard demands; it must never fail a request.

/** Where a span hangs: the trace, and the span that caused it. */
export type TraceParent = {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** What other vendors keep in the trace; "": nothing. */
  readonly state: string;
};

/** The trace of one request of ours. */
export type RequestTrace = {
  readonly traceId: string;
  /** Of the request itself; null where no spans are exported, so that nobody could ever find it. */
  readonly spanId: string | null;
  /** The client's; null: the trace begins here. */
  readonly parent: TraceParent | null;
  readonly isSampled: boolean;
};

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;
const longestParent = 200;
const longestState = 512;
const mostMembers = 32;
const stateMember =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** Null: there is none, or it is invalid. */
export function readTraceParent(parent: string | null, state: string | null): TraceParent | null {
  if (parent === null || parent.length > longestParent) return null;
  const [, version, traceId = "", spanId = "", flags = "", rest] = form.exec(parent.trim()) ?? [];
  if (version === undefined || version === "ff" || zeros.test(traceId) || zeros.test(spanId)) return null;
  // Later versions may say more behind it; the first one must not.
  if (version === "00" && rest !== undefined) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1, state: readState(state) };
}

/** All of it or nothing: a list that breaks the rules may be anything. */
function readState(written: string | null): string {
  if (written === null || written.length > longestState) return "";
  const members = written
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf("="))));
  const isValid =
    members.length <= mostMembers &&
    keys.size === members.length &&
    members.every((each) => stateMember.test(each));
  return isValid ? members.join(",") : "";
}

/** The headers for an upstream whose parent is `spanId`. */
export function traceHeaders(
  { traceId, parent, isSampled }: RequestTrace,
  spanId: string,
): Readonly<Record<string, string>> {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  return parent === null || parent.state === "" ? { traceparent } : { traceparent, tracestate: parent.state };
}

/** Random ids, drawn for many requests at a time. */
export class TraceIds {
  private readonly bytes = Buffer.alloc(4_096);
  /** All of them at once: a part of a text costs next to nothing. */
  private digits = "";
  private at = 0;

  /** 32 hexadecimal digits. */
  newTraceId(): string {
    return this.hex(32);
  }

  /** 16 hexadecimal digits. */
  newSpanId(): string {
    return this.hex(16);
  }

  private hex(length: number): string {
    if (this.at + length > this.digits.length) {
      crypto.getRandomValues(this.bytes);
      this.digits = this.bytes.toString("hex");
      this.at = 0;
    }
    this.at += length;
    return this.digits.slice(this.at - length, this.at);
  }
}
