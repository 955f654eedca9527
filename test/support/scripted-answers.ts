// Scripted answers in three vendors' formats: a text, or one tool call. It must never judge the request.

export type Json = Record<string, unknown>;
export type ScriptedCall = { readonly name: string; readonly input: Json };

const frames = (list: readonly Json[]): Response =>
  new Response(list.map((each) => `data: ${JSON.stringify(each)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });

/** One answer in the format of the path. */
export function scriptedAnswer(path: string, said: string | ScriptedCall, id: string): Response {
  if (path.endsWith("/chat/completions")) {
    const delta =
      typeof said === "string"
        ? { content: said }
        : {
            tool_calls: [
              {
                index: 0,
                id,
                type: "function",
                function: { name: said.name, arguments: JSON.stringify(said.input) },
              },
            ],
          };
    const finish_reason = typeof said === "string" ? "stop" : "tool_calls";
    return frames([
      { id: "c", model: "m", choices: [{ index: 0, delta }] },
      {
        id: "c",
        model: "m",
        choices: [{ index: 0, delta: {}, finish_reason }],
        usage: { prompt_tokens: 10, completion_tokens: 2 },
      },
    ]);
  }
  if (path.endsWith("/responses")) {
    const item =
      typeof said === "string"
        ? { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: said }] }
        : {
            type: "function_call",
            id: "fc_1",
            call_id: id,
            name: said.name,
            arguments: JSON.stringify(said.input),
          };
    const usage = { input_tokens: 10, output_tokens: 2 };
    return frames([
      { type: "response.created", response: { id: "r", model: "m", output: [] } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      {
        type: "response.completed",
        response: { id: "r", model: "m", status: "completed", output: [item], usage },
      },
    ]);
  }
  const part =
    typeof said === "string" ? { text: said } : { functionCall: { id, name: said.name, args: said.input } };
  return frames([
    {
      candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2 },
    },
  ]);
}
