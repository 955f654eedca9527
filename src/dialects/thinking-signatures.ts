// Carries thinking that must go back to the vendor that wrote it through clients whose format has only a signature: the
// signature contains our mark, the vendor's mark and what the vendor's own format needs. It must never send our mark to
// a vendor, nor thinking to a vendor that did not write it.

import type { StreamEvent } from "../canon/event.ts";
import type { Block, ChatRequest, DialectName, Message, ThinkingBlock } from "../canon/request.ts";
import { isRecord, parseLoosely } from "./decoding.ts";
import { foreignSignatureExtras } from "./call-signatures.ts";

/** No vendor's signature begins like this: vendors use base64. */
export const thinkingMark = "clawgate.kept.";

export const isThinkingMark = (signature: string | null): boolean =>
  signature?.startsWith(thinkingMark) === true;

/** The vendor and, where it sells many model families, the family that did the thinking. Base64url. */
export type ThinkingSource = { readonly dialect: DialectName; readonly mark: string };

/** Resellers put the vendor before the model (deepseek/…, moonshotai/…); elsewhere a model's name begins with its family. */
export function thinkingSourceOf(dialect: DialectName, vendor: string, model: string): ThinkingSource {
  const family = /^(?:[^/]+(?=\/)|[a-z]+)/i.exec(model)?.[0].toLowerCase() ?? "";
  const digest = new Bun.CryptoHasher("sha256").update(`${dialect} ${vendor} ${family}`);
  return { dialect, mark: digest.digest("base64url").slice(0, 12) };
}

/** Anthropic's signatures need no mark in Anthropic's own format. */
const needsThinkingMark = ({ dialect }: ThinkingSource): boolean => dialect !== "anthropic-messages";

/** A vendor's thinking events, with signatures that name the vendor. */
export function markThinking(events: readonly StreamEvent[], source: ThinkingSource): readonly StreamEvent[] {
  if (!events.some(({ type }) => type === "thinking-end")) return events;
  if (!needsThinkingMark(source)) return events.map(withForeignSignature);
  return events.map((event) => {
    if (event.type !== "thinking-end") return event;
    const { signature, extras } = event;
    const members = { ...extras?.[source.dialect], ...(signature ? { signature } : {}) };
    if (Object.keys(members).length === 0) return event;
    const encoded = Buffer.from(JSON.stringify(members)).toString("base64url");
    return {
      ...event,
      signature: `${thinkingMark}${source.mark}.${encoded}`,
      extras: { ...extras, [source.dialect]: members },
    };
  });
}

/** The mark for thinking that Anthropic signed. */
export function withForeignSignature<Event extends StreamEvent>(event: Event): Event {
  if (event.type !== "thinking-end" || event.signature === null || event.signature === "") return event;
  return { ...event, extras: { ...event.extras, ...foreignSignatureExtras(event.signature) } };
}

/**
 * The request with this vendor's thinking in its own form; other vendors' thinking keeps its marks, and encoders drop it.
 */
export function unmarkThinking(request: ChatRequest, source: ThinkingSource): ChatRequest {
  if (!request.messages.some(({ content }) => content.some(isMarked))) return request;
  return { ...request, messages: request.messages.map((message) => unmarkMessage(message, source)) };
}

const isMarked = (block: Block): block is ThinkingBlock =>
  block.type === "thinking" && isThinkingMark(block.signature);

function unmarkMessage(message: Message, source: ThinkingSource): Message {
  if (!message.content.some(isMarked)) return message;
  return {
    ...message,
    content: message.content.map((block) => (isMarked(block) ? unmarkBlock(block, source) : block)),
  };
}

function unmarkBlock(block: ThinkingBlock, source: ThinkingSource): ThinkingBlock {
  const [mark, encoded = ""] = (block.signature ?? "").slice(thinkingMark.length).split(".");
  if (mark !== source.mark) return block;
  const decoded = parseLoosely(Buffer.from(encoded, "base64url").toString("utf8"));
  if (!isRecord(decoded)) return block;
  const { signature, ...members } = decoded;
  return {
    type: "thinking",
    text: block.text,
    signature: typeof signature === "string" ? signature : null,
    extras: { [source.dialect]: members },
  };
}
