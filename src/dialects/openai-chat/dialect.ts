// OpenAI's chat completions (platform.openai.com/docs/api-reference/chat), both halves put together.
// It must never hold logic of its own.

import { commentFrame } from "../../wire/sse.ts";
import type { Dialect } from "../dialect.ts";
import { decodeFailure, encodeFailure } from "../openai-failure.ts";
import { encodeFailureFrame } from "./failure.ts";
import { lose } from "./loss.ts";
import { encodeModel, encodeModelList } from "./models.ts";
import { encodeRequest, unsaidStops } from "./outgoing-request.ts";
import { relay } from "./relay.ts";
import { encodeReply, readReply } from "./reply.ts";
import { decodeRequest, noteLosses, refuseTranslation } from "./request.ts";
import { endFrame, streamEncoder } from "./stream.ts";
import { streamDecoder } from "./stream-decoder.ts";

export const openaiChat: Dialect = {
  name: "openai-chat",
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
    // The format has no typed word for "still here"; a comment is skipped by every client.
    heartbeatFrame: commentFrame,
    endFrame,
  },
  backend: {
    path: () => "/chat/completions",
    encodeRequest,
    unsaidStops,
    toolNames: {
      pattern: /^[A-Za-z0-9_-]+$/,
      longest: 64,
      source: "platform.openai.com/docs/api-reference/chat: a-z, A-Z, 0-9, _ and -, at most 64",
    },
    streamDecoder,
    readReply,
    decodeFailure,
    relay,
  },
  lose,
};
