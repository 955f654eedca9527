// Text as the request log keeps it: without images, recordings and other data, cut to its limit. Pure functions.

export type LoggedMessage = { readonly role: string; readonly text: string };

export type FittedMessages = { readonly messages: readonly LoggedMessage[]; readonly isCut: boolean };

const dataUrl = /data:[\w.+/-]{0,100};base64,[A-Za-z0-9+/=_-]+/g;
/** Longer than any key or hash that occurs in prose; shorter base64 is kept. */
const base64Run = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{512,}={0,2}/g;

export function withoutData(text: string): string {
  if (text.length < 24) return text;
  return text
    .replace(dataUrl, (data) => `[data, ${data.length} characters]`)
    .replace(base64Run, (run) => `[base64, ${run.length} characters]`);
}

/** The JSON of a value, its data left out. */
export function jsonText(value: unknown): string {
  return (
    JSON.stringify(value, (_name, each: unknown) => (typeof each === "string" ? withoutData(each) : each)) ??
    ""
  );
}

/** `keepsLast`: of a conversation the latest messages count, of an answer its beginning. */
export function fitted(
  messages: readonly LoggedMessage[],
  maxBytes: number,
  keepsLast: boolean,
): FittedMessages {
  const kept: LoggedMessage[] = [];
  let left = maxBytes;
  let isCut = false;
  for (const message of keepsLast ? messages.toReversed() : messages) {
    if (left <= 0) {
      isCut = true;
      break;
    }
    const bytes = Buffer.byteLength(message.text);
    if (bytes > left) {
      isCut = true;
      kept.push({ role: message.role, text: `${beginningOf(message.text, left)}…` });
    } else kept.push(message);
    left -= bytes;
  }
  return { messages: keepsLast ? kept.toReversed() : kept, isCut };
}

function beginningOf(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.slice(0, maxBytes));
  if (bytes.length <= maxBytes) return bytes.toString("utf8");
  // Not in the middle of a character.
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
