// A wire format with a client half alone, for tests: Ollama's /api/chat in small. A stream is one JSON object a line, and a body that
// does not say `stream` asks for one.

import type { StreamEvent } from "../../src/canon/event.ts";
import { Failure } from "../../src/canon/failure.ts";
import { type Block, type ChatRequest, emptyRequest } from "../../src/canon/request.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../src/canon/usage.ts";
import { isRecord } from "../../src/dialects/decoding.ts";
import type { ClientDialect, StreamEncoder } from "../../src/dialects/dialect.ts";
import { MemberTable } from "../../src/dialects/member-table.ts";

const name = "ollama-chat";

const requestMembers = new MemberTable({
  model: { home: "canonical", elsewhere: "carried" },
  messages: { home: "canonical", elsewhere: "carried" },
  stream: { home: "canonical", elsewhere: "carried" },
  keep_alive: { home: "extras", elsewhere: "silent" },
  logprobs: { home: "extras", elsewhere: "noted" },
});

const line = (value: object): string => `${JSON.stringify(value)}\n`;

function decodeRequest(body: unknown): ChatRequest {
  if (!isRecord(body) || !Array.isArray(body["messages"]))
    throw new Failure("invalid-request", "messages must be an array.", { param: "messages" });
  return {
    ...emptyRequest,
    extras: { [name]: requestMembers.decodeExtras(body) },
    messages: body["messages"].map((message: { role: "user" | "assistant"; content: string }) => ({
      role: message.role,
      content: [{ type: "text", text: message.content } as const],
    })),
  };
}

const counts = (usage: Usage): object => ({ prompt_eval_count: usage.input, eval_count: usage.output });

function streamEncoder(): StreamEncoder {
  let model = "";
  let usage = unknownUsage;
  const message = (content: string, more: object = {}): string =>
    line({ model, message: { role: "assistant", content }, done: false, ...more });
  return {
    step(event: StreamEvent) {
      switch (event.type) {
        case "start":
          model = event.model;
          return "";
        case "text-delta":
          return message(event.text);
        case "usage":
          usage = mergeUsage(usage, event.usage);
          return "";
        case "finish":
          return message("", {
            done: true,
            done_reason: event.reason,
            ...counts(mergeUsage(usage, event.usage)),
          });
        default:
          return "";
      }
    },
  };
}

const textOf = (content: readonly Block[]): string =>
  content.map((block) => (block.type === "text" ? block.text : "")).join("");

export const ndjsonDialect: ClientDialect = {
  name,
  title: "Ollama chat",
  members: requestMembers,
  client: {
    decodeRequest,
    refuseTranslation: () => null,
    noteLosses({ extras }, note, unsupported) {
      requestMembers.noteDropped(extras[name] ?? {}, note, unsupported);
      requestMembers.noteUnknown(extras[name] ?? {}, note, unsupported);
    },
    streamsByDefault: true,
    streamEncoder,
    encodeReply: ({ model, content, finish, usage }) => ({
      model,
      message: { role: "assistant", content: textOf(content) },
      done: true,
      done_reason: finish,
      ...counts(usage),
    }),
    encodeFailure: ({ message }) => ({ error: message }),
    encodeFailureFrame: ({ message }) => line({ error: message }),
    encodeModelList: (cards) => ({ models: cards.map(({ id }) => ({ name: id })) }),
    encodeModel: ({ id }) => ({ name: id }),
    framing: {
      contentType: "application/x-ndjson",
      heartbeat: line({ message: { role: "assistant", content: "" }, done: false }),
      quiet: line({ message: { role: "assistant", content: "" }, done: false }),
      remark: null,
      end: "",
    },
  },
};
