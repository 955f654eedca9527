// The table of vendors' error messages: each text, in each format that can carry it, is what its row says. And text that a client
// writes never suspends a key.

import { describe, expect, test } from "bun:test";
import { Failure, type FailureKind } from "../../src/canon/failure.ts";
import type { DialectName } from "../../src/canon/request.ts";
import { failureOfResult } from "../../src/dialects/claude-code/failure.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import type { ErrorExample } from "../../src/dialects/failure-patterns/pattern.ts";
import { failurePatterns } from "../../src/dialects/failure-patterns/pattern-table.ts";

const nowMs = Date.parse("2026-11-30T12:00:00Z");

const answered = (name: DialectName, status: number, body: unknown): Failure =>
  dialects[name].backend.decodeFailure({ status, headers: new Headers(), body: JSON.stringify(body), nowMs });

const openaiBody = ({ message, type, code }: ErrorExample): unknown => ({
  error: { message, type: type ?? "invalid_request_error", code: code ?? null, param: null },
});
const anthropicBody = ({ message, type, code }: ErrorExample): unknown => ({
  type: "error",
  error: { type: type ?? "invalid_request_error", message, ...(code === undefined ? {} : { code }) },
});
const googleBody = ({ status, message, code }: ErrorExample): unknown => ({
  error: {
    code: status,
    message,
    status: "FAILED",
    ...(code === undefined
      ? {}
      : { details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: code }] }),
  },
});
const cliFailure = (said: ErrorExample): Failure =>
  failureOfResult({
    result: {
      subtype: "success",
      is_error: true,
      api_error_status: said.status,
      result: `API Error: ${said.status} ${JSON.stringify(anthropicBody(said))}`,
    },
    error: null,
    limit: null,
    hasAnswered: false,
    nowMs,
  });

const rows = failurePatterns.map((row) => ({ row, vendor: row.vendor, text: row.example.message }));
// Of limits and overload the program tells in words of its own.
const toldByProgram: readonly FailureKind[] = [
  "context-exceeded",
  "quota-exhausted",
  "model-missing",
  "refused",
];

describe("each row", () => {
  test.each(rows)("$vendor: $text", ({ row: { example, kind, source } }) => {
    expect(source.length).toBeGreaterThan(8);
    expect(answered("openai-chat", example.status, openaiBody(example)).kind).toBe(kind);
    expect(answered("openai-responses", example.status, openaiBody(example)).kind).toBe(kind);
    expect(answered("anthropic-messages", example.status, anthropicBody(example)).kind).toBe(kind);
    // Google's errors have a status in words and no type of their own.
    if (example.type === undefined || example.code !== undefined)
      expect(answered("google-genai", example.status, googleBody(example)).kind).toBe(kind);
    if (toldByProgram.includes(kind)) expect(cliFailure(example).kind).toBe(kind);
  });

  test("a Messages client reads what makes it compact", () => {
    const tooLong = failurePatterns.filter((row) => row.kind === "context-exceeded");
    expect(tooLong.length).toBeGreaterThan(15);
    for (const { example } of tooLong) {
      const failure = answered("openai-chat", example.status, openaiBody(example));
      expect(dialects["anthropic-messages"].client.encodeFailure(failure, "R")).toMatchObject({
        type: "error",
        error: { type: "invalid_request_error", message: expect.stringMatching(/prompt is too long/i) },
      });
    }
  });
});

describe("whatever the status", () => {
  const broke = "Insufficient balance";
  test.each([400, 401, 402, 403, 429])("%d: no money is a quota", (status) => {
    const said = { status, message: broke };
    expect(answered("openai-chat", status, openaiBody(said)).kind).toBe("quota-exhausted");
    expect(answered("anthropic-messages", status, anthropicBody(said)).kind).toBe("quota-exhausted");
    expect(answered("google-genai", status, googleBody(said)).kind).toBe("quota-exhausted");
  });

  test.each([429, 503])("%d with other words stays what it is", (status) => {
    const kind = status === 429 ? "rate-limited" : "overloaded";
    expect(answered("openai-chat", status, openaiBody({ status, message: "Slow down." })).kind).toBe(kind);
  });

  test("a limit of tokens a minute is no full window", () => {
    for (const status of [400, 429, 500]) {
      const error = { message: "Too many tokens per day, please wait before trying again." };
      expect(answered("openai-chat", status, { error }).kind).toBe("rate-limited");
    }
    const echoed = { message: 'Invalid value: "too many tokens, please wait before trying again"' };
    expect(answered("openai-chat", 400, { error: echoed }).kind).toBe("invalid-request");
    const message = "Rate limit reached: too many tokens per minute, please wait.";
    expect(answered("openai-chat", 400, openaiBody({ status: 400, message })).kind).toBe("invalid-request");
  });
});

