// Google's generateContent (ai.google.dev/api/generate-content): assembles both halves of the dialect. It must never
// hold logic of its own.

import { blankFrame } from "../../wire/sse.ts";
import type { FullDialect } from "../dialect.ts";
import { eventStream } from "../framing.ts";
import { decodeFailure, encodeFailure, encodeFailureFrame } from "./failure.ts";
import { encodeModel, encodeModelList } from "./models.ts";
import { unsupportedStops } from "./encode-config.ts";
import { encodeRequest } from "./encode-request.ts";
import { name } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { noteLosses, refuseTranslation } from "./refuse-translation.ts";
import { passthrough } from "./passthrough.ts";
import { encodeReply, decodeReply } from "./reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { streamEncoder } from "./stream-encoder.ts";
import { streamDecoder } from "./stream-decoder.ts";

export const googleGenai: FullDialect = {
  name,
  title: "Gemini",
  members: requestMembers,
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
    // The format has no keep-alive event, and gemini-cli stops reading at a comment. It has no end marker either: the
    // finish reason is in the last chunk.
    framing: { ...eventStream, heartbeat: blankFrame, quiet: blankFrame, remark: null },
    sizeMembers: {
      within: {
        members: ["generationConfig", "generation_config"],
        limit: ["maxOutputTokens", "max_output_tokens"],
        answers: ["candidateCount", "candidate_count"],
      },
    },
  },
  backend: {
    // The key goes into a header, because URLs end up in logs.
    path: ({ model, stream }) =>
      `/models/${encodeURIComponent(model)}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    encodeRequest,
    toolNames: {
      pattern: /^[A-Za-z_][A-Za-z0-9_.:-]*$/,
      longest: 128,
      source: "@google/genai 3.1.0, FunctionDeclaration.name",
    },
    unsupportedStops,
    streamDecoder,
    decodeReply,
    decodeFailure,
    passthrough,
  },
};
