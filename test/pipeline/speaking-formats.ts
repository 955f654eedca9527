// Beginnings of streamed answers in every wire format: text, thought or a tool's input, and then silence.
// It must never close what it has opened: these are answers that somebody leaves.

export const wires = ["openai-compat", "anthropic", "openai-responses", "google-genai"] as const;
export type Wire = (typeof wires)[number];
export const kinds = ["text", "thought", "tool"] as const;
export type Kind = (typeof kinds)[number];

const frame = (value: object, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(value)}\n\n`;

/** `words` in order, one in a frame. No frame says what was used, but for Anthropic's first. */
export function beginningOf(wire: Wire, kind: Kind, words: readonly string[]): readonly string[] {
  switch (wire) {
    case "openai-compat":
      return words.map((word, at) => {
        const call = {
          index: 0,
          ...(at === 0 ? { id: "call_1", type: "function" } : {}),
          function: at === 0 ? { name: "tell", arguments: word } : { arguments: word },
        };
        const delta =
          kind === "text"
            ? { content: word }
            : kind === "thought"
              ? { reasoning_content: word, reasoning: word }
              : { tool_calls: [call] };
        return frame({
          id: "chatcmpl-1",
          object: "chat.completion.chunk",
          created: 1,
          model: "m",
          choices: [{ index: 0, delta, finish_reason: null }],
        });
      });
    case "anthropic": {
      const block = {
        text: { type: "text", text: "" },
        thought: { type: "thinking", thinking: "", signature: "" },
        tool: { type: "tool_use", id: "toolu_1", name: "tell", input: {} },
      }[kind];
      const delta = (word: string): object =>
        ({
          text: { type: "text_delta", text: word },
          thought: { type: "thinking_delta", thinking: word },
          tool: { type: "input_json_delta", partial_json: word },
        })[kind];
      const message = {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        stop_reason: null,
        usage: { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 1 },
      };
      return [
        frame({ type: "message_start", message }, "message_start"),
        frame({ type: "content_block_start", index: 0, content_block: block }, "content_block_start"),
        ...words.map((word) =>
          frame({ type: "content_block_delta", index: 0, delta: delta(word) }, "content_block_delta"),
        ),
      ];
    }
    case "openai-responses": {
      const item = {
        text: { type: "message", id: "i", role: "assistant", status: "in_progress", content: [] },
        thought: { type: "reasoning", id: "i", summary: [] },
        tool: { type: "function_call", id: "i", call_id: "call_1", name: "tell", arguments: "" },
      }[kind];
      const type = {
        text: "response.output_text.delta",
        thought: "response.reasoning_summary_text.delta",
        tool: "response.function_call_arguments.delta",
      }[kind];
      const at = { item_id: "i", output_index: 0 };
      const part =
        kind === "text"
          ? [
              {
                type: "response.content_part.added",
                ...at,
                content_index: 0,
                part: { type: "output_text", text: "" },
              },
            ]
          : kind === "thought"
            ? [
                {
                  type: "response.reasoning_summary_part.added",
                  ...at,
                  summary_index: 0,
                  part: { type: "summary_text", text: "" },
                },
              ]
            : [];
      const place = kind === "text" ? { content_index: 0 } : kind === "thought" ? { summary_index: 0 } : {};
      const response = {
        id: "resp_1",
        object: "response",
        created_at: 1,
        model: "m",
        status: "in_progress",
        output: [],
      };
      return [
        { type: "response.created", response },
        { type: "response.output_item.added", output_index: 0, item },
        ...part,
        ...words.map((delta) => ({ type, ...at, ...place, delta })),
      ].map((event, sequence) => frame({ ...event, sequence_number: sequence }, event.type));
    }
    case "google-genai": {
      const parts =
        kind === "tool"
          ? [[{ functionCall: { name: "tell", args: { words: words.join("") } } }]]
          : words.map((text) => [kind === "thought" ? { text, thought: true } : { text }]);
      return parts.map((each) =>
        frame({
          responseId: "r",
          modelVersion: "m",
          candidates: [{ index: 0, content: { role: "model", parts: each } }],
        }),
      );
    }
  }
}

export const endpointNames = ["chat", "messages", "responses", "gemini"] as const;
export type EndpointName = (typeof endpointNames)[number];

/** A streamed request at one of the endpoints. */
export function requestAt(
  door: EndpointName,
  model: string,
  limit: number | null,
): { path: string; body: object } {
  const tool = { name: "tell", description: "Tells." };
  const schema = { type: "object", properties: { words: { type: "string" } } };
  const messages = [{ role: "user", content: "hi" }];
  switch (door) {
    case "chat":
      return {
        path: "/v1/chat/completions",
        body: {
          model,
          stream: true,
          messages,
          tools: [{ type: "function", function: { ...tool, parameters: schema } }],
          ...(limit === null ? {} : { max_tokens: limit }),
        },
      };
    case "messages":
      return {
        path: "/v1/messages",
        body: {
          model,
          stream: true,
          messages,
          tools: [{ ...tool, input_schema: schema }],
          max_tokens: limit ?? 4_000,
        },
      };
    case "responses":
      return {
        path: "/v1/responses",
        body: {
          model,
          stream: true,
          input: "hi",
          tools: [{ type: "function", ...tool, parameters: schema, strict: false }],
          ...(limit === null ? {} : { max_output_tokens: limit }),
        },
      };
    case "gemini":
      return {
        path: `/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`,
        body: {
          contents: [{ role: "user", parts: [{ text: "hi" }] }],
          tools: [{ functionDeclarations: [{ ...tool, parameters: schema }] }],
          ...(limit === null ? {} : { generationConfig: { maxOutputTokens: limit } }),
        },
      };
  }
}