describe("bodies as the threads quote them", () => {
  const quoted: readonly (readonly [string, DialectName, number, unknown, FailureKind])[] = [
    [
      "MiniMax-M2#62",
      "anthropic-messages",
      500,
      { type: "error", error: { type: "api_error", message: "insufficient balance (1008)" } },
      "quota-exhausted",
    ],
    [
      "modelscope#1691",
      "openai-chat",
      429,
      {
        error: {
          http_code: "429",
          message: "insufficient balance (1008)",
          type: "insufficient_balance_error",
        },
      },
      "quota-exhausted",
    ],
    [
      "sub2api#4069",
      "openai-responses",
      403,
      {
        code: "x",
        error:
          "You have run out of credits or need a Grok subscription. Add credits at https://grok.com/?_s=usage",
      },
      "quota-exhausted",
    ],
    [
      "sub2api#890",
      "openai-responses",
      403,
      { code: "INSUFFICIENT_BALANCE", message: "Insufficient account balance" },
      "quota-exhausted",
    ],
    [
      "edsl#2098",
      "openai-chat",
      402,
      { error: { message: "Credit limit exceeded.", type: "credit_limit", param: null, code: null } },
      "quota-exhausted",
    ],
    [
      "opencode#24462",
      "openai-chat",
      429,
      {
        error: {
          message: "Provider returned error",
          code: 429,
          metadata: {
            raw: JSON.stringify({
              error: {
                message:
                  "Your account org-1 <ak-1> is suspended due to insufficient balance, please recharge your account",
              },
            }),
          },
        },
      },
      "quota-exhausted",
    ],
    [
      "cc-haha#1208",
      "anthropic-messages",
      403,
      {
        type: "error",
        error: {
          type: "permission_error",
          message:
            "You've reached your usage limit for this billing cycle. Your quota will be refreshed in the next cycle.",
        },
      },
      "quota-exhausted",
    ],
    [
      "oh-my-pi#11827",
      "openai-chat",
      403,
      {
        error: {
          type: "access_terminated_error",
          message: "You've reached your monthly usage limit for this billing cycle",
        },
      },
      "quota-exhausted",
    ],
    [
      "pi#3643",
      "openai-chat",
      402,
      { error: { message: "You have no quota", code: "quota_exceeded" } },
      "quota-exhausted",
    ],
    [
      "webmcp-tools#417 is a caller's error",
      "openai-chat",
      400,
      {
        error: {
          message:
            "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions.",
          type: "invalid_request_error",
          param: "reasoning_effort",
          code: null,
        },
      },
      "invalid-request",
    ],
    [
      "claude-code#44121 is a limit of the minute",
      "anthropic-messages",
      429,
      {
        type: "error",
        error: {
          type: "rate_limit_error",
          message: "This request would exceed your account's rate limit. Please try again later.",
        },
      },
      "rate-limited",
    ],
    [
      "Google's quotas of a minute",
      "openai-chat",
      429,
      [
        {
          error: {
            code: 429,
            status: "RESOURCE_EXHAUSTED",
            message:
              "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: generate_requests_per_model, limit: 15\nPlease retry in 20s.",
          },
        },
      ],
      "rate-limited",
    ],
    [
      "opencode#25230",
      "openai-chat",
      400,
      {
        object: "error",
        message:
          "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total of 202941 tokens",
        type: "BadRequestError",
        code: 400,
      },
      "context-exceeded",
    ],
    [
      "continue#6080",
      "anthropic-messages",
      400,
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          message:
            "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input length or `max_tokens` and try again",
        },
      },
      "context-exceeded",
    ],
  ];
  test.each(quoted)("%s", (_, name, status, body, kind) => {
    expect(answered(name, status, body).kind).toBe(kind);
  });

  test("a plan's window that the text names the end of", () => {
    const message =
      "usage limit exceeded, 5-hour usage limit reached for Token Plan Starter (0/0 used), resets at 2026-11-30T15:00:00Z (2056)";
    const failure = answered("anthropic-messages", 429, { error: { type: "rate_limit_error", message } });
    expect(failure).toMatchObject({ kind: "quota-exhausted", retryAfterMs: 3 * 3_600_000 });
  });
});

describe("bodies that are no object", () => {
  test.each([
    ["a text of JSON", '"the prompt is too long"'],
    ["plain text", "the prompt is too long"],
    ["a frame", 'data: {"error":{"message":"the prompt is too long"}}\n\n'],
    [
      "an event",
      'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"the prompt is too long"}}\n\n',
    ],
  ])("%s", (_, body) => {
    for (const name of ["openai-chat", "openai-responses", "anthropic-messages", "google-genai"] as const) {
      const failure = dialects[name].backend.decodeFailure({
        status: 400,
        headers: new Headers(),
        body,
        nowMs,
      });
      expect([name, failure.kind, failure.message]).toEqual([
        name,
        "context-exceeded",
        "the prompt is too long",
      ]);
    }
  });
});

