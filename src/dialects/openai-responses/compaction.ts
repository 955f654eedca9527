// Compaction: a conversation becomes the words of its user and one item that holds the rest. OpenAI's items are encrypted and only
// OpenAI can read them; those of the gateway hold a summary by the chosen model, behind a mark, and every model can read them.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import type { Block, ChatRequest, Message, TextBlock } from "../../canon/request.ts";
import type { Reply } from "../../canon/reply.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts, ClientHalf, StreamEncoder } from "../dialect.ts";
import { reasoningMark } from "./encrypted-reasoning.ts";
import { name, type Wire } from "./extras.ts";
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

/**
 * Codex asks for a compaction with an item at the end of its input, in a usual request: the request that makes the summary then. Null:
 * there is no such item.
 */
export function triggeredSummary(request: ChatRequest): ChatRequest | null {
  if (!request.messages.some(({ content }) => content.some(isTrigger))) return null;
  const messages = request.messages.flatMap((message) => {
    const content = message.content.filter((block) => !isTrigger(block));
    return content.length === 0 ? [] : [{ ...message, content }];
  });
  return { ...summaryRequest({ ...request, messages }), stream: request.stream };
}

const isTrigger = (block: Block): boolean =>
  block.type === "opaque" && isRecord(block.value) && block.value.type === "compaction_trigger";

/** The client half for such a request: its answer is one compaction item. */
export const triggeredCompaction = (client: ClientHalf): ClientHalf => ({
  ...client,
  encodeReply(reply, facts) {
    const value = compactionItem(wholeSummary(reply), facts);
    return client.encodeReply({ ...reply, content: [{ type: "opaque", dialect: name, value }] }, facts);
  },
  streamEncoder: (facts) => new CompactionEncoder(client.streamEncoder(facts), facts),
});

/** Collects the words of the summary and sends the item when they are complete. */
class CompactionEncoder implements StreamEncoder {
  private text = "";

  constructor(
    private readonly inner: StreamEncoder,
    private readonly facts: AnswerFacts,
  ) {}

  step(event: StreamEvent): string {
    if (event.type === "text-delta") this.text += event.text;
    if (event.type === "finish") return this.end(event);
    const isPassed = ["start", "usage", "heartbeat", "failure"].includes(event.type);
    return isPassed ? this.inner.step(event) : "";
  }

  private end(event: Extract<StreamEvent, { type: "finish" }>): string {
    try {
      const content = [{ type: "text" as const, text: this.text }];
      const value = compactionItem(wholeSummary({ content, finish: event.reason }), this.facts);
      return this.inner.step({ type: "opaque", index: 0, dialect: name, value }) + this.inner.step(event);
    } catch (thrown) {
      return this.inner.step({ type: "failure", failure: failureFrom(thrown) });
    }
  }
}

/** Throws Failure. */
function wholeSummary({ content, finish }: Pick<Reply, "content" | "finish">): string {
  const text = content
    .map((block) => (block.type === "text" ? block.text : ""))
    .join("")
    .trim();
  if (text !== "" && finish !== "length" && finish !== "refused") return text;
  throw new Failure("bad-output", "The model wrote no whole summary of the conversation.", {
    maybeBilled: true,
  });
}

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
  const text = wholeSummary(reply);
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
