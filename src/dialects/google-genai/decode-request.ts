// The client's generateContent body -> canonical. The model and the wish to stream stand in the path, not here.
// It must never throw anything but Failure.

import type { Failure } from "../../canon/failure.ts";
import { type ChatRequest, emptyRequest } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { invalid, optionalList, shown } from "../read-fields.ts";
import { camelKeys, optionalMessage } from "./camel-keys.ts";
import { decodeGenerationConfig } from "./decode-config.ts";
import { decodeMessages, decodeSystem } from "./decode-messages.ts";
import { decodeToolConfig, decodeTools } from "./decode-tools.ts";
import { name, restOf } from "./extras.ts";

/** Body members that clients of other gateways use to choose the upstream: here the operator chooses. */
export const upstreamKeys: ReadonlySet<string> = new Set([
  "api_base",
  "base_url",
  "api_key",
  "headers",
  "extra_headers",
  "endpoint",
  "proxy",
  "extra_body",
]);

export function upstreamKeyRefused(key: string): Failure {
  return invalid(
    key,
    `${key} is not accepted in a request: the gateway's configuration decides where requests go.`,
  );
}

/** Members with a canonical home. Everything else travels in the pocket, under its own name. */
const canonical: ReadonlySet<string> = new Set([
  "model",
  "contents",
  "systemInstruction",
  "tools",
  "toolConfig",
  "generationConfig",
]);

/** `model` is left empty and `stream` false: the road knows them from the path. */
export function decodeRequest(value: unknown): ChatRequest {
  if (!isRecord(value)) throw invalid(null, `The request body must be a JSON object, not ${shown(value)}.`);
  for (const key of Object.keys(value)) if (upstreamKeys.has(key)) throw upstreamKeyRefused(key);
  const body = camelKeys(value);
  const messages = decodeMessages(body["contents"]);
  const { tools, opaqueTools } = decodeTools(body["tools"]);
  const { choice, toolConfig } = decodeToolConfig(body["toolConfig"], tools);
  const { ownExtras, ...config } = decodeGenerationConfig(body["generationConfig"]);
  optionalList(body["safetySettings"], "safetySettings");
  optionalMessage(body["labels"], "labels");
  return {
    ...emptyRequest,
    ...config,
    system: decodeSystem(body["systemInstruction"]),
    messages,
    tools,
    opaqueTools,
    toolChoice: choice,
    extras: {
      [name]: {
        ...ownExtras,
        ...(toolConfig === null ? {} : { toolConfig }),
        ...withRest(restOf(body, canonical)),
      },
    },
  };
}

const withRest = (rest: Record<string, unknown>): object => (Object.keys(rest).length === 0 ? {} : { rest });
