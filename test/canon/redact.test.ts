import { describe, expect, test } from "bun:test";
import { mask, redact, redactorFor, secretFinder } from "../../src/canon/redact.ts";

// Every text holds the canary that must be gone; what stands beside it must stay readable.
const long = "Zq7Xw2Lk9Rt4Yb8Nc3Vf6Hd1Js5Gp0Ma";
const hex = "9f86d081884c7d659a2feaa0c55ad015";

const canaries: readonly (readonly [name: string, text: string, canary: string])[] = [
  ["OpenAI key", `Incorrect API key provided: sk-${long}. See the docs.`, long],
  ["OpenAI project key", `key sk-proj-${long}-_x`, long],
  ["OpenAI service account", `sk-svcacct-${long}`, long],
  ["short sk- key", "used sk-abcd1234", "abcd1234"],
  ["Anthropic key", `x-api-key sk-ant-api03-${long}`, long],
  ["OpenRouter key", `(sk-or-v1-${hex})`, hex],
  ["Google key", `AIzaSy${long}`, long],
  ["Google access token", `ya29.a0${long}`, long],
  ["GitHub token", `ghp_${long}`, long],
  ["GitHub fine-grained token", `github_pat_11AA_${long}`, long],
  ["GitLab token", `glpat-${long}`, long],
  ["xAI key", `xai-${long}`, long],
  ["Groq key", `gsk_${long}`, long],
  ["Hugging Face token", `hf_${long}`, long],
  ["Replicate token", `r8_${long}`, long],
  ["Perplexity key", `pplx-${long}`, long],
  ["NVIDIA key", `nvapi-${long}`, long],
  ["Cerebras key", `csk-${long}`, long],
  ["Slack token", `xoxb-12345-${long}`, long],
  ["AWS key id", "AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"],
  ["Stripe key", `sk_live_${long}`, long],
  ["npm token", `npm_${long}`, long],
  ["web token", `sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${long}`, long],
  ["Bearer header", `Authorization: Bearer ${long}`, long],
  ["Bearer of any vendor", "bearer abc12345", "abc12345"],
  ["Basic header", "authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"],
  ["other scheme", "Authorization: Token opaque", "opaque"],
  ["bare authorization", "authorization=opaque", "opaque"],
  ["query key", "GET /v1beta/models?key=abc&alt=sse", "abc"],
  ["second query key", "GET /?alt=sse&token=abc", "abc"],
  ["query api_key", "https://h/x?api_key=tiny#f", "tiny"],
  ["environment line", `MISTRAL_API_KEY=${long}`, long],
  ["environment line without API", `DEEPINFRA_KEY=${hex}`, hex],
  ["YAML", `    api_key: ${hex}`, hex],
  ["JSON", `{"api_key":"${hex}","model":"m"}`, hex],
  ["JSON with spaces in the value", '{"password" : "two words", "model":"m"}', "two words"],
  ["JSON with an escaped quote", '{"client_secret":"ab\\"canary","model":"m"}', "canary"],
  ["JSON inside JSON", `{"body":"{\\"apiKey\\":\\"${hex}\\",\\"model\\":\\"m\\"}"}`, hex],
  ["inspected object", `{ apiKey: '${hex}', model: 'm' }`, hex],
  ["proxy address", "proxy http://user:hunter2@proxy.test:3128 failed", "hunter2"],
  ["proxy address without a name", "http://:hunter2@proxy.test", "hunter2"],
  ["cookie", "Cookie: a=canary1; b=canary2", "canary2"],
  ["refresh token", "refresh_token=opaque", "opaque"],
  ["hex after key", `Invalid key: ${hex}`, hex],
  ["base64 after token", `token = "${long}+/=="`, long],
  ["private key", `-----BEGIN RSA PRIVATE KEY-----\n${long}\n-----END RSA PRIVATE KEY-----`, long],
];

describe("redact", () => {
  test.each(canaries)("%s is masked", (_name, text, canary) => {
    const masked = redact(text);
    expect(text).toContain(canary);
    expect(masked).not.toContain(canary);
    expect(masked).toContain(mask);
    expect(redact(masked)).toBe(masked);
  });

  test("there are at least 40 canaries", () => {
    expect(canaries.length).toBeGreaterThanOrEqual(40);
  });

  test("what stands beside a secret stays readable", () => {
    expect(redact(`POST https://u:p@h/v1?key=abc&alt=sse -> 401 {"api_key":"${hex}","model":"m"}`)).toBe(
      'POST https://***@h/v1?key=***&alt=sse -> 401 {"api_key":"***","model":"m"}',
    );
    expect(redact(`Bearer ${long}, sk-ant-api03-${long} end`)).toBe("Bearer ***, sk-ant-*** end");
  });

  test.each([
    "The upstream rejected the gateway's credentials (401): no such organisation",
    "This model's maximum context length is 128000 tokens: you sent 130000 tokens",
    'max_tokens: 4096, "input_tokens": 12, tokens=5',
    "Unexpected token < in JSON at position 0",
    "api_key is empty; set ${OPENAI_API_KEY}",
    "providers.openai.api_key: ${OPENAI_API_KEY}",
    "Bearer authentication is required",
    '{"code":"context_length_exceeded","param":"messages[2].content"}',
    "the task-force used disk-usage-report and monkey: banana",
    "x-request-id: 01HZY3ABCDEF0123456789ABCD",
    '{"token":null,"secret":false}',
    "http://127.0.0.1:8090/health and https://example.test/a:b@c",
    "",
  ])("ordinary words pass: %s", (text) => {
    expect(redact(text)).toBe(text);
  });

  test("it takes linear time, whatever the text is", () => {
    // A quadratic scan of 400 KB takes minutes; the test's own limit is the assertion.
    const size = 400_000;
    const hostile = [
      "sk-",
      "eyJaaaaaaaa-",
      "://",
      "://a:",
      "api_key",
      "api_key=",
      "api_key='",
      'api_key="\\',
      "cookie:",
      "cookie:\n",
      "-----BEGIN ",
      "-----BEGIN PRIVATE KEY-----",
      "bearer ",
      "a.b",
      " ",
      "key=",
      "\\",
    ];
    for (const piece of hostile) {
      const text = piece.repeat(Math.ceil(size / piece.length));
      expect(redact(text).length).toBeGreaterThan(0);
    }
  });
});

