// How vendors report problems of billing, quotas and keys, and that they are busy. Data only.
// It must never match text that a client can put into a vendor's message, or a client could have a key suspended.

import { codeRow, rowsOf, textRow } from "./pattern.ts";

/** Plans that are used up, reported with the code of a limit per minute: these rows stand before the limits'. */
export const planRows = rowsOf("quota-exhausted", [
  textRow(
    "Alibaba",
    /(?:hour|week|month|free) allocated quota exceeded/i,
    429,
    "Free allocated quota exceeded.",
    "qwen-code#1742; alibabacloud.com/help/en/model-studio/coding-plan-faq",
  ),
  textRow(
    "Cohere",
    /trial key, which is limited to \d+ API calls \/ month/i,
    429,
    "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key with higher rate limits",
    "docs.cohere.com/docs/rate-limits",
  ),
]);

export const quotaRows = rowsOf("quota-exhausted", [
  textRow(
    "MiniMax",
    /usage limit exceeded/i,
    429,
    "usage limit exceeded, 5-hour usage limit reached for Token Plan Starter (0/0 used), resets at 2026-12-15T15:00:00Z (2056)",
    "MiniMax-AI/MiniMax-M2.7#36",
  ),
  textRow(
    "Z.AI",
    /usage limit reached for|(?:weekly|monthly)(?:\/monthly)? limit exhausted/i,
    429,
    "Usage limit reached for 5 hour. Your limit will reset at 2026-11-30 18:00:00",
    "docs.z.ai/api-reference/api-code (1308, 1310)",
    // Its times are Beijing time.
    { zone: "+08:00" },
  ),
  codeRow(
    "Anthropic",
    /^billing_error/i,
    { status: 400, message: "There's an issue with your billing.", type: "billing_error" },
    "docs.anthropic.com/en/api/errors",
  ),
  textRow(
    "Anthropic",
    /credit balance is too low/i,
    400,
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    "docs.anthropic.com/en/api/errors; laravel/ai#864",
  ),
  textRow(
    "Anthropic",
    /reached your specified (?:\w+ )?(?:API )?usage limits?/i,
    400,
    "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    "field-2026-11 F1; screenpipe#5653",
  ),
  textRow(
    "Anthropic",
    /out of (?:your )?extra usage|draw from your extra usage|extra usage is required/i,
    400,
    "Third-party apps now draw from your extra usage, not your plan limits.",
    "field-2026-11 F1; hermes-agent#11736, openclaw#129765; claude-code#39948",
  ),
  textRow(
    "Anthropic, Groq, xAI",
    /\b(?:spend(?:ing)?|usage) limit (?:has been |was )?(?:reached|exceeded|hit)|(?:reached|exceeded|hit|over) (?:its|your|the|their) (?:\w+ ){0,2}(?:spend(?:ing)?|billing) limit|\bmonthly spend limit\b|\bspending limit\b/i,
    429,
    "You have reached your monthly spend limit.",
    "field-2026-11 F1",
  ),
  codeRow(
    "xAI",
    /(?:^|[\s:])(?:personal-team-blocked:)?spending-limit/i,
    {
      status: 403,
      message: "Your team has run out.",
      code: "personal-team-blocked:spending-limit",
    },
    "field-2026-11 F1",
  ),
  textRow(
    "xAI",
    /doesn't have any credits|used all available credits|\brun out of credits\b/i,
    403,
    "Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai/team/1.",
    "continue#12670; continue#10373, koan#2412, sub2api#4069",
  ),
  textRow(
    "xAI",
    /used all available credits or reached its monthly spending limit/i,
    429,
    "Your team 1 has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits or raise your spending limit.",
    "continue#10373",
  ),
  codeRow(
    "OpenAI and others",
    /insufficient_?(?:user_?)?quota|exceeded_current_quota|quota_(?:exceeded|exhausted)|usage_limit_reached|billing|insufficient_(?:funds|credits?|balance)|payment_required|credits?_?error|customer_verification_required/i,
    {
      status: 429,
      message: "You exceeded your current quota, please check your plan and billing details.",
      type: "insufficient_quota",
      code: "insufficient_quota",
    },
    "platform.openai.com/docs/guides/error-codes; Moonshot, Vercel, OpenCode, new-api and ChatGPT name theirs so",
  ),
  codeRow(
    "others",
    /quota/i,
    { status: 429, message: "No more.", code: "token_quota" },
    "as today: a vendor that says quota where it names the error",
    { statuses: [402, 429] },
  ),
  textRow(
    "OpenAI",
    /billing hard limit has been reached|account is not active, please check your billing/i,
    429,
    "Your account is not active, please check your billing details on our website.",
    "platform.openai.com/docs/guides/error-codes",
  ),
  textRow(
    "DeepSeek, Moonshot, MiniMax, OpenCode and others",
    /insufficient (?:account )?(?:balance|credits?|funds)|balance (?:is )?(?:not enough|insufficient|too low)|not enough (?:credits|balance)/i,
    400,
    "Insufficient Balance",
    "api-docs.deepseek.com/quick_start/error_codes; field-2026-11 F1; llmgateway#3297",
  ),
  textRow(
    "Z.AI, new-api (Chinese)",
    /余额不足|额度不足|无可用资源包|欠费/,
    429,
    "余额不足或无可用资源包,请充值。",
    "docs.bigmodel.cn/cn/api/api-code (1113); new-api",
  ),
  codeRow(
    "Alibaba",
    /arrearage|(?:prepaid|postpaid)?billoverdue|freetieronly/i,
    {
      status: 400,
      message: "Access denied, please make sure your account is in good standing.",
      code: "Arrearage",
    },
    "alibabacloud.com/help/en/model-studio/error-code; opencode#22994",
  ),
  textRow(
    "Alibaba",
    /account is in good standing|free (?:tier|quota) of the model has been exhausted|overdue[ -]payment/i,
    400,
    "Access denied, please make sure your account is in good standing.",
    "alibabacloud.com/help/en/model-studio/error-code",
  ),
  codeRow(
    "Volcano Engine",
    /AccountOverdue/i,
    {
      status: 403,
      message: "The request failed because your account has an overdue balance.",
      code: "AccountOverdueError",
    },
    "volcengine.com/docs/82379/1299023",
  ),
  textRow(
    "Volcano Engine",
    /account has an overdue balance/i,
    403,
    "The request failed because your account has an overdue balance.",
    "volcengine.com/docs/82379/1299023",
  ),
  textRow(
    "OpenRouter",
    /requires more credits|insufficient credits|key limit exceeded|can only afford \d+/i,
    403,
    "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
    "openrouter.ai/docs/api-reference/errors; PostHog#66298",
  ),
  textRow(
    "Google",
    /prepayment credits are depleted|requires billing to be enabled|billing account.{0,40}(?:disabled|closed)|billing (?:has not been|is not) enabled/i,
    403,
    "This API method requires billing to be enabled. Please enable billing on project #1 and retry.",
    "ai.google.dev/gemini-api/docs/troubleshooting",
  ),
  codeRow(
    "Google",
    /BILLING_DISABLED/,
    { status: 403, message: "Enable it.", code: "BILLING_DISABLED" },
    "cloud.google.com/apis/design/errors (google.rpc.ErrorInfo reasons)",
  ),
  textRow(
    "Hugging Face",
    /exceeded your monthly included credits|depleted your monthly included credits/i,
    402,
    "You have exceeded your monthly included credits for Inference Providers.",
    "huggingface.co/docs/inference-providers/pricing",
  ),
  textRow(
    "OpenAI and Moonshot, where the code is lost on the way",
    // Google's message for quotas per minute is the same, and names the quota after it.
    /exceeded (?:your |its )?current quota(?![\s\S]*quota exceeded for metric)/i,
    429,
    "Your account org-1 is not active, organization org-1 exceeded current quota, please check your plan and billing details",
    "MoonshotAI/Kimi-K2#5; platform.openai.com/docs/guides/error-codes",
  ),
  textRow(
    "Vercel AI Gateway",
    /requires a valid credit card on file/i,
    403,
    "AI Gateway requires a valid credit card on file to service requests.",
    "vercel.com/docs/ai-gateway",
  ),
  textRow(
    "Fireworks, Moonshot",
    /account .{0,60}is suspended|suspended due to insufficient/i,
    412,
    "Account acme is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
    "amd/gaia#3766; opencode#24462",
  ),
  textRow(
    "Together",
    /credit limit exceeded/i,
    402,
    "Credit limit exceeded. Please navigate to https://api.together.xyz/settings/billing to add credit or upgrade your plan.",
    "edsl#2098",
  ),
  textRow(
    "Kimi for Coding",
    /reached your (?:[\w-]+ )?(?:\([^)]{1,30}\) )?usage limit|usage limit for this (?:billing )?(?:cycle|period)/i,
    403,
    "You've reached your weekly (7-day) usage limit. Your quota will reset when the current 7-day window ends. To continue now, purchase extra usage or upgrade your plan: https://www.kimi.com/membership/subscription?tab=quota",
    "openclaw#142656; MoonshotAI/kimi-code#3014, oh-my-pi#11827",
  ),
  textRow(
    "GitHub Copilot",
    /exceeded your (?:premium request|monthly|copilot) (?:allowance|quota|usage)|reached your monthly limit for premium requests/i,
    429,
    "You have exceeded your premium request allowance. We have automatically switched you to a model which is included with your plan.",
    "vscode-copilot-release#11836, vscode-copilot-release#13608",
  ),
  textRow("GitHub Copilot", /^you have no quota/i, 402, "You have no quota", "copilot-cli#730; pi#3643"),
  textRow("GitHub Copilot", /^quota exceeded\.?\s*$/i, 429, "quota exceeded", "opencode#17682"),
]);

