// A tool server on standard input and output (MCP) with the tools of work-tools.ts. Its answers repeat what it was given, so that a test
// can tell which call they belong to.

import { workTools } from "./work-tools.ts";

type Message = {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
};

/** Without a quotation mark: it is looked for in bodies of JSON. */
function answerOf({ name, arguments: given }: Record<string, unknown>): string {
  const values = Object.entries(given ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  return `${String(name)} ${values.join(" ")}: seven are there`;
}

function resultOf({ method, params = {} }: Message): object {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params["protocolVersion"],
        capabilities: { tools: {} },
        serverInfo: { name: "work", version: "1.0.0" },
      };
    case "tools/list":
      return { tools: workTools };
    case "tools/call":
      return { content: [{ type: "text", text: answerOf(params) }] };
    default:
      return {};
  }
}

for await (const line of console) {
  const message = JSON.parse(line) as Message;
  // A notification gets no answer.
  if (message.id === undefined) continue;
  console.log(JSON.stringify({ jsonrpc: "2.0", id: message.id, result: resultOf(message) }));
}