describe("what a client wrote rests nobody", () => {
  test.each([
    ["Invalid value: 'Insufficient balance'. Supported values are: 'system', 'user'."],
    ["Invalid value: 'x' Insufficient balance 'y'."],
    ['tools.0.name: "API key not valid" does not match the pattern'],
    ["messages.0: unexpected `You have reached your specified API usage limits`"],
    ['[{"input_value":"model not exist: Insufficient Balance"}]'],
  ])("%s", (message) => {
    for (const name of ["openai-chat", "anthropic-messages", "google-genai"] as const)
      expect(answered(name, 400, { error: { message } }).kind).toBe("invalid-request");
  });

  test("nor where the vendor names the field", () => {
    const body = { error: { message: "Insufficient balance is no role", param: "messages[0].role" } };
    expect(answered("openai-chat", 400, body).kind).toBe("invalid-request");
  });
});

describe("until when", () => {
  const endOf = (message: string, status = 429, more: object = {}): Failure =>
    answered("openai-chat", status, { error: { message, code: "insufficient_quota", ...more } });

  test.each([
    ["You will regain access on 2026-12-01 at 00:00 UTC.", "2026-12-01T00:00:00Z"],
    ["Limit reached, resets at 2026-12-02T03:04:05Z", "2026-12-02T03:04:05Z"],
    ["Limit reached, resets at 2026-12-02T03:04:05+02:00", "2026-12-02T01:04:05Z"],
    ["Try again on 2027-01-01.", "2027-01-01T00:00:00Z"],
    ["Try again at Dec 1st, 2026 3:00 AM.", "2026-12-01T03:00:00Z"],
    ["Available again after December 5, 2026", "2026-12-05T00:00:00Z"],
    ["Your quota resets on 1 December 2026 at 3:30 PM.", "2026-12-01T15:30:00Z"],
    [
      "Come back on the 2nd of January, 2027; until then try again on 2nd of January, 2027.",
      "2027-01-02T00:00:00Z",
    ],
  ])("%s", (message, end) => {
    const failure = endOf(message);
    expect(failure.endsAtMs).toBe(Date.parse(end));
    expect(failure.retryAfterMs).toBe(Date.parse(end) - nowMs);
    // A client is never sent away for longer than five minutes.
    expect(failure.clientWaitMs).toBe(300_000);
  });

  test("Z.AI tells Beijing's time", () => {
    const message = "Usage limit reached for 5 hour. Your limit will reset at 2026-11-30 21:00:00";
    const failure = answered("openai-chat", 429, { error: { message, code: "1308" } });
    expect(failure.endsAtMs).toBe(Date.parse("2026-11-30T13:00:00Z"));
  });

  test.each([
    ["Please try again in 1m12.5s.", 72_500],
    ["Please try again in 6ms.", 6],
    ["Please try again in 20s. Visit the page.", 20_000],
    ["Try again in 3 days 4 hours.", 3 * 86_400_000 + 4 * 3_600_000],
    ["You can retry after 59.9 seconds", 59_900],
  ])("%s", (message, waitMs) => {
    const failure = answered("openai-chat", 429, { error: { message } });
    expect(failure).toMatchObject({ kind: "rate-limited", retryAfterMs: waitMs });
  });

  test("headers: a plan of Anthropic's that is used up, and OpenAI's limits without a Retry-After", () => {
    const answer = (name: DialectName, headers: Record<string, string>, status = 429): Failure =>
      dialects[name].backend.decodeFailure({
        status,
        headers: new Headers(headers),
        body: JSON.stringify({ error: { type: "rate_limit_error", message: "limit" } }),
        nowMs,
      });
    const reset = Math.floor(nowMs / 1000) + 9_000;
    const plan = {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(reset),
      "retry-after": "9000",
    };
    expect(answer("anthropic-messages", plan)).toMatchObject({
      kind: "quota-exhausted",
      endsAtMs: reset * 1000,
    });
    for (const status of ["allowed", "allowed_warning"])
      expect(
        answer("anthropic-messages", { ...plan, "anthropic-ratelimit-unified-status": status }).kind,
      ).toBe("rate-limited");
    const limits = {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1m30.5s",
      "x-ratelimit-remaining-tokens": "7",
      "x-ratelimit-reset-tokens": "1h",
    };
    for (const name of ["openai-chat", "openai-responses"] as const) {
      expect(answer(name, limits)).toMatchObject({ kind: "rate-limited", retryAfterMs: 90_500 });
      expect(answer(name, { ...limits, "retry-after": "3" }).retryAfterMs).toBe(3_000);
    }
  });

  test("a member of the body", () => {
    expect(endOf("The usage limit has been reached", 429, { resets_at: 1_796_083_200 }).endsAtMs).toBe(
      1_796_083_200_000,
    );
  });

  test("a date that means something else, and one that a client wrote", () => {
    expect(endOf("Models of 2025-01-01 are gone.").endsAtMs).toBeNull();
    const quoted = answered("openai-chat", 400, {
      error: { message: 'Insufficient balance for "try again on 2099-01-01"' },
    });
    expect(quoted).toMatchObject({ kind: "quota-exhausted", endsAtMs: null });
  });
});

