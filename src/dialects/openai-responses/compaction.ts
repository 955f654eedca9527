// Compaction: a conversation becomes the words of its user and one item that holds the rest. OpenAI's items are encrypted and only
// OpenAI can read them; those of the gateway hold a summary by the chosen model, behind a mark, and every model can read them.

import { Failure } from "../../canon/failure.ts";
import type { ChatRequest, Message, TextBlock } from "../../canon/request.ts";
import type { Reply } from "../../canon/reply.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts } from "../dialect.ts";
import { reasoningMark } from "./encrypted-reasoning.ts";
import type { Wire } from "./extras.ts";
import { listedItem } from "./kept-items.ts";
import { encodeUsage } from "./usage.ts";

const summaryMark = `${reasoningMark}summary.`;

/** What a model is told in place of the item; null: it is another vendor's item. */
export function summaryIn(item: Wire): TextBlock | null {
  const { type, encrypted_content: content } = item;
  if (type !== "compaction" && type !== "compaction_summary") return null;
  if (typeof content !== "string" || !content.startsWith(summaryMark)) return null;
  const text = Buffer.from(content.slice(summaryMark.length), "base64").toString("utf8");
  return { type: "text", text: `${summaryOpening}\n\n${text}` };
}

const summaryOpening =
  "The conversation up to here was too long and was replaced by this summary of it. Continue from it:";

const question = [
  "Summarise the conversation above for whoever continues it without having seen it. Write only the summary.",
  "Keep: what the user wants and has decided, what was done and found, names, paths, numbers and code that still matter, what is open, and the next step.",
].join(" ");

/** The request that makes the summary. */
export function summaryRequest(request: ChatRequest): ChatRequest {
  const asked: Message = { role: "user", content: [{ type: "text", text: question }] };
  return {
    ...request,
    messages: [...request.messages, asked],
    // A history with calls needs its tools, but none is to be called.
    toolChoice: request.tools.length === 0 ? null : { type: "none" },
    parallelTools: null,
    format: null,
    stream: false,
  };
}

/** `items`: the input that was compacted. Throws Failure. */
export function encodeCompaction(reply: Reply, items: readonly Wire[], facts: AnswerFacts): Wire {
  const text = reply.content
    .map((block) => (block.type === "text" ? block.text : ""))
    .join("")
    .trim();
  if (text === "" || reply.finish === "length" || reply.finish === "refused")
    throw new Failure("bad-output", "The model wrote no whole summary of the conversation.", {
      maybeBilled: true,
    });
  const said = items.filter(
    (item) => isRecord(item) && item.role === "user" && (item.type === undefined || item.type === "message"),
  );
  return {
    id: `resp_${facts.requestId}`,
    object: "response.compaction",
    created_at: facts.createdSeconds,
    output: [
      ...said.map((item, at) => listedItem(item, `${facts.requestId}${at}`)),
      compactionItem(text, facts),
    ],
    usage: encodeUsage(reply.usage),
  };
}

const compactionItem = (text: string, { requestId }: Pick<AnswerFacts, "requestId">): Wire => ({
  id: `cmp_${requestId}`,
  type: "compaction",
  encrypted_content: summaryMark + Buffer.from(text, "utf8").toString("base64"),
});
