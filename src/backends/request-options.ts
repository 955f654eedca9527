// Reads a client's options for a program rather than a model: reasoning effort and MCP servers, from a header or
// `metadata`. Reading never refuses: only the backend that could follow an option may reject it.

import { isRecord } from "../dialects/decoding.ts";
import { noRequestOptions, type RequestOptions } from "./backend.ts";

const maxServers = 64;

export function readRequestOptions(headers: Pick<Headers, "get">, metadata: unknown): RequestOptions {
  const wantedEffort = headers.get("x-effort");
  const wantedServers = headers.get("x-mcp-servers");
  if (wantedEffort === null && wantedServers === null && metadata === null) return noRequestOptions;
  const written = isRecord(metadata) ? metadata : {};
  const effort = wordIn(wantedEffort) ?? wordIn(written["effort"]);
  const mcpServers = [...namesIn(wantedServers), ...namesIn(written["mcp_servers"])];
  if (effort === null && mcpServers.length === 0) return noRequestOptions;
  return { effort, mcpServers: [...new Set(mcpServers)].slice(0, maxServers) };
}

function wordIn(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const word = (typeof value === "string" ? value : JSON.stringify(value)).trim().toLowerCase();
  return word === "" ? null : word.slice(0, 100);
}

/** A list of names, or one comma-separated string: OpenAI's metadata allows only strings. */
function namesIn(value: unknown): readonly string[] {
  if (value === null || value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list
    .flatMap((each) => (typeof each === "string" ? each.split(",") : [JSON.stringify(each)]))
    .map((name) => name.trim().slice(0, 100))
    .filter((name) => name !== "");
}
