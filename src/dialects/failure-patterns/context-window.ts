// How vendors report that a request does not fit the model's context window. Data only.

import { codeRow, rowsOf, textRow } from "./pattern.ts";

const pi = "pi-ai utils/overflow.js";

export const contextRows = rowsOf("context-exceeded", [
  textRow({
    vendor: "Anthropic",
    pattern: /prompt is too long/i,
    status: 400,
    message: "prompt is too long: 213462 tokens > 200000 maximum",
    source: pi,
  }),
  textRow({
    vendor: "Anthropic",
    pattern: /exceed context limit/i,
    status: 400,
    message:
      "input length and `max_tokens` exceed context limit: 199759 + 21333 > 200000, decrease input length or `max_tokens` and try again",
    source: "docs.anthropic.com/en/docs/build-with-claude/context-windows",
  }),
  textRow({
    vendor: "Bedrock",
    pattern: /input is too long for requested model/i,
    status: 400,
    message: "Input is too long for requested model.",
    source: pi,
  }),
  codeRow({
    vendor: "OpenAI",
    pattern: /context_?length_?exceeded/i,
    example: {
      status: 400,
      message: "Too much.",
      type: "invalid_request_error",
      code: "context_length_exceeded",
    },
    source: "platform.openai.com/docs/guides/error-codes",
  }),
  codeRow({
    vendor: "GitHub Models",
    pattern: /tokens_limit_reached/,
    example: {
      status: 413,
      message: "Request body too large for m model. Max size: 8000 tokens.",
      code: "tokens_limit_reached",
    },
    source: "aider#2296, cline#995",
  }),
  textRow({
    vendor: "OpenAI",
    pattern: /tokens exceed the configured limit/i,
    status: 400,
    message:
      "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens. Please reduce the length of the messages.",
    source: "deer-flow#721",
  }),
  textRow({
    vendor: "OpenAI",
    pattern: /exceeds the context window/i,
    status: 400,
    message: "Your input exceeds the context window of this model. Please adjust your input and try again.",
    source: pi,
  }),
  textRow({
    vendor: "OpenRouter, DeepSeek, vLLM, SGLang",
    pattern: /maximum context length (?:is|of) \d+/i,
    status: 400,
    message:
      "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens.",
    source: `${pi}; opencode#25230`,
  }),
  textRow({
    vendor: "Google",
    pattern: /input token count.{0,40}exceeds the maximum/i,
    status: 400,
    message: "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
    source: pi,
  }),
  textRow({
    vendor: "Google Vertex AI",
    pattern: /input token count is \d+ but (?:the )?model only supports/i,
    status: 400,
    message:
      "Unable to submit request because the input token count is 32777 but model only supports up to 32767. Reduce the input token count and try again.",
    source: "gemini-cli#19727",
  }),
  textRow({
    vendor: "xAI",
    pattern: /maximum prompt length is \d+/i,
    status: 400,
    message: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    source: pi,
  }),
  textRow({
    vendor: "Groq, Cerebras",
    pattern: /reduce the length of the messages/i,
    status: 400,
    message: "Please reduce the length of the messages or completion.",
    source: pi,
  }),
  codeRow({
    vendor: "llama.cpp",
    pattern: /exceed_context_size_error/,
    example: { status: 400, message: "the prompt does not fit", type: "exceed_context_size_error" },
    source: "llama.cpp tools/server; jan#8108",
  }),
  textRow({
    vendor: "llama.cpp",
    pattern: /exceeds? the available context size/i,
    status: 400,
    message: "request (24071 tokens) exceeds the available context size (8192 tokens)",
    source: `${pi}; jan#8108`,
  }),
  textRow({
    vendor: "LM Studio",
    pattern: /greater than the context length/i,
    status: 400,
    message: "The number of tokens to keep from the initial prompt is greater than the context length.",
    source: pi,
  }),
  codeRow({
    vendor: "GitHub Copilot",
    pattern: /model_max_prompt_tokens_exceeded/,
    example: { status: 400, message: "too many", code: "model_max_prompt_tokens_exceeded" },
    source: "vendor-cases A5",
  }),
  textRow({
    vendor: "GitHub Copilot",
    pattern: /prompt token count of \d+ exceeds the limit/i,
    status: 400,
    message: "prompt token count of 140000 exceeds the limit of 128000",
    source: pi,
  }),
  textRow({
    vendor: "MiniMax",
    pattern: /context window exceeds limit/i,
    status: 400,
    message: "invalid params, context window exceeds limit (2013)",
    source: pi,
  }),
  textRow({
    vendor: "Kimi",
    pattern: /exceeded model token limit/i,
    status: 400,
    message: "Your request exceeded model token limit: 262144 (requested: 270000)",
    source: pi,
  }),
  textRow({
    vendor: "Kimi",
    pattern: /input token length too long|model max length exceeded/i,
    status: 400,
    message: "model max length exceeded, max length:8192",
    source: "MoonshotAI-Cookbook#18",
  }),
  textRow({
    vendor: "Mistral",
    pattern: /too large for model with \d+ maximum context length/i,
    status: 400,
    message:
      "Prompt contains 140000 tokens and 0 draft tokens, too large for model with 131072 maximum context length",
    source: pi,
  }),
  textRow({
    vendor: "Ollama",
    pattern: /prompt too long; exceeded (?:max )?context length/i,
    status: 400,
    message: "prompt too long; exceeded max context length by 4000 tokens",
    source: pi,
  }),
  textRow({
    vendor: "vLLM",
    pattern: /longer than the maximum model length/i,
    status: 400,
    message: "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
    source: "vllm/v1/engine/processor.py",
  }),
  textRow({
    vendor: "TGI",
    pattern: /inputs` must have less than \d+ tokens|`inputs` tokens \+ `max_new_tokens` must be/i,
    status: 422,
    message: "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
    source: "text-generation-inference router/src/validation.rs",
  }),
  textRow({
    vendor: "Alibaba",
    pattern: /range of input length should be/i,
    status: 400,
    message: "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 258048]",
    source: "alibabacloud.com/help/en/model-studio/error-code",
  }),
  textRow({
    vendor: "watsonx",
    pattern: /number of input tokens \d+ cannot exceed/i,
    status: 400,
    message:
      "Invalid input argument for Model 'x': the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model",
    source: "ibm.com/docs/en/watsonx/saas, text generation errors",
  }),
  textRow({
    vendor: "SambaNova",
    pattern: /but the maximum supported sequence length is/i,
    status: 400,
    message:
      "Requested generation length 9000 is not possible! The provided prompt is 8000 tokens long, so generating 9000 tokens requires a sequence length of 17000, but the maximum supported sequence length is just 16384!",
    source: "docs.sambanova.ai, error codes",
  }),
  textRow({
    vendor: "Z.AI",
    pattern: /prompt exceeds max length/i,
    status: 400,
    message: "Prompt exceeds max length",
    source: "docs.z.ai/api-reference/api-code (1261)",
  }),
  textRow({
    vendor: "SiliconFlow",
    pattern: /length of prompt_tokens.{0,40}must be less than max_seq_len/i,
    status: 400,
    message: "length of prompt_tokens (40000) must be less than max_seq_len (32768).",
    source: "docs.siliconflow.cn, code 20015",
  }),
  textRow({
    vendor: "Volcano Engine, SGLang",
    pattern:
      /exceeds? max message tokens|input length \(?\d+\)? exceeds (?:the )?maximum (?:allowed )?(?:input )?length/i,
    status: 400,
    message: "Total tokens of image and text exceed max message tokens.",
    source: "volcengine.com/docs/82379/1299023; Roo-Code#2988",
  }),
  textRow({
    vendor: "z.ai",
    pattern: /model_context_window_exceeded/i,
    status: 400,
    message: "Provider finish_reason: model_context_window_exceeded",
    source: pi,
  }),
  textRow({
    vendor: "Others",
    pattern:
      /context[ _-]?(?:length|window|size)[ _]?(?:limit )?exceeded|token limit exceeded|too many (?:input )?tokens|input is too long|prompt (?:is |was )?too (?:long|large)/i,
    status: 400,
    message: "too many tokens: total number of tokens in the prompt cannot exceed 4081",
    source: pi,
  }),
  textRow({
    vendor: "Others",
    pattern:
      /context[ _-]?(?:length|window)|maximum context|exceed\w* (?:the )?(?:model'?s? )?(?:max\w* )?(?:context|input)/i,
    status: 400,
    message: "the request exceeds the model's maximum input",
    source: pi,
    statuses: [400, 413, 422],
  }),
]);
