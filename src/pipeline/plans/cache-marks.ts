// Prompt-cache marks for clients whose format has none: the stable front of a conversation is what vendors cache. Added
// only where the client set none; never more than two, because the vendor allows four in a request.

import type { CacheMark, ChatRequest } from "../../canon/request.ts";

const mark: CacheMark = { ttl: null };

export function withCacheMarks(request: ChatRequest): ChatRequest {
  const lastSystem = request.system.findLastIndex((block) => block.type === "text");
  const isMarked =
    request.system.some((block) => block.type === "text" && block.cache !== undefined) ||
    request.tools.some((tool) => tool.cache !== undefined);
  if (isMarked) return request;
  return {
    ...request,
    system: request.system.map((block, at) =>
      at === lastSystem && block.type === "text" ? { ...block, cache: mark } : block,
    ),
    tools: request.tools.map((tool, at) =>
      at === request.tools.length - 1 ? { ...tool, cache: mark } : tool,
    ),
  };
}