export const limitRows = rowsOf("rate-limited", [
  textRow(
    "Bedrock",
    /too many (?:tokens|requests)(?: per \w+)?, please wait before trying again/i,
    429,
    "Too many tokens, please wait before trying again.",
    "pi-ai utils/overflow.js (what is no full window); docs.aws.amazon.com/bedrock, ThrottlingException",
    { statuses: [400, 429, 500] },
  ),
  codeRow(
    "Alibaba",
    /^(?:\S+ )?throttling/i,
    {
      status: 429,
      message: "Requests rate limit exceeded, please try again later.",
      code: "Throttling.RateQuota",
    },
    "alibabacloud.com/help/en/model-studio/error-code",
    { statuses: [400, 429] },
  ),
  codeRow(
    "Groq",
    /rate_limit_exceeded/,
    {
      status: 413,
      message: "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000.",
      type: "tokens",
      code: "rate_limit_exceeded",
    },
    "console.groq.com/docs/errors",
    { statuses: [413, 498] },
  ),
]);

export const overloadRows = rowsOf("overloaded", [
  codeRow(
    "Moonshot, DeepInfra",
    /engine_overloaded|^overloaded_error|server_overloaded|model_overloaded/i,
    {
      status: 429,
      message: "The engine is currently overloaded, please try again later",
      type: "engine_overloaded_error",
    },
    "platform.moonshot.ai/docs/api/errors",
    { statuses: [429, 500] },
  ),
  textRow(
    "Z.AI and others",
    /\b(?:is|are|currently|temporarily) overloaded/i,
    429,
    "The service may be temporarily overloaded, please try again later",
    "docs.z.ai/api-reference/api-code (1305)",
    { statuses: [429, 500] },
  ),
]);

export const keyRows = rowsOf("credentials-rejected", [
  codeRow(
    "Google, OpenAI",
    /API_KEY_(?:INVALID|EXPIRED)|invalid_api_key/i,
    { status: 400, message: "No.", code: "invalid_api_key" },
    "ai.google.dev/gemini-api/docs/troubleshooting",
  ),
  textRow(
    "Google",
    /api[ _]key[ _](?:not[ _]valid|is[ _]invalid|invalid|expired)/i,
    400,
    "API key not valid. Please pass a valid API key.",
    "ai.google.dev/gemini-api/docs/troubleshooting",
  ),
]);
