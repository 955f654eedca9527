// Anthropic's Messages API: assembles both halves of the dialect from the files in this folder. It must never hold
// logic of its own.

import { encodeFrame } from "../../wire/sse.ts";
import type { FullDialect } from "../dialect.ts";
import { eventStream } from "../framing.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeRequest, unsupportedStops } from "./encode-request.ts";
import { decodeFailure, encodeFailure, encodeFailureFrame, ownStatuses } from "./failure.ts";
import { encodeModel, encodeModelList } from "./models.ts";
import { name } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { noteLosses, refuseTranslation } from "./refuse-translation.ts";
import { passthrough } from "./passthrough.ts";
import { encodeReply, decodeReply } from "./reply.ts";
import { streamDecoder } from "./stream-decoder.ts";
import { heartbeatFrame, streamEncoder } from "./stream-encoder.ts";

export const anthropicMessages: FullDialect = {
  name,
  title: "Anthropic messages",
  members: requestMembers,
  client: {
    decodeRequest,
    refuseTranslation,
    noteLosses,
    streamEncoder,
    encodeReply,
    statuses: ownStatuses,
    encodeFailure,
    encodeFailureFrame,
    encodeModelList,
    encodeModel,
    framing: {
      ...eventStream,
      heartbeat: heartbeatFrame,
      // Compatible servers leave message_stop out after message_delta; the encoder writes its own with the last event.
      end: encodeFrame('{"type":"message_stop"}', "message_stop"),
    },
    sizeMembers: { limit: ["max_tokens"] },
  },
  backend: {
    path: () => "/messages",
    encodeRequest,
    toolNames: {
      pattern: /^[A-Za-z0-9_-]+$/,
      longest: 128,
      source: "docs.anthropic.com/en/api/messages: ^[a-zA-Z0-9_-]{1,128}$",
    },
    unsupportedStops,
    streamDecoder,
    decodeReply,
    decodeFailure,
    passthrough,
  },
};
