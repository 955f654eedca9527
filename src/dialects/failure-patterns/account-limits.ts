// How vendors report billing, quota, key and overload problems. Data only. It must never match text that a client can
// put into a vendor's message, or a client could have a key suspended.

import { codeRow, rowsOf, textRow } from "./pattern.ts";

/** Used-up plans that are reported with the code of a per-minute limit: these rows come before those of the limits. */
export const planRows = rowsOf("quota-exhausted", [
  textRow({
    vendor: "Alibaba",
    pattern: /(?:hour|week|month|free) allocated quota exceeded/i,
    status: 429,
    message: "Free allocated quota exceeded.",
    source: "qwen-code#1742; alibabacloud.com/help/en/model-studio/coding-plan-faq",
  }),
  textRow({
    vendor: "Cohere",
    pattern: /trial key, which is limited to \d+ API calls \/ month/i,
    status: 429,
    message:
      "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key with higher rate limits",
    source: "docs.cohere.com/docs/rate-limits",
  }),
]);

export const quotaRows = rowsOf("quota-exhausted", [
  textRow({
    vendor: "MiniMax",
    pattern: /usage limit exceeded/i,
    status: 429,
    message:
      "usage limit exceeded, 5-hour usage limit reached for Token Plan Starter (0/0 used), resets at 2026-12-15T15:00:00Z (2056)",
    source: "MiniMax-AI/MiniMax-M2.7#36",
  }),
  textRow({
    vendor: "Z.AI",
    pattern: /usage limit reached for|(?:weekly|monthly)(?:\/monthly)? limit exhausted/i,
    status: 429,
    message: "Usage limit reached for 5 hour. Your limit will reset at 2026-11-30 18:00:00",
    source: "docs.z.ai/api-reference/api-code (1308, 1310)",
    // Its times are Beijing time.
    zone: "+08:00",
  }),
  codeRow({
    vendor: "Anthropic",
    pattern: /^billing_error/i,
    example: { status: 400, message: "There's an issue with your billing.", type: "billing_error" },
    source: "docs.anthropic.com/en/api/errors",
  }),
  textRow({
    vendor: "Anthropic",
    pattern: /credit balance is too low/i,
    status: 400,
    message:
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    source: "docs.anthropic.com/en/api/errors; laravel/ai#864",
  }),
  textRow({
    vendor: "Anthropic",
    pattern: /reached your specified (?:\w+ )?(?:API )?usage limits?/i,
    status: 400,
    message:
      "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    source: "field-2026-11 F1; screenpipe#5653",
  }),
  textRow({
    vendor: "Anthropic",
    pattern: /out of (?:your )?extra usage|draw from your extra usage|extra usage is required/i,
    status: 400,
    message: "Third-party apps now draw from your extra usage, not your plan limits.",
    source: "field-2026-11 F1; hermes-agent#11736, openclaw#129765; claude-code#39948",
  }),
  textRow({
    vendor: "Anthropic, Groq, xAI",
    pattern:
      /\b(?:spend(?:ing)?|usage) limit (?:has been |was )?(?:reached|exceeded|hit)|(?:reached|exceeded|hit|over) (?:its|your|the|their) (?:\w+ ){0,2}(?:spend(?:ing)?|billing) limit|\bmonthly spend limit\b|\bspending limit\b/i,
    status: 429,
    message: "You have reached your monthly spend limit.",
    source: "field-2026-11 F1",
  }),
  codeRow({
    vendor: "xAI",
    pattern: /(?:^|[\s:])(?:personal-team-blocked:)?spending-limit/i,
    example: {
      status: 403,
      message: "Your team has run out.",
      code: "personal-team-blocked:spending-limit",
    },
    source: "field-2026-11 F1",
  }),
  textRow({
    vendor: "xAI",
    pattern: /doesn't have any credits|used all available credits|\brun out of credits\b/i,
    status: 403,
    message:
      "Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai/team/1.",
    source: "continue#12670; continue#10373, koan#2412, sub2api#4069",
  }),
  textRow({
    vendor: "xAI",
    pattern: /used all available credits or reached its monthly spending limit/i,
    status: 429,
    message:
      "Your team 1 has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits or raise your spending limit.",
    source: "continue#10373",
  }),
  codeRow({
    vendor: "OpenAI and others",
    pattern:
      /insufficient_?(?:user_?)?quota|exceeded_current_quota|quota_(?:exceeded|exhausted)|usage_limit_reached|billing|insufficient_(?:funds|credits?|balance)|payment_required|credits?_?error|customer_verification_required/i,
    example: {
      status: 429,
      message: "You exceeded your current quota, please check your plan and billing details.",
      type: "insufficient_quota",
      code: "insufficient_quota",
    },
    source:
      "platform.openai.com/docs/guides/error-codes; Moonshot, Vercel, OpenCode, new-api and ChatGPT name theirs so",
  }),
  codeRow({
    vendor: "others",
    pattern: /quota/i,
    example: { status: 429, message: "No more.", code: "token_quota" },
    source: "as today: a vendor that says quota where it names the error",
    statuses: [402, 429],
  }),
  textRow({
    vendor: "OpenAI",
    pattern: /billing hard limit has been reached|account is not active, please check your billing/i,
    status: 429,
    message: "Your account is not active, please check your billing details on our website.",
    source: "platform.openai.com/docs/guides/error-codes",
  }),
  textRow({
    vendor: "DeepSeek, Moonshot, MiniMax, OpenCode and others",
    pattern:
      /insufficient (?:account )?(?:balance|credits?|funds)|balance (?:is )?(?:not enough|insufficient|too low)|not enough (?:credits|balance)/i,
    status: 400,
    message: "Insufficient Balance",
    source: "api-docs.deepseek.com/quick_start/error_codes; field-2026-11 F1; llmgateway#3297",
  }),
  textRow({
    vendor: "Z.AI, new-api (Chinese)",
    pattern: /余额不足|额度不足|无可用资源包|欠费/,
    status: 429,
    message: "余额不足或无可用资源包,请充值。",
    source: "docs.bigmodel.cn/cn/api/api-code (1113); new-api",
  }),
  codeRow({
    vendor: "Alibaba",
    pattern: /arrearage|(?:prepaid|postpaid)?billoverdue|freetieronly/i,
    example: {
      status: 400,
      message: "Access denied, please make sure your account is in good standing.",
      code: "Arrearage",
    },
    source: "alibabacloud.com/help/en/model-studio/error-code; opencode#22994",
  }),
  textRow({
    vendor: "Alibaba",
    pattern:
      /account is in good standing|free (?:tier|quota) of the model has been exhausted|overdue[ -]payment/i,
    status: 400,
    message: "Access denied, please make sure your account is in good standing.",
    source: "alibabacloud.com/help/en/model-studio/error-code",
  }),
  codeRow({
    vendor: "Volcano Engine",
    pattern: /AccountOverdue/i,
    example: {
      status: 403,
      message: "The request failed because your account has an overdue balance.",
      code: "AccountOverdueError",
    },
    source: "volcengine.com/docs/82379/1299023",
  }),
  textRow({
    vendor: "Volcano Engine",
    pattern: /account has an overdue balance/i,
    status: 403,
    message: "The request failed because your account has an overdue balance.",
    source: "volcengine.com/docs/82379/1299023",
  }),
  textRow({
    vendor: "OpenRouter",
    pattern: /requires more credits|insufficient credits|key limit exceeded|can only afford \d+/i,
    status: 403,
    message: "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
    source: "openrouter.ai/docs/api-reference/errors; PostHog#66298",
  }),
  textRow({
    vendor: "Google",
    pattern:
      /prepayment credits are depleted|requires billing to be enabled|billing account.{0,40}(?:disabled|closed)|billing (?:has not been|is not) enabled/i,
    status: 403,
    message: "This API method requires billing to be enabled. Please enable billing on project #1 and retry.",
    source: "ai.google.dev/gemini-api/docs/troubleshooting",
  }),
  codeRow({
    vendor: "Google",
    pattern: /BILLING_DISABLED/,
    example: { status: 403, message: "Enable it.", code: "BILLING_DISABLED" },
    source: "cloud.google.com/apis/design/errors (google.rpc.ErrorInfo reasons)",
  }),
  textRow({
    vendor: "Hugging Face",
    pattern: /exceeded your monthly included credits|depleted your monthly included credits/i,
    status: 402,
    message: "You have exceeded your monthly included credits for Inference Providers.",
    source: "huggingface.co/docs/inference-providers/pricing",
  }),
  textRow({
    vendor: "OpenAI and Moonshot, where the code is lost on the way",
    // Google's message for quotas per minute is the same, and names the quota after it.
    pattern: /exceeded (?:your |its )?current quota(?![\s\S]*quota exceeded for metric)/i,
    status: 429,
    message:
      "Your account org-1 is not active, organization org-1 exceeded current quota, please check your plan and billing details",
    source: "MoonshotAI/Kimi-K2#5; platform.openai.com/docs/guides/error-codes",
  }),
  textRow({
    vendor: "Vercel AI Gateway",
    pattern: /requires a valid credit card on file/i,
    status: 403,
    message: "AI Gateway requires a valid credit card on file to service requests.",
    source: "vercel.com/docs/ai-gateway",
  }),
  textRow({
    vendor: "Fireworks, Moonshot",
    pattern: /account .{0,60}is suspended|suspended due to insufficient/i,
    status: 412,
    message:
      "Account acme is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
    source: "amd/gaia#3766; opencode#24462",
  }),
  textRow({
    vendor: "Together",
    pattern: /credit limit exceeded/i,
    status: 402,
    message:
      "Credit limit exceeded. Please navigate to https://api.together.xyz/settings/billing to add credit or upgrade your plan.",
    source: "edsl#2098",
  }),
  textRow({
    vendor: "Kimi for Coding",
    pattern:
      /reached your (?:[\w-]+ )?(?:\([^)]{1,30}\) )?usage limit|usage limit for this (?:billing )?(?:cycle|period)/i,
    status: 403,
    message:
      "You've reached your weekly (7-day) usage limit. Your quota will reset when the current 7-day window ends. To continue now, purchase extra usage or upgrade your plan: https://www.kimi.com/membership/subscription?tab=quota",
    source: "openclaw#142656; MoonshotAI/kimi-code#3014, oh-my-pi#11827",
  }),
  textRow({
    vendor: "GitHub Copilot",
    pattern:
      /exceeded your (?:premium request|monthly|copilot) (?:allowance|quota|usage)|reached your monthly limit for premium requests/i,
    status: 429,
    message:
      "You have exceeded your premium request allowance. We have automatically switched you to a model which is included with your plan.",
    source: "vscode-copilot-release#11836, vscode-copilot-release#13608",
  }),
  textRow({
    vendor: "GitHub Copilot",
    pattern: /^you have no quota/i,
    status: 402,
    message: "You have no quota",
    source: "copilot-cli#730; pi#3643",
  }),
  textRow({
    vendor: "GitHub Copilot",
    pattern: /^quota exceeded\.?\s*$/i,
    status: 429,
    message: "quota exceeded",
    source: "opencode#17682",
  }),
]);

