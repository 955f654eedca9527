// OpenAI's chat completions (platform.openai.com/docs/api-reference/chat): assembles both halves of the dialect. It
// must never hold logic of its own.

import type { FullDialect } from "../dialect.ts";
import { eventStream } from "../framing.ts";
import { decodeFailure, encodeFailure } from "../openai-failure.ts";
import { encodeFailureFrame } from "./failure.ts";
import { encodeModel, encodeModelList } from "./models.ts";
import { encodeRequest, unsupportedStops } from "./encode-request.ts";
import { passthrough } from "./passthrough.ts";
import { requestMembers } from "./members.ts";
import { encodeReply, decodeReply } from "./reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { noteLosses, refuseTranslation } from "./refuse-translation.ts";
import { endFrame, streamEncoder } from "./stream-encoder.ts";
import { streamDecoder } from "./stream-decoder.ts";

export const openaiChat: FullDialect = {
  name: "openai-chat",
  title: "OpenAI chat completions",
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
    framing: { ...eventStream, end: endFrame },
    sizeMembers: { limit: ["max_tokens", "max_completion_tokens"] },
  },
  members: requestMembers,
  backend: {
    path: () => "/chat/completions",
    encodeRequest,
    unsupportedStops,
    toolNames: {
      pattern: /^[A-Za-z0-9_-]+$/,
      longest: 64,
      source: "platform.openai.com/docs/api-reference/chat: a-z, A-Z, 0-9, _ and -, at most 64",
    },
    streamDecoder,
    decodeReply,
    decodeFailure,
    passthrough,
  },
};
