// Reads the options for the CLI in a body and removes them: a vendor would refuse them as unknown fields. It must never
// touch a body without them.

import type { RequestOptions } from "../backends/backend.ts";
import { readRequestOptions } from "../backends/request-options.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import type { ClientDialectName } from "../dialects/dialect-table.ts";
import { memberNamed, scanObject, spliceObject } from "../wire/json.ts";
import { type Envelope, maxJsonDepth } from "./body/envelope.ts";

const words = ['"effort"', '"mcp_servers"'].map((word) => Buffer.from(word));
/** Room for 64 names; anything longer is the client's own metadata. */
const maxMetadataBytes = 16_384;

export function takeRequestOptions(
  envelope: Envelope,
  headers: Headers,
  dialect: ClientDialectName,
): { readonly envelope: Envelope; readonly requestOptions: RequestOptions } {
  const metadata = metadataWithOptions(envelope);
  const requestOptions = readRequestOptions(headers, metadata);
  if (metadata === null) return { envelope, requestOptions };
  const rest = Object.fromEntries(
    Object.entries(metadata).filter(([key, value]) => mayStay(key, value, dialect)),
  );
  // OpenAI refuses metadata, even empty, for an answer that it does not store.
  const isGone = Object.keys(rest).length === 0 && dialect !== "anthropic-messages";
  const json = isGone ? "null" : JSON.stringify(rest);
  const bytes = Buffer.from(spliceObject(envelope.bytes, envelope.scan, [{ key: "metadata", json }]));
  return { envelope: { ...envelope, bytes, scan: scanObject(bytes, maxJsonDepth) }, requestOptions };
}

function metadataWithOptions({ bytes, scan }: Envelope): Record<string, unknown> | null {
  const member = memberNamed(scan, "metadata");
  if (member?.kind !== "object" || member.end - member.start > maxMetadataBytes) return null;
  const part = bytes.subarray(member.start, member.end);
  if (!words.some((word) => part.includes(word))) return null;
  const value = parseLoosely(part.toString("utf8"));
  if (!isRecord(value)) return null;
  return "effort" in value || "mcp_servers" in value ? value : null;
}

/** Anthropic accepts only `user_id`; elsewhere metadata is the client's own, if all values are strings. */
function mayStay(key: string, value: unknown, dialect: ClientDialectName): boolean {
  if (key !== "effort" && key !== "mcp_servers") return true;
  return dialect !== "anthropic-messages" && typeof value === "string";
}
