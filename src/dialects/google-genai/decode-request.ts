// Turns the client's generateContent body into the canonical request. The path, not the body, names the model and requests
// a stream. It must never throw anything but Failure.

import { type ChatRequest, emptyRequest } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { invalid, shown } from "../read-fields.ts";
import { camelKeys } from "./camel-keys.ts";
import { decodeGenerationConfig } from "./decode-config.ts";
import { decodeMessages, decodeSystem } from "./decode-messages.ts";
import { decodeToolConfig, decodeTools } from "./decode-tools.ts";
import { name } from "./extras.ts";
import { requestMembers } from "./members.ts";

/** `model` is left empty and `stream` false: the pipeline knows them from the path. */
export function decodeRequest(value: unknown): ChatRequest {
  if (!isRecord(value)) throw invalid(null, `The request body must be a JSON object, not ${shown(value)}.`);
  requestMembers.refuseUpstream(value);
  const body = camelKeys(value);
  // The path names the model: what the body says of it counts only where the body passes through.
  const rest = requestMembers.decodeExtras({ ...body, model: undefined });
  const messages = decodeMessages(requestMembers.read(body, "contents"));
  const { tools, opaqueTools } = decodeTools(body["tools"]);
  const { choice, toolConfig } = decodeToolConfig(body["toolConfig"], tools);
  const { ownExtras, ...config } = decodeGenerationConfig(body["generationConfig"]);
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
        ...(Object.keys(rest).length === 0 ? {} : { rest }),
      },
    },
  };
}