export const limitRows = rowsOf("rate-limited", [
  textRow({
    vendor: "Bedrock",
    pattern: /too many (?:tokens|requests)(?: per \w+)?, please wait before trying again/i,
    status: 429,
    message: "Too many tokens, please wait before trying again.",
    source:
      "pi-ai utils/overflow.js (what is no full window); docs.aws.amazon.com/bedrock, ThrottlingException",
    statuses: [400, 429, 500],
  }),
  codeRow({
    vendor: "Alibaba",
    pattern: /^(?:\S+ )?throttling/i,
    example: {
      status: 429,
      message: "Requests rate limit exceeded, please try again later.",
      code: "Throttling.RateQuota",
    },
    source: "alibabacloud.com/help/en/model-studio/error-code",
    statuses: [400, 429],
  }),
  codeRow({
    vendor: "Groq",
    pattern: /rate_limit_exceeded/,
    example: {
      status: 413,
      message: "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000.",
      type: "tokens",
      code: "rate_limit_exceeded",
    },
    source: "console.groq.com/docs/errors",
    statuses: [413, 498],
  }),
]);

export const overloadRows = rowsOf("overloaded", [
  codeRow({
    vendor: "Moonshot, DeepInfra",
    pattern: /engine_overloaded|^overloaded_error|server_overloaded|model_overloaded/i,
    example: {
      status: 429,
      message: "The engine is currently overloaded, please try again later",
      type: "engine_overloaded_error",
    },
    source: "platform.moonshot.ai/docs/api/errors",
    statuses: [429, 500],
  }),
  textRow({
    vendor: "Z.AI and others",
    pattern: /\b(?:is|are|currently|temporarily) overloaded/i,
    status: 429,
    message: "The service may be temporarily overloaded, please try again later",
    source: "docs.z.ai/api-reference/api-code (1305)",
    statuses: [429, 500],
  }),
]);

export const keyRows = rowsOf("credentials-rejected", [
  codeRow({
    vendor: "Google, OpenAI",
    pattern: /API_KEY_(?:INVALID|EXPIRED)|invalid_api_key/i,
    example: { status: 400, message: "No.", code: "invalid_api_key" },
    source: "ai.google.dev/gemini-api/docs/troubleshooting",
  }),
  textRow({
    vendor: "Google",
    pattern: /api[ _]key[ _](?:not[ _]valid|is[ _]invalid|invalid|expired)/i,
    status: 400,
    message: "API key not valid. Please pass a valid API key.",
    source: "ai.google.dev/gemini-api/docs/troubleshooting",
  }),
]);
