// The gateway's one token estimate: UTF-8 bytes / 4, images at a flat figure.
// It is an estimate and is called one wherever it is shown; a tokenizer on the request path costs 46 ms per 100 KB.

import { loadedTools } from "./loaded-tools.ts";
import type { Block, ChatRequest } from "./request.ts";

/** Tokens counted for an image. Vendors charge roughly 85 to 1,600 tokens; this is the middle of the common sizes. */
export const imageTokens = 1_000;

export function estimateTokensOfBytes(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 4));
}

const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");

function weigh(blocks: readonly Block[]): { bytes: number; images: number } {
  let bytes = 0;
  let images = 0;
  for (const block of blocks) {
    switch (block.type) {
      case "text":
      case "thinking":
        bytes += bytesOf(block.text);
        break;
      case "image":
        images += 1;
        break;
      case "tool-call":
        bytes += bytesOf(block.name) + bytesOf(block.input);
        break;
      case "tool-result": {
        const inner = weigh(block.content);
        bytes += inner.bytes;
        images += inner.images;
        break;
      }
      case "opaque":
        bytes += bytesOf(JSON.stringify(block.value) ?? "");
        break;
    }
  }
  return { bytes, images };
}

type Counted = Pick<ChatRequest, "system" | "messages" | "tools" | "opaqueTools"> &
  Partial<Pick<ChatRequest, "toolChoice">>;

/** Estimated input tokens of a request: system, messages, images and the definitions of the tools that the model sees. */
export function estimateTokens(request: Counted): number {
  let { bytes, images } = weigh(request.system);
  for (const message of request.messages) {
    const part = weigh(message.content);
    bytes += part.bytes + 4;
    images += part.images;
  }
  for (const tool of loadedTools(request)) {
    bytes +=
      bytesOf(tool.name) + bytesOf(tool.description ?? "") + bytesOf(JSON.stringify(tool.schema) ?? "");
  }
  for (const tool of request.opaqueTools) bytes += bytesOf(JSON.stringify(tool.value) ?? "");
  return estimateTokensOfBytes(bytes) + images * imageTokens;
}
