// OpenAI's Responses API (platform.openai.com/docs/api-reference/responses): assembles both halves of the dialect. It
// must never hold logic of its own.

import type { FullDialect } from "../dialect.ts";
import { eventStream } from "../framing.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeRequest, unsupportedStops } from "./encode-request.ts";
import { decodeFailure } from "../openai-failure.ts";
import { encodeFailure, encodeFailureFrame } from "./failure.ts";
import { encodeModel, encodeModelList } from "./models.ts";
import { name } from "./extras.ts";
import { noteLosses, refuseTranslation } from "./refuse-translation.ts";
import { passthrough } from "./passthrough.ts";
import { requestMembers } from "./members.ts";
import { encodeReply, decodeReply } from "./reply.ts";
import { streamDecoder } from "./stream-decoder.ts";
import { streamEncoder } from "./stream-encoder.ts";

export const openaiResponses: FullDialect = {
  name,
  title: "OpenAI Responses",
  client: {
    decodeRequest,
    refuseTranslation,
    noteLosses,
    streamEncoder,
    encodeReply,
    encodeFailure,
    encodeFailureFrame,
    encodeModelList,
    encodeModel,
    // The last event marks the end of the stream; without it an answer is incomplete.
    framing: eventStream,
    sizeMembers: { limit: ["max_output_tokens"] },
  },
  members: requestMembers,
  backend: {
    path: () => "/responses",
    encodeRequest,
    toolNames: {
      pattern: /^[A-Za-z0-9_-]+$/,
      longest: 64,
      source:
        "platform.openai.com/docs/api-reference/responses: ^[a-zA-Z0-9_-]+$, at most 64 (opencode#3523)",
    },
    unsupportedStops,
    streamDecoder,
    decodeReply,
    decodeFailure,
    passthrough,
  },
};
