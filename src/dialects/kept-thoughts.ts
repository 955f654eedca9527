// Thoughts that must come back to the vendor that made them, through clients in whose format only a signature can say whose
// they are: what their maker's own format needs stands in that signature, under our mark and beside the maker's.
// It must never let a mark of ours reach a vendor, nor a thought one that did not think it.

import type { StreamEvent } from "../canon/event.ts";
import type { Block, ChatRequest, DialectName, Message, ThinkingBlock } from "../canon/request.ts";
import { isRecord, parseLoosely } from "./decoding.ts";
import { strangersExtras } from "./thought-signature.ts";

/** No signature of a vendor's begins so: those are base64. */
export const keptMark = "clawgate.kept.";

export const isOurMark = (signature: string | null): boolean => signature?.startsWith(keptMark) === true;

/** Who thinks: a name for the vendor and, where it sells models of many makers, for the model's. Base64url. */
export type Maker = { readonly dialect: DialectName; readonly mark: string };

/** Resellers name a model behind its maker (deepseek/…, moonshotai/…); elsewhere its name begins with its family's. */
export function makerOf(dialect: DialectName, vendor: string, model: string): Maker {
  const family = /^(?:[^/]+(?=\/)|[a-z]+)/i.exec(model)?.[0].toLowerCase() ?? "";
  const digest = new Bun.CryptoHasher("sha256").update(`${dialect} ${vendor} ${family}`);
  return { dialect, mark: digest.digest("base64url").slice(0, 12) };
}

/** Anthropic's signatures are its own marks, in the format that they come in. */
const needsMark = ({ dialect }: Maker): boolean => dialect !== "anthropic-messages";

/** What a vendor says of its thoughts, with signatures that say whose they are. */
export function withMarks(events: readonly StreamEvent[], maker: Maker): readonly StreamEvent[] {
  if (!events.some(({ type }) => type === "thinking-end")) return events;
  if (!needsMark(maker)) return events.map(withStrangersSeal);
  return events.map((event) => {
    if (event.type !== "thinking-end") return event;
    const { signature, extras } = event;
    const members = { ...extras?.[maker.dialect], ...(signature ? { signature } : {}) };
    if (Object.keys(members).length === 0) return event;
    const sealed = Buffer.from(JSON.stringify(members)).toString("base64url");
    return {
      ...event,
      signature: `${keptMark}${maker.mark}.${sealed}`,
      extras: { ...extras, [maker.dialect]: members },
    };
  });
}

/** For what Anthropic signed. */
export function withStrangersSeal<Event extends StreamEvent>(event: Event): Event {
  if (event.type !== "thinking-end" || event.signature === null || event.signature === "") return event;
  return { ...event, extras: { ...event.extras, ...strangersExtras(event.signature) } };
}

/** The request with this maker's thoughts as its format writes them; those of others stay under their marks, which encoders drop. */
export function withoutMarks(request: ChatRequest, maker: Maker): ChatRequest {
  if (!request.messages.some(({ content }) => content.some(isMarked))) return request;
  return { ...request, messages: request.messages.map((message) => opened(message, maker)) };
}

const isMarked = (block: Block): block is ThinkingBlock =>
  block.type === "thinking" && isOurMark(block.signature);

function opened(message: Message, maker: Maker): Message {
  if (!message.content.some(isMarked)) return message;
  return {
    ...message,
    content: message.content.map((block) => (isMarked(block) ? openedThought(block, maker) : block)),
  };
}

function openedThought(block: ThinkingBlock, maker: Maker): ThinkingBlock {
  const [mark, sealed = ""] = (block.signature ?? "").slice(keptMark.length).split(".");
  if (mark !== maker.mark) return block;
  const told = parseLoosely(Buffer.from(sealed, "base64url").toString("utf8"));
  if (!isRecord(told)) return block;
  const { signature, ...members } = told;
  return {
    type: "thinking",
    text: block.text,
    signature: typeof signature === "string" ? signature : null,
    extras: { [maker.dialect]: members },
  };
}