describe("what is said about a secret is no secret", () => {
  test.each([
    "providers.v.api_key: must be a text",
    "api_key: must be a text",
    "auth.admin_key: expected string, received number",
    "The api_key: is missing",
    "Invalid API key: please check it",
    "password: required",
    "x-api-key: absent.",
    "Authorization: missing",
    "authorization: must be a bearer token",
    "hf_overrides and npm_config_registry are unknown; fw_dispatch_table is not",
    "access_token: expired",
    "secret: not set",
    "session_key: unknown key",
    '{"api_key":"ollama"}',
    "OPENAI_API_KEY=none",
  ])("%s", (text) => {
    expect(redact(text)).toBe(text);
  });

  test.each([
    "api_key: opaque",
    "password: hunter2",
    "api_key=must be",
    '{"api_key":"must be"}',
    "cookie: must be",
    "authorization: opaque",
    "used hf_abcdefgh1jklmnop",
  ])("but a value is masked: %s", (text) => {
    expect(redact(text)).toContain(mask);
  });
});

describe("redactorFor", () => {
  test("masks exact secrets of any shape, the longer before the shorter", () => {
    const clean = redactorFor(["local-1234", "local-1234-key", 'odd"one/+', ""]);
    expect(clean("local-1234-key and local-1234")).toBe("*** and ***");
    expect(clean('raw odd"one/+ json odd\\"one/+ url odd%22one%2F%2B odd%22one%2f%2b')).toBe(
      "raw *** json *** url *** ***",
    );
  });

  test("leaves short values, words and the placeholders of local servers alone", () => {
    const values = ["text", "local", "none", "key", "ollama", "x", "sk-", "lm-studio", "not-needed", "EMPTY"];
    const more = [
      "password",
      "assistant",
      "anything-goes",
      "no-key-required",
      "sk-no-key-required",
      "Assistant",
    ];
    const clean = redactorFor([...values, ...more]);
    const text = `must be a text: ${[...values, ...more].join(", ")}`;
    expect(clean(text)).toBe(text);
    // Behind its name even such a value is none of anybody's business, unless it is a placeholder.
    expect(clean("password=assistant")).toBe("password=***");
  });

  test("masks what is left of a secret where a text was cut, and no word that ends a sentence", () => {
    const secret = "vendor-Key+/99f3a1c7==";
    const clean = redactorFor([secret, "vendored"]);
    const url = encodeURIComponent(secret);
    for (let kept = 6; kept < secret.length; kept++)
      for (const after of ["", "…"])
        expect(clean(`no ${secret.slice(0, kept)}${after}`)).toBe(`no ***${after}`);
    for (let kept = 14; kept < url.length; kept++) expect(clean(`no ${url.slice(0, kept)}`)).toBe("no ***");
    for (const text of ["ask the vend", "its vendor-Keys are", "a vendor-Key+ is cut", "", "…"])
      expect(clean(text)).toBe(text);
  });

  test("still masks what looks like a credential", () => {
    const clean = redactorFor(["abc"]);
    expect(clean(`abc sk-${long}`)).toBe("abc sk-***");
  });

  test("secrets of real length are masked in every form: plain, in JSON, in URLs, within base64", () => {
    for (const secret of [
      long,
      hex,
      "only letters but longer",
      "abcdefghijklmno",
      "p@ss/w+rd=42 ",
      "gr\u00fcn-\u65e5\u672c-42",
    ]) {
      const clean = redactorFor([secret]);
      for (const before of ["", "u", "us", "use", "user"])
        for (const form of ["base64", "base64url"] as const) {
          const seen = Buffer.from(`${before}:${secret}`).toString(form);
          const shown = clean(`Basic of ${seen} end`);
          expect(shown).not.toContain(seen.slice(6, -6));
        }
      for (const seen of [secret, JSON.stringify({ a: secret }), `?x=${encodeURIComponent(secret)}`]) {
        expect(clean(seen)).toContain(mask);
        expect(clean(seen)).not.toContain(secret);
      }
    }
  });
});

describe("many secrets", () => {
  const secrets = Array.from({ length: 2_000 }, (_, at) => `client-${String(at).padStart(6, "0")}-canary`);

  test("are masked like a few, and a text costs about the same", () => {
    const clean = redactorFor(secrets);
    expect(clean("by client-000777-canary, then client-001999-canary and client-0012")).toBe(
      "by ***, then *** and ***",
    );
    const line = "a request of nobody in particular ".repeat(4);
    const started = process.cpuUsage().user;
    for (let at = 0; at < 500; at++) clean(line);
    // One search for each spelling took more than half a second.
    expect(process.cpuUsage().user - started).toBeLessThan(200_000);
  });

  test("a finder sees each of them, and no beginning of one", () => {
    for (const known of [secrets, secrets.slice(0, 3)]) {
      const holds = secretFinder(known);
      expect(holds("x client-000002-canary y")).toBe(true);
      expect(holds(encodeURIComponent("x client-000001-canary"))).toBe(true);
      expect(holds("team client-0000")).toBe(false);
      expect(holds("key sk-ant-0123456789abcdef")).toBe(true);
    }
  });
});