describe("error bodies of all shapes keep the vendor's words", () => {
  const words = "the vendor's own sentence";
  test.each([
    { errors: [{ message: words }] },
    { success: false, errors: [{ code: 7003, message: words }], result: null },
    { msg: words, code: 1 },
    { error_msg: words, error_code: 336003 },
    { error: { message: "Provider returned error", code: 400, metadata: { raw: words } } },
    {
      error: {
        message: "Provider returned error",
        metadata: { raw: JSON.stringify({ error: { message: words } }), provider_name: "x" },
      },
    },
    { error: { message: "Provider returned error", metadata: { raw: { message: words } } } },
    { object: "error", message: { detail: [{ loc: ["body"], msg: words }] } },
    { base_resp: { status_code: 1004, status_msg: words } },
    { header: { code: 10013, message: words } },
    { error: { error: { message: words } } },
    { error: "bad_request", error_description: words },
    { status: 400, error: "Bad Request", message: words },
    { Message: words, __type: "ValidationException" },
    { title: "Bad", detail: words },
    [{ error: { code: 400, message: words, status: "INVALID_ARGUMENT" } }],
    { detail: { error: { message: words } } },
    // No known member: wherever a sentence stands.
    { fault: { faultstring: words, detail: { errorcode: "x" } } },
    { status: "error", data: { message: words } },
    { response: { error: { message: words } } },
    { result: { error: words }, ok: false },
    { failure: { why: words } },
    { error: { details: words } },
    { error: { code: "x", cause: words } },
  ])("%j", (body) => {
    for (const name of ["openai-chat", "openai-responses", "anthropic-messages", "google-genai"] as const) {
      const failure = answered(name, 400, body);
      expect(failure.message).toContain(words);
      expect(failure.kind).toBe("invalid-request");
    }
  });

  test("a sentence that stands anywhere may be the client's own, and rests no key", () => {
    for (const body of [
      { request: { prompt: "insufficient balance" } },
      { error: { input: "insufficient balance" } },
    ])
      expect(answered("openai-chat", 400, body)).toMatchObject({
        kind: "invalid-request",
        message: 'the upstream\'s answer says "insufficient balance"',
      });
  });

  test("a full window is OpenAI's own word for it, whatever the vendor's code", () => {
    const failure = answered("openai-chat", 400, {
      error: {
        message: "This model's maximum prompt length is 8192 but the request contains 9000 tokens.",
        code: "x",
      },
    });
    for (const name of ["openai-chat", "openai-responses"] as const)
      expect(JSON.stringify(dialects[name].client.encodeFailure(failure, "r"))).toContain(
        '"code":"context_length_exceeded"',
      );
  });

  test("what lies beneath OpenRouter's words decides", () => {
    const raw = JSON.stringify({ error: { message: "prompt is too long: 3 tokens > 2 maximum" } });
    const body = { error: { message: "Provider returned error", code: 400, metadata: { raw } } };
    expect(answered("openai-chat", 400, body).kind).toBe("context-exceeded");
  });

  test("nothing endless, and no key", () => {
    const deep = JSON.parse(`${'{"error":'.repeat(50)}{"message":"x"}${"}".repeat(50)}`) as unknown;
    expect(answered("openai-chat", 400, deep).kind).toBe("invalid-request");
    expect(answered("openai-chat", 400, { msg: "no sk-abcdefghijklmn here" }).message).toBe("no [key] here");
    for (const key of [
      "sk_live_0123456789abcdef",
      "gsk_Ab1Cd2Ef3Gh4Ij5K",
      "xai-****************wxyz",
      "Bearer a1b2c3d4e5f6",
    ])
      expect(answered("openai-chat", 400, { msg: `no ${key} here` }).message).toBe("no [key] here");
    // Words are no keys.
    for (const words of [
      "Bearer authentication is required",
      "Extra inputs: skip_special_tokens, skills_enabled, gsk_quantization_config",
      "xai-grok-beta and xai grok models are not served here",
    ])
      expect(answered("openai-chat", 400, { msg: words }).message).toBe(words);
  });
});
