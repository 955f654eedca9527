// A gateway with one scripted vendor of each format, asked at each endpoint: what goes up, and what the client reads of the answer.
// It must never judge; the tests do.

import type { DialectName } from "../../src/canon/request.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Recorded, type Scripted, startUpstream, type Upstream } from "../support/upstream.ts";
import { backends, type Json, names } from "./conversations.ts";

export type VendorSetup = {
  readonly gateway: TestGateway;
  readonly vendor: Upstream;
  ask(door: DialectName, at: DialectName, body: Json, stream: boolean): Promise<Response>;
  /** The latest body that the vendor got. */
  sent(): Json;
  stop(): Promise<void>;
};

const paths: Readonly<Record<DialectName, (at: DialectName, stream: boolean) => string>> = {
  "openai-chat": () => "/v1/chat/completions",
  "anthropic-messages": () => "/v1/messages",
  "openai-responses": () => "/v1/responses",
  "google-genai": (at, stream) =>
    `/v1beta/models/${at}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
};

export async function openVendorSetup(settings: Json = {}): Promise<VendorSetup> {
  const vendor = startUpstream();
  const provider = (at: DialectName): Json => ({
    backend: backends[at],
    base_url: vendor.url,
    models: ["m"],
    ...settings,
  });
  const gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: Object.fromEntries(names.map((at) => [at, provider(at)])),
    },
  });
  return {
    gateway,
    vendor,
    ask: (door, at, body, stream) =>
      fetch(gateway.url + paths[door](at, stream), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(door === "google-genai" ? body : { ...body, model: at, stream }),
      }),
    sent: () => (vendor.requests.at(-1) as Recorded).body,
    async stop() {
      await gateway.stop();
      vendor.stop();
    },
  };
}

export const frames = (...values: readonly (object | string)[]): Scripted => ({
  chunks: values.map((value) => {
    const type = typeof value === "object" && "type" in value ? `event: ${String(value.type)}\n` : "";
    return `${type}data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
  }),
});

/** A chunk of the chat format. */
export const chunk = (delta: object, more: object = {}): object => ({
  id: "c1",
  object: "chat.completion.chunk",
  model: "m",
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});

/** One call of a tool, as a vendor of each format streams it. */
export function callOf(at: DialectName, name: string, input: string): Scripted {
  switch (at) {
    case "openai-chat":
      return frames(
        chunk({ tool_calls: [{ index: 0, id: "call_1", function: { name, arguments: input } }] }),
        chunk({}, { finish_reason: "tool_calls" }),
        "[DONE]",
      );
    case "anthropic-messages":
      return frames(
        { type: "message_start", message: { id: "m1", model: "m", usage: { input_tokens: 1 } } },
        {
          type: "content_block_start",
          index: 0,
          content_block: { type: "tool_use", id: "toolu_1", name, input: {} },
        },
        {
          type: "content_block_delta",
          index: 0,
          delta: { type: "input_json_delta", partial_json: input },
        },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 2 } },
        { type: "message_stop" },
      );
    case "openai-responses": {
      const item = { type: "function_call", id: "fc_1", call_id: "call_1", name, arguments: input };
      return frames(
        { type: "response.created", response: { id: "r1", model: "m" } },
        { type: "response.output_item.added", output_index: 0, item: { ...item, arguments: "" } },
        { type: "response.output_item.done", output_index: 0, item },
        {
          type: "response.completed",
          response: { id: "r1", model: "m", status: "completed", output: [item] },
        },
      );
    }
    case "google-genai":
      return frames({
        responseId: "g1",
        modelVersion: "m",
        candidates: [
          {
            content: {
              role: "model",
              parts: [{ functionCall: { name, args: JSON.parse(input) as unknown } }],
            },
            finishReason: "STOP",
          },
        ],
      });
  }
}

/** A request with tools, one of them forced, and a call of it in the history. */
export function withTools(door: DialectName, tools: readonly string[], forced: string): Json {
  const schema = { type: "object", properties: { city: { type: "string" } } };
  switch (door) {
    case "openai-chat":
      return {
        messages: [
          { role: "user", content: "x" },
          {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "c0", type: "function", function: { name: forced, arguments: "{}" } }],
          },
          { role: "tool", tool_call_id: "c0", content: "done" },
        ],
        tools: tools.map((name) => ({ type: "function", function: { name, parameters: schema } })),
        tool_choice: { type: "function", function: { name: forced } },
      };
    case "anthropic-messages":
      return {
        max_tokens: 100,
        messages: [
          { role: "user", content: "x" },
          { role: "assistant", content: [{ type: "tool_use", id: "c0", name: forced, input: {} }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "c0", content: "done" }] },
        ],
        tools: tools.map((name) => ({ name, input_schema: schema })),
        tool_choice: { type: "tool", name: forced },
      };
    case "openai-responses":
      return {
        store: false,
        input: [
          { type: "message", role: "user", content: "x" },
          { type: "function_call", call_id: "c0", name: forced, arguments: "{}" },
          { type: "function_call_output", call_id: "c0", output: "done" },
        ],
        tools: tools.map((name) => ({ type: "function", name, parameters: schema, strict: false })),
        tool_choice: { type: "function", name: forced },
      };
    case "google-genai":
      return {
        contents: [
          { role: "user", parts: [{ text: "x" }] },
          { role: "model", parts: [{ functionCall: { name: forced, args: {} } }] },
          { role: "user", parts: [{ functionResponse: { name: forced, response: { output: "done" } } }] },
        ],
        tools: [{ functionDeclarations: tools.map((name) => ({ name, parametersJsonSchema: schema })) }],
        toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [forced] } },
      };
  }
}

/** Each name and JSON text of arguments in a client's whole answer. */
export function callsIn(body: unknown): (readonly [name: string, input: string])[] {
  const found: (readonly [string, string])[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    else if (typeof value === "object" && value !== null) {
      const record = value as Json;
      const called = record["function"] ?? record["functionCall"];
      if (typeof called === "object" && called !== null) {
        const { name, arguments: text, args } = called as Json;
        found.push([String(name), typeof text === "string" ? text : JSON.stringify(args)]);
      } else if (record["type"] === "tool_use")
        found.push([String(record["name"]), JSON.stringify(record["input"])]);
      else if (record["type"] === "function_call")
        found.push([String(record["name"]), String(record["arguments"])]);
      else for (const each of Object.values(record)) visit(each);
    }
  };
  visit(body);
  return found;
}

/** The JSON of each frame of a streamed answer. */
export const framesIn = (text: string): Json[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as Json);
