// Which models do something else than chat, by their names: no vendor's list that people write down says it. What the catalogue or the
// operator says of a model comes first.

import type { Capabilities } from "./model-capabilities.ts";
import { vendorModelName } from "./model-name.ts";

export type OtherKind =
  | "embedding"
  | "rerank"
  | "image"
  | "video"
  | "speech"
  | "transcription"
  | "realtime"
  | "moderation"
  | "ocr"
  | "completion";

/** Whole words of a name; the first row that fits counts. Sources: the vendors' own lists of models, November 2026. */
const words: readonly (readonly [OtherKind, string])[] = [
  ["rerank", "re-?rank(?:er|ing)?"],
  [
    "embedding",
    "embed(?:ding)?s?|embeddinggemma|bge|gte|e5|minilm|clip|siglip|voyage|paraphrase|sentence-t5|colbert",
  ],
  ["transcription", "whisper|transcribe|asr|speech-to-text|parakeet"],
  ["speech", "tts|text-to-speech|kokoro|playai|orpheus|bark|lyria"],
  ["realtime", "realtime|native-audio|flash-live|gemini-live"],
  ["moderation", "moderation|guard|guardian|shieldgemma"],
  ["video", "sora|veo|kling|hailuo|seedance|t2v|i2v|text-to-video|wan"],
  [
    "image",
    "dall-?e|gpt-image|chatgpt-image|imagen|imagine|flux|stable-diffusion|sdxl|sd3|recraft|ideogram|seedream|cogview|kolors|hidream|image",
  ],
  ["ocr", "mistral-ocr"],
  ["completion", "davinci|babbage|gpt-3\\.5-turbo-instruct"],
];

const rows = words.map(([kind, names]) => [kind, new RegExp(`(?<![a-z])(?:${names})(?![a-z])`)] as const);

/** Null: it answers chats, or nobody knows. A new look at the name each time: not for the request path. */
export function otherKindOf(
  model: string,
  { tools, vision, json, thinking }: Pick<Capabilities, "tools" | "vision" | "json" | "thinking">,
): OtherKind | null {
  if ([tools, vision, json, thinking].includes(true)) return null;
  const name = (vendorModelName(model) ?? model).toLowerCase();
  return rows.find(([, pattern]) => pattern.test(name))?.[0] ?? null;
}
