// How vendors report an unknown model and a refused request. Data only.

import { codeRow, rowsOf, textRow } from "./pattern.ts";

export const missingRows = rowsOf("model-missing", [
  codeRow({
    vendor: "OpenAI and others",
    pattern:
      /model_not_found|model_not_supported|model_not_available|model_decommissioned|invalid_model\b|ModelNotOpen|InvalidEndpointOrModel|DeploymentNotFound/i,
    example: {
      status: 403,
      message: "Project `p` does not have access to model `m`",
      type: "invalid_request_error",
      code: "model_not_found",
    },
    source:
      "platform.openai.com/docs/guides/error-codes; console.groq.com/docs/deprecations; Together, Hugging Face, Copilot",
    statuses: [400, 403, 404, 410, 422, 500, 503],
  }),
  codeRow({
    vendor: "OpenCode",
    pattern: /ModelError/,
    example: {
      status: 401,
      message: "Model qwen3.7-max is not supported for format oa-compat",
      type: "ModelError",
    },
    source: "opencode#29568, opencode#38624; vellum-assistant#42255",
    statuses: [400, 401, 403, 404],
  }),
  textRow({
    vendor: "MiniMax",
    pattern: /^(?:invalid params, (?:code: \d+, msg: invalid params, )?)?unknown model\b/i,
    status: 400,
    message: "invalid params, unknown model 'nobody-1' (2013)",
    source: "cockpit-tools#1431",
  }),
  textRow({
    vendor: "DeepSeek",
    pattern: /^model (?:not exist|does not exist)/i,
    status: 400,
    message: "Model Not Exist",
    source: "api-docs.deepseek.com",
  }),
  textRow({
    vendor: "xAI, Groq, vLLM",
    pattern:
      /^the model `?[^\s`]+`? (?:does not exist|is not (?:available|supported)|has been (?:decommissioned|deprecated))/i,
    status: 400,
    message: "The model `llama3-70b-8192` has been decommissioned and is no longer supported.",
    source: "console.groq.com/docs/deprecations",
  }),
  textRow({
    vendor: "OpenRouter",
    pattern: /^\S+ is not a valid model id/i,
    status: 400,
    message: "nobody/nothing is not a valid model ID",
    source: "openrouter.ai/docs/api-reference/errors",
  }),
  textRow({
    vendor: "Mistral",
    pattern: /^invalid model: /i,
    status: 400,
    message: "Invalid model: mistral-none",
    source: "docs.mistral.ai/api",
  }),
  textRow({
    vendor: "LiteLLM",
    pattern: /invalid model name passed in/i,
    status: 400,
    message:
      "/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models for your key.",
    source: "litellm/proxy/route_llm_request.py",
  }),
  textRow({
    vendor: "Bedrock",
    pattern: /^the provided model identifier is invalid|don't have access to the model with/i,
    status: 400,
    message: "The provided model identifier is invalid.",
    source: "docs.aws.amazon.com/bedrock, InvokeModel",
  }),
  textRow({
    vendor: "Z.AI",
    pattern: /^unknown model, please check the model code|模型不存在/i,
    status: 400,
    message: "Unknown Model, please check the model code.",
    source: "docs.z.ai/api-reference/api-code (1211)",
  }),
  textRow({
    vendor: "Hugging Face, Copilot",
    pattern: /^the requested model\b.{0,120}is not supported/i,
    status: 400,
    message: "The requested model is not supported.",
    source: "huggingface.co/docs/inference-providers",
  }),
]);

export const refusalRows = rowsOf("refused", [
  codeRow({
    vendor: "OpenAI, Azure, Alibaba and others",
    pattern:
      /content_policy|content_?filter|safety|data_?inspection|invalid_prompt|content_moderation|moderation_blocked|SensitiveContent/i,
    example: {
      status: 400,
      message: "Input data may contain inappropriate content.",
      code: "data_inspection_failed",
    },
    source:
      "platform.openai.com/docs/guides/error-codes; alibabacloud.com/help/en/model-studio/error-code; volcengine.com/docs/82379/1299023",
  }),
  textRow({
    vendor: "Anthropic",
    pattern: /content filtering policy/i,
    status: 400,
    message: "Output blocked by content filtering policy",
    source: "docs.anthropic.com/en/api/errors",
  }),
  textRow({
    vendor: "MiniMax",
    pattern: /\b(?:input|output) new_sensitive\b/i,
    status: 422,
    message: "input new_sensitive (1026)",
    source: "platform.minimax.io/docs/api-reference/errorcode (1026, 1027)",
  }),
  textRow({
    vendor: "DeepSeek",
    pattern: /content exists risk/i,
    status: 400,
    message: "Content Exists Risk",
    source: "api-docs.deepseek.com",
  }),
  textRow({
    vendor: "Azure",
    pattern: /content management policy/i,
    status: 400,
    message:
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    source: "learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter",
  }),
  textRow({
    vendor: "OpenRouter",
    pattern: /requires moderation.{0,80}flagged/i,
    status: 403,
    message: "Your chosen model requires moderation and your input was flagged",
    source: "openrouter.ai/docs/api-reference/errors",
  }),
  textRow({
    vendor: "xAI",
    pattern: /content violates usage guidelines/i,
    status: 403,
    message: "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
    source: "docs.x.ai/docs/key-information/debugging",
  }),
  textRow({
    vendor: "Moonshot",
    pattern: /rejected because it was considered high risk/i,
    status: 400,
    message: "The request was rejected because it was considered high risk",
    source: "platform.moonshot.ai/docs/api/errors",
  }),
  textRow({
    vendor: "OpenAI",
    pattern: /flagged as potentially violating/i,
    status: 400,
    message: "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    source: "community of OpenAI, o1 and later",
  }),
  textRow({
    vendor: "Z.AI",
    pattern: /may contain (?:unsafe or sensitive|inappropriate|sensitive)|包含不安全或敏感内容/i,
    status: 400,
    message:
      "System detected potentially unsafe or sensitive content: the input may contain unsafe or sensitive text",
    source: "docs.z.ai/api-reference/api-code (1301)",
  }),
]);
