// How vendors say that they have no such model, and that they will not answer such a request. Data only.

import { codeRow, rowsOf, textRow } from "./pattern.ts";

export const missingRows = rowsOf("model-missing", [
  codeRow(
    "OpenAI and others",
    /model_not_found|model_not_supported|model_not_available|model_decommissioned|invalid_model\b|ModelNotOpen|InvalidEndpointOrModel|DeploymentNotFound/i,
    {
      status: 403,
      message: "Project `p` does not have access to model `m`",
      type: "invalid_request_error",
      code: "model_not_found",
    },
    "platform.openai.com/docs/guides/error-codes; console.groq.com/docs/deprecations; Together, Hugging Face, Copilot",
    { statuses: [400, 403, 404, 410, 422, 500, 503] },
  ),
  codeRow(
    "OpenCode",
    /ModelError/,
    {
      status: 401,
      message: "Model qwen3.7-max is not supported for format oa-compat",
      type: "ModelError",
    },
    "opencode#29568, opencode#38624; vellum-assistant#42255",
    { statuses: [400, 401, 403, 404] },
  ),
  textRow(
    "MiniMax",
    /^(?:invalid params, (?:code: \d+, msg: invalid params, )?)?unknown model\b/i,
    400,
    "invalid params, unknown model 'nobody-1' (2013)",
    "cockpit-tools#1431",
  ),
  textRow(
    "DeepSeek",
    /^model (?:not exist|does not exist)/i,
    400,
    "Model Not Exist",
    "api-docs.deepseek.com",
  ),
  textRow(
    "xAI, Groq, vLLM",
    /^the model `?[^\s`]+`? (?:does not exist|is not (?:available|supported)|has been (?:decommissioned|deprecated))/i,
    400,
    "The model `llama3-70b-8192` has been decommissioned and is no longer supported.",
    "console.groq.com/docs/deprecations",
  ),
  textRow(
    "OpenRouter",
    /^\S+ is not a valid model id/i,
    400,
    "nobody/nothing is not a valid model ID",
    "openrouter.ai/docs/api-reference/errors",
  ),
  textRow("Mistral", /^invalid model: /i, 400, "Invalid model: mistral-none", "docs.mistral.ai/api"),
  textRow(
    "LiteLLM",
    /invalid model name passed in/i,
    400,
    "/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models for your key.",
    "litellm/proxy/route_llm_request.py",
  ),
  textRow(
    "Bedrock",
    /^the provided model identifier is invalid|don't have access to the model with/i,
    400,
    "The provided model identifier is invalid.",
    "docs.aws.amazon.com/bedrock, InvokeModel",
  ),
  textRow(
    "Z.AI",
    /^unknown model, please check the model code|模型不存在/i,
    400,
    "Unknown Model, please check the model code.",
    "docs.z.ai/api-reference/api-code (1211)",
  ),
  textRow(
    "Hugging Face, Copilot",
    /^the requested model\b.{0,120}is not supported/i,
    400,
    "The requested model is not supported.",
    "huggingface.co/docs/inference-providers",
  ),
]);

export const refusalRows = rowsOf("refused", [
  codeRow(
    "OpenAI, Azure, Alibaba and others",
    /content_policy|content_?filter|safety|data_?inspection|invalid_prompt|content_moderation|moderation_blocked|SensitiveContent/i,
    { status: 400, message: "Input data may contain inappropriate content.", code: "data_inspection_failed" },
    "platform.openai.com/docs/guides/error-codes; alibabacloud.com/help/en/model-studio/error-code; volcengine.com/docs/82379/1299023",
  ),
  textRow(
    "Anthropic",
    /content filtering policy/i,
    400,
    "Output blocked by content filtering policy",
    "docs.anthropic.com/en/api/errors",
  ),
  textRow(
    "MiniMax",
    /\b(?:input|output) new_sensitive\b/i,
    422,
    "input new_sensitive (1026)",
    "platform.minimax.io/docs/api-reference/errorcode (1026, 1027)",
  ),
  textRow("DeepSeek", /content exists risk/i, 400, "Content Exists Risk", "api-docs.deepseek.com"),
  textRow(
    "Azure",
    /content management policy/i,
    400,
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter",
  ),
  textRow(
    "OpenRouter",
    /requires moderation.{0,80}flagged/i,
    403,
    "Your chosen model requires moderation and your input was flagged",
    "openrouter.ai/docs/api-reference/errors",
  ),
  textRow(
    "xAI",
    /content violates usage guidelines/i,
    403,
    "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
    "docs.x.ai/docs/key-information/debugging",
  ),
  textRow(
    "Moonshot",
    /rejected because it was considered high risk/i,
    400,
    "The request was rejected because it was considered high risk",
    "platform.moonshot.ai/docs/api/errors",
  ),
  textRow(
    "OpenAI",
    /flagged as potentially violating/i,
    400,
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    "community of OpenAI, o1 and later",
  ),
  textRow(
    "Z.AI",
    /may contain (?:unsafe or sensitive|inappropriate|sensitive)|包含不安全或敏感内容/i,
    400,
    "System detected potentially unsafe or sensitive content: the input may contain unsafe or sensitive text",
    "docs.z.ai/api-reference/api-code (1301)",
  ),
]);
