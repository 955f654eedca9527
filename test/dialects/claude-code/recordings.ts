// Lines as the program 2.1.197 printed them against a fake API, without the members that nobody reads here.
// They are recordings: a change of the decoder must never change them.

import type { ProtocolLine } from "../../../src/dialects/claude-code/protocol-lines.ts";

const parsed = (text: string): ProtocolLine[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ProtocolLine);

export const textTurn = parsed(String.raw`
{"type":"system","subtype":"init","cwd":"/srv/tenant-a","tools":[],"mcp_servers":[],"model":"claude-opus-4-8[1m]","permissionMode":"default"}
{"type":"system","subtype":"status","status":"requesting"}
{"type":"stream_event","event":{"type":"message_start","message":{"id":"msg_fake000133","type":"message","role":"assistant","model":"claude-opus-4-8","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1684,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}},"parent_tool_use_id":null,"ttft_ms":73}
{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ECHO: "}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"no "}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"tools"}},"parent_tool_use_id":null}
{"type":"assistant","message":{"id":"msg_fake000133","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"text","text":"ECHO: no tools"}],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1684,"output_tokens":1}},"parent_tool_use_id":null,"request_id":"req_fake000133"}
{"type":"stream_event","event":{"type":"content_block_stop","index":0},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":11}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"message_stop"},"parent_tool_use_id":null}
{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1795231301,"rateLimitType":"five_hour","overageStatus":"rejected","isUsingOverage":false}}
{"type":"result","subtype":"success","is_error":false,"api_error_status":null,"duration_ms":297,"num_turns":1,"result":"ECHO: no tools","stop_reason":"end_turn","total_cost_usd":0.008695,"usage":{"input_tokens":1684,"output_tokens":11},"permission_denials":[],"terminal_reason":"completed"}
`);

export const thinkingBlock = parsed(String.raw`
{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}},"parent_tool_use_id":null}
{"type":"system","subtype":"thinking_tokens","estimated_tokens":1,"estimated_tokens_delta":1}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let "}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"it."}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2lnbmF0dXJlLWZha2U="}},"parent_tool_use_id":null}
{"type":"assistant","message":{"id":"msg_fake000133","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"thinking","thinking":"Let it.","signature":"c2lnbmF0dXJlLWZha2U="}],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1685,"output_tokens":1}},"parent_tool_use_id":null,"request_id":"req_fake000016"}
{"type":"stream_event","event":{"type":"content_block_stop","index":0},"parent_tool_use_id":null}
`);

export const toolMessage = parsed(String.raw`
{"type":"stream_event","event":{"type":"message_start","message":{"id":"msg_fake000018","type":"message","role":"assistant","model":"claude-opus-4-8","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":2825,"output_tokens":1}}},"parent_tool_use_id":null,"ttft_ms":73}
{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Let me look."}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_stop","index":0},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_fake_18_0","name":"Bash","input":{}}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"command\":"}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"\"echo one\"}"}},"parent_tool_use_id":null}
{"type":"assistant","message":{"id":"msg_fake000018","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"tool_use","id":"toolu_fake_18_0","name":"Bash","input":{"command":"echo one"}}],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":2825,"output_tokens":1}},"parent_tool_use_id":null,"request_id":"req_fake000018"}
{"type":"stream_event","event":{"type":"content_block_stop","index":1},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":31}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"message_stop"},"parent_tool_use_id":null}
`);

/** What follows a tool of the program's own: its result, and the next request. */
export const toolResult = parsed(String.raw`
{"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_fake_18_0","type":"tool_result","content":"one","is_error":false}]},"parent_tool_use_id":null,"tool_use_result":{"stdout":"one","stderr":"","interrupted":false}}
{"type":"system","subtype":"status","status":"requesting"}
`);

export const rateLimited = parsed(String.raw`
{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795231302,"rateLimitType":"five_hour","overageStatus":"rejected","overageDisabledReason":"org_level_disabled","isUsingOverage":false}}
{"type":"assistant","message":{"id":"0d1f","model":"<synthetic>","role":"assistant","stop_reason":"stop_sequence","stop_sequence":"","type":"message","usage":{"input_tokens":0,"output_tokens":0},"content":[{"type":"text","text":"You've hit your session limit · resets 3:21am (UTC)"}]},"parent_tool_use_id":null,"error":"rate_limit","request_id":"req_fake000354"}
{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"duration_ms":103,"num_turns":1,"result":"You've hit your session limit · resets 3:21am (UTC)","stop_reason":"stop_sequence","total_cost_usd":0,"usage":{"input_tokens":0,"output_tokens":0},"terminal_reason":"completed"}
`);

/** The lines of an error: the message that the program writes in the model's place, and the result. */
export function errorLines(error: string, members: ProtocolLine, text = "API Error"): ProtocolLine[] {
  return [
    {
      type: "assistant",
      message: { id: "x", model: "<synthetic>", role: "assistant", content: [{ type: "text", text }] },
      parent_tool_use_id: null,
      error,
    },
    {
      type: "result",
      subtype: "success",
      is_error: true,
      api_error_status: null,
      num_turns: 1,
      result: text,
      total_cost_usd: 0,
      ...members,
    },
  ];
}

/** The same message under another id and with other texts, for turns of several messages. */
export function renamed(
  lines: readonly ProtocolLine[],
  replacements: Readonly<Record<string, string>>,
): ProtocolLine[] {
  let text = JSON.stringify(lines);
  for (const [from, to] of Object.entries(replacements)) text = text.replaceAll(from, to);
  return JSON.parse(text) as ProtocolLine[];
}
