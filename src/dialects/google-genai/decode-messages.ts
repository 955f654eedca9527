// Turns the client's `contents` and `systemInstruction` into canonical messages and system. It must never drop content
// silently: a part that no other format has becomes an opaque block.

import type { Block, Message, TextBlock, ThinkingBlock } from "../../canon/request.ts";
import { type CallIds, callIds } from "./call-ids.ts";
import { invalid, optionalList, shown } from "../read-fields.ts";
import { messageAt } from "./camel-keys.ts";
import { decodePart, decodeSystemPart } from "./decode-content.ts";
import { name, extrasOf, signatureIn } from "./extras.ts";

/** Google knows user and model; the other roles come from old clients and other formats. */
const roles: ReadonlyMap<unknown, "user" | "assistant"> = new Map<unknown, "user" | "assistant">([
  [undefined, "user"],
  [null, "user"],
  ["", "user"],
  ["user", "user"],
  ["function", "user"],
  ["tool", "user"],
  ["model", "assistant"],
  ["assistant", "assistant"],
]);

export function decodeMessages(contents: readonly unknown[]): Message[] {
  const ids = callIds();
  const messages: Message[] = [];
  for (const [i, each] of contents.entries()) {
    const message = decodeMessage(each, i, ids);
    const previous = messages.at(-1);
    // Chats of Google's SDK keep every chunk of a stream as a separate content.
    if (message.role === "assistant" && previous?.role === "assistant")
      messages[messages.length - 1] = {
        role: "assistant",
        content: joined(previous.content, message.content),
      };
    else messages.push(message);
  }
  return messages;
}

/** Joins two chunks of one text. */
function joined(left: readonly Block[], right: readonly Block[]): Block[] {
  const last = left.at(-1);
  const [first, ...rest] = right;
  if (last?.type === "text" && first?.type === "text" && last.extras === undefined)
    return [...left.slice(0, -1), { ...first, text: last.text + first.text }, ...rest];
  if (last?.type === "thinking" && first?.type === "thinking" && last.signature === null)
    return [...left.slice(0, -1), { ...first, text: last.text + first.text }, ...rest];
  return [...left, ...right];
}

function decodeMessage(value: unknown, index: number, ids: CallIds): Message {
  const param = `contents[${index}]`;
  const raw = messageAt(value, param);
  const role = roles.get(raw["role"]);
  if (role === undefined)
    throw invalid(`${param}.role`, `${param}.role must be user or model, not ${shown(raw["role"])}.`);
  const content: Block[] = [];
  for (const [i, each] of optionalList(raw["parts"], `${param}.parts`).entries()) {
    const place = { param: `${param}.parts[${i}]`, at: `${index}_${i}`, isModel: role === "assistant" };
    const block = decodePart(each, place, ids);
    if (block === null) continue;
    if (isForeign(block)) content.push(signedThinking(content, block));
    else if (block.type !== "text" || block.text !== "") content.push(block);
    else keepSignature(content, signatureIn(block.extras));
  }
  return { role, content };
}

/** Only Google's own thinking has Google extras. */
const isForeign = (block: Block): block is ThinkingBlock =>
  block.type === "thinking" && block.extras === undefined;

/** The mark of streamed thinking comes in an empty part after its pieces. */
function signedThinking(content: Block[], signature: ThinkingBlock): ThinkingBlock {
  let { text } = signature;
  for (
    let last = content.at(-1);
    last?.type === "thinking" && last.signature === null;
    last = content.at(-1)
  ) {
    text = last.text + text;
    content.pop();
  }
  return { ...signature, text };
}

/** A stream gives the signature in an empty part after the text, where it must also go back; other formats refuse empty texts. */
function keepSignature(content: Block[], signature: string | null): void {
  const last = content.at(-1);
  if (signature === null || last?.type !== "text") return;
  content[content.length - 1] = {
    ...last,
    extras: { [name]: { ...extrasOf(last.extras), signatureAfter: signature } },
  };
}

/** A content, or a plain string as some clients write it. */
export function decodeSystem(value: unknown): TextBlock[] {
  if (value === undefined || value === null || value === "") return [];
  if (typeof value === "string") return [{ type: "text", text: value }];
  const raw = messageAt(value, "systemInstruction");
  const texts: TextBlock[] = [];
  for (const [i, each] of optionalList(raw["parts"], "systemInstruction.parts").entries()) {
    const block = decodeSystemPart(each, `systemInstruction.parts[${i}]`);
    if (block !== null) texts.push(block);
  }
  return texts;
}
