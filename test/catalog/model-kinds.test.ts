// Which models do something else than chat.

import { expect, test } from "bun:test";
import { capabilitiesOf } from "../../src/catalog/model-capabilities.ts";
import { type OtherKind, otherKindOf } from "../../src/catalog/model-kinds.ts";
import { modelsByHost } from "../../src/catalog/models.generated.ts";

const unknown = { tools: null, vision: null, json: null, thinking: null };

const named: readonly (readonly [kind: OtherKind, ...names: string[]])[] = [
  ["embedding", "text-embedding-3-large", "nomic-embed-text:latest", "BAAI/bge-m3", "mxbai-embed-large"],
  ["embedding", "gemini-embedding-001", "voyage-3.5", "intfloat/multilingual-e5-large", "all-minilm"],
  ["embedding", "embed-v4.0", "codestral-embed-2505", "jina-embeddings-v4", "Qwen/Qwen3-Embedding-8B"],
  ["rerank", "rerank-v3.5", "BAAI/bge-reranker-v2-m3", "jina-reranker-v2"],
  [
    "image",
    "dall-e-3",
    "gpt-image-1",
    "imagen-4.0-generate-001",
    "black-forest-labs/FLUX.1-dev",
    "qwen-image",
  ],
  ["video", "sora-2", "veo-3.0-generate-001", "wan2.1-t2v"],
  ["speech", "tts-1-hd", "gpt-4o-mini-tts", "gemini-2.5-flash-preview-tts"],
  ["transcription", "whisper-1", "openai/whisper-large-v3", "gpt-4o-transcribe"],
  ["realtime", "gpt-realtime", "gpt-4o-realtime-preview", "gemini-live-2.5-flash-preview"],
  ["moderation", "omni-moderation-latest", "text-moderation-stable", "meta-llama/llama-guard-4-12b"],
  ["ocr", "mistral-ocr-latest"],
  ["completion", "davinci-002", "gpt-3.5-turbo-instruct"],
];

test.each(named)("%s", (kind, ...names) => {
  for (const name of names) expect([name, otherKindOf(name, unknown)]).toEqual([name, kind]);
});

test("a name that is like one is none", () => {
  for (const name of [
    "gpt-5",
    "gpt-oss-safeguard-20b",
    "claude-opus-5-5",
    "gemini-3.8-flash",
    "llama3.2:3b",
    "taiwan-llm",
    "deepseek-chat",
    "qwen3-coder",
    "mistral-large-latest",
    "gpt-4o-audio-preview",
    "kimi-k2",
    "goliath-120b",
  ])
    expect([name, otherKindOf(name, unknown)]).toEqual([name, null]);
});

test("what the catalogue or the operator says comes first", () => {
  for (const [host, list] of Object.entries(modelsByHost))
    for (const line of list.trim().split("\n")) {
      const [id = "", flags = ""] = line.split(" ");
      if (flags !== "-")
        expect(otherKindOf(id, capabilitiesOf({ baseUrl: `https://${host}/v1` }, id))).toBeNull();
    }
  expect(otherKindOf("my-guard", { ...unknown, tools: true })).toBeNull();
});
