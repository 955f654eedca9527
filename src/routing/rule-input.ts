// What the routing layers may read of a request. Everything is computed at most once and only when a rule needs it:
// most requests are decided by their name or the first rule.

import type { RequestFacts } from "../canon/decision.ts";
import type { Block, ChatRequest, Message } from "../canon/request.ts";
import { estimateTokens } from "../canon/tokens.ts";
import { isHeartbeatTurn, lastUserWords } from "./user-words.ts";
import { foldText, type FoldedText } from "./word-matcher.ts";

export type RuleInput = {
  readonly facts: RequestFacts;
  readonly requestedModel: string;
  readonly foldedModel: FoldedText;
  /** The last real user turn, without tool results and client additions. */
  readonly userText: string;
  readonly foldedUserText: FoldedText;
  /** The system prompt up to OpenClaw's mark. */
  readonly systemText: string;
  readonly foldedSystemText: FoldedText;
  header(name: string): string | null;
  /** The tenant that pays for the request. Absent: none. */
  readonly tenant?: string | null;
};

/** After this mark comes OpenClaw's own prompt, which mentions subagents and heartbeats in every request. */
const attemptMark = "openclaw:attempt";

function beforeMark(text: string): { readonly text: string; readonly isCut: boolean } {
  const at = text.indexOf(attemptMark);
  if (at < 0) return { text, isCut: false };
  // The mark is inside an HTML comment, whose opening is not the operator's text either.
  return { text: text.slice(0, at).replace(/<!--\s*$/, ""), isCut: true };
}

function textUpToMark(blocks: readonly Block[]): string {
  const texts: string[] = [];
  for (const block of blocks) {
    if (block.type !== "text") continue;
    const { text, isCut } = beforeMark(block.text);
    if (text !== "") texts.push(text);
    if (isCut) break;
  }
  return texts.length === 1 ? (texts[0] ?? "") : texts.join("\n");
}

function systemTextOf(request: ChatRequest): string {
  const later = request.messages.filter((message) => message.role === "system");
  const texts = [request.system, ...later.map((message) => message.content)].map(textUpToMark);
  return texts.filter((text) => text !== "").join("\n");
}

const holdsImage = (block: Block): boolean =>
  block.type === "image" ||
  (block.type === "tool-result" && block.content.some((inner) => inner.type === "image"));

const hasImages = (messages: readonly Message[]): boolean =>
  messages.some((message) => message.content.some(holdsImage));

/** People also open a fence in mid-line; tildes count only at a line's start, as in Markdown. */
const hasFence = (text: string): boolean => text.includes("```") || /^ {0,3}~~~/m.test(text);

/** Calls `work` on first use and caches the result. */
function once<T>(work: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => (known ??= { value: work() }).value;
}

/** `header` gets lower-case names. */
export function ruleInputOf(
  request: ChatRequest,
  header: (name: string) => string | null,
  tenant: string | null = null,
): RuleInput {
  const userText = once(() => lastUserWords(request.messages));
  const systemText = once(() => systemTextOf(request));
  const foldedModel = once(() => foldText(request.model.trim()));
  const foldedUserText = once(() => foldText(userText()));
  const foldedSystemText = once(() => foldText(systemText()));
  const estimatedTokens = once(() => estimateTokens(request));
  const images = once(() => hasImages(request.messages));
  const facts: RequestFacts = {
    get estimatedTokens() {
      return estimatedTokens();
    },
    hasTools: request.tools.length + request.opaqueTools.length > 0,
    get hasImages() {
      return images();
    },
    get hasCodeBlock() {
      return hasFence(userText());
    },
    wantsJsonSchema: request.format?.type === "json-schema",
    wantsThinking: request.thinking?.mode === "budget",
    maxTokens: request.maxTokens,
    get isHeartbeat() {
      return isHeartbeatTurn(userText());
    },
  };
  return {
    facts,
    requestedModel: request.model,
    tenant,
    header: (name) => header(name.toLowerCase()),
    get foldedModel() {
      return foldedModel();
    },
    get userText() {
      return userText();
    },
    get foldedUserText() {
      return foldedUserText();
    },
    get systemText() {
      return systemText();
    },
    get foldedSystemText() {
      return foldedSystemText();
    },
  };
}
