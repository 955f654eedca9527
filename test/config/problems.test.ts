// Everything that is wrong in a config is said at once, with file, line, key and the nearest known word.

import { describe, expect, test } from "bun:test";
import { load, problems, type LoadOptions } from "./loading.ts";
import { ConfigProblem } from "../../src/config/problems.ts";

const provider = "providers:\n  a:\n    base_url: http://127.0.0.1:9\n    model: m\n";

type Row = [
  name: string,
  yaml: string,
  line: number | null,
  key: string,
  message: string,
  hint: string | null,
];

const rows: Row[] = [
  ["an unknown section", "sever:\n  port: 1", 1, "sever", "unknown key", '"server"'],
  ["an unknown key", "server:\n  prot: 1", 2, "server.prot", "unknown key", '"port"'],
  ["a key that is like nothing", "server:\n  zzzzzz: 1", 2, "server.zzzzzz", "unknown key", null],
  [
    "an unknown provider key",
    `${provider}    base_uri: x`,
    5,
    "providers.a.base_uri",
    "unknown key",
    '"base_url"',
  ],
  [
    "an unknown model key",
    `${provider}    models:\n      - id: x\n        contextwindow: 5`,
    7,
    "providers.a.models[0].contextwindow",
    "unknown key",
    '"context_window"',
  ],
  [
    "an unknown key of a rule",
    "static_rules:\n  rules:\n    - name: x\n      match: { model_request: r }\n      route_to: a\n" +
      provider,
    4,
    "static_rules.rules[0].match.model_request",
    "unknown key",
    '"model_requested"',
  ],
  [
    "an unknown key in a nested block",
    "static_rules:\n  rules:\n    - name: x\n      match: { any: [{ not: { headers_contain: {} } }] }\n      route_to: a\n" +
      provider,
    4,
    "static_rules.rules[0].match.any[0].not.headers_contain",
    "unknown key",
    '"header_contains"',
  ],
  ["a number for the providers", "server:\n  port: 1\nproviders: 7", 3, "providers", "must be a map", null],
  ["a list for the providers", "providers: [a, b]", 1, "providers", "must be a map", null],
  ["a text for a section", "routing: fast", 1, "routing", "must be a map", null],
  ["a text for a number", "server:\n  port: http", 2, "server.port", "must be a number", null],
  [
    "a quoted number that came from no variable",
    'server:\n  port: "80"',
    2,
    "server.port",
    "must be a number",
    null,
  ],
  [
    "a number for a text",
    `${provider}    api_key: 12345678`,
    5,
    "providers.a.api_key",
    "must be a text",
    "quotes",
  ],
  ["a fraction for a whole number", "server:\n  port: 1.5", 2, "server.port", "must be a whole number", null],
  ["a number out of bounds", "server:\n  port: 70000", 2, "server.port", "at most 65535", null],
  ["a negative time", "streaming:\n  keepalive_s: -1", 2, "streaming.keepalive_s", "at least 1", null],
  ["not a number", "server:\n  drain_s: .nan", 2, "server.drain_s", "must be a number", null],
  [
    "a word out of a list",
    "streaming:\n  keepalive: coment",
    2,
    "streaming.keepalive",
    "one of comment, event",
    '"comment"',
  ],
  [
    "a wrong backend",
    `${provider}    backend: openai`,
    5,
    "providers.a.backend",
    "one of",
    '"openai-compat"',
  ],
  ["a list for a map", "server: []", 1, "server", "must be a map", null],
  ["a map for a list", "fallback_chain: { a: 1 }", 1, "fallback_chain", "must be a list", null],
  ["a provider that is a text", "providers:\n  a: b", 2, "providers.a", "must be a map", null],
  [
    "no model",
    "providers:\n  a:\n    base_url: http://x",
    2,
    "providers.a.model",
    "needs `model` or `models`",
    null,
  ],
  [
    "a provider that is the gateway itself",
    "server: { port: 8099 }\nproviders:\n  a:\n    base_url: http://localhost:8099/v1\n    model: m",
    4,
    "providers.a.base_url",
    "this gateway's own address",
    null,
  ],
  ["no base URL", "providers:\n  a:\n    model: m", 2, "providers.a.base_url", "needs a base_url", null],
  [
    "anthropic-compat without a base URL",
    "providers:\n  a:\n    model: m\n    backend: anthropic-compat",
    2,
    "providers.a.base_url",
    "needs a base_url",
    null,
  ],
  [
    "a base URL without a scheme",
    "providers:\n  a:\n    model: m\n    base_url: api.example.com",
    4,
    "providers.a.base_url",
    "not a URL",
    null,
  ],
  [
    "a base URL with credentials",
    "providers:\n  a:\n    model: m\n    base_url: http://u:p@x/v1",
    4,
    "providers.a.base_url",
    "no credentials",
    null,
  ],
  [
    "a provider called auto",
    "providers:\n  auto:\n    model: m\n    base_url: http://x",
    2,
    "providers.auto",
    "router's own name",
    null,
  ],
  [
    "a provider with a slash",
    'providers:\n  "a/b":\n    model: m\n    base_url: http://x',
    2,
    "providers.a/b",
    "not a valid name",
    null,
  ],
  [
    "a header of two lines",
    `${provider}    headers: { x-a: "b\\nc" }`,
    5,
    "providers.a.headers.x-a",
    "on one line",
    null,
  ],
  [
    "a header of ours",
    `${provider}    headers: { Host: x }`,
    5,
    "providers.a.headers.Host",
    "set by the gateway",
    null,
  ],
  ["a wrong auth", `${provider}    auth: { type: bearer }`, 5, "providers.a.auth.type", "bearer-env", null],
  [
    "a price without output",
    `${provider}    pricing: { input: 1 }`,
    5,
    "providers.a.pricing.output",
    "is missing",
    null,
  ],
  [
    "an undeclared name in the chain",
    `${provider}fallback_chain: [a, aa]`,
    5,
    "fallback_chain[1]",
    '"aa" is not a declared provider',
    '"a"',
  ],
  [
    "a name twice in the chain",
    `${provider}fallback_chain: [a, a]`,
    5,
    "fallback_chain[1]",
    "listed twice",
    null,
  ],
  ["an alias to nothing", `${provider}aliases:\n  x: gpt`, 6, "aliases.x", "not a declared provider", null],
  ["an alias named auto", `${provider}aliases:\n  auto: a`, 6, "aliases.auto", "router's own name", null],
  [
    "a default model that is nothing",
    `${provider}default_model: mm`,
    5,
    "default_model",
    "not a declared provider",
    '"m"',
  ],
  [
    "a rule that points nowhere",
    `${provider}heuristic_rules:\n  rules:\n    - name: r\n      match: { fallthrough: true }\n      route_to: b`,
    9,
    "heuristic_rules.rules[0].route_to",
    '"b" is not a declared',
    null,
  ],
  [
    "a rule that routes to auto",
    `${provider}heuristic_rules:\n  rules:\n    - name: r\n      match: { fallthrough: true }\n      route_to: auto`,
    9,
    "heuristic_rules.rules[0].route_to",
    '"auto" is not a declared',
    null,
  ],
  [
    "two rules of one name",
    `${provider}static_rules:\n  rules:\n    - { name: r, match: { model_requested: x }, route_to: a }\n    - { name: r, match: { model_requested: y }, route_to: a }`,
    8,
    "static_rules.rules[1].name",
    "an earlier rule already has the name",
    null,
  ],
  [
    "a classifier that is not there",
    `${provider}llm_classifier:\n  classifier_provider: ab`,
    6,
    "llm_classifier.classifier_provider",
    "not a declared",
    '"a"',
  ],
  [
    "a short key where others can call",
    'server: { host: 0.0.0.0 }\nauth:\n  keys: ["short"]',
    3,
    "auth.keys[0]",
    "shorter than 16",
    "manage gen-key",
  ],
  ["an empty key", 'auth:\n  keys: [""]', 2, "auth.keys[0]", "the key is empty", null],
  ["an empty admin key", "auth:\n  admin_key:", 2, "auth.admin_key", "the key is empty", null],
  ["a bad hash", 'auth:\n  keys: ["sha256:abc"]', 2, "auth.keys[0]", "64 hexadecimal", null],
  [
    "two equal keys",
    'auth:\n  keys:\n    - "0123456789abcdef"\n    - "0123456789abcdef"',
    4,
    "auth.keys[1]",
    "auth.keys[0] on line 3",
    null,
  ],
  [
    "a key and its own hash",
    'auth:\n  keys:\n    - "0123456789abcdef"\n    - "sha256:9F9F5111F7B27A781F1F1DDDE5EBC2DD2B796BFC7365C9C28B548E564176929F"',
    4,
    "auth.keys[1]",
    "the same key",
    null,
  ],
  [
    "a tenant with the key of another",
    'tenants:\n  - { name: a, api_key: "0123456789abcdef" }\n  - { name: b, api_key: "0123456789abcdef" }',
    3,
    "tenants[1].api_key",
    "tenants[0].api_key on line 2",
    null,
  ],
  [
    "two tenants of one name",
    'tenants:\n  - { name: a, api_key: "0123456789abcdef" }\n  - { name: a, api_key: "0123456789abcdeg" }',
    3,
    "tenants[1].name",
    "on line 2",
    null,
  ],
  [
    "an unset variable",
    "server:\n  host: ${NOWHERE}",
    2,
    "server.host",
    "the variable NOWHERE is not set",
    "${NOWHERE:-default}",
  ],
  [
    "a broken reference",
    'server:\n  host: "${NO-WHERE}"',
    2,
    "server.host",
    "not a variable reference",
    "${NAME}",
  ],
  ["a bind beyond loopback", "server:\n  host: 0.0.0.0", 2, "server.host", "needs a key", null],
  ["a name that may be any address", "server:\n  host: gateway.lan", 2, "server.host", "needs a key", null],
  [
    "an origin with a path",
    "server:\n  allowed_origins: [https://a.example/x]",
    2,
    "server.allowed_origins[0]",
    "must be an origin",
    null,
  ],
  [
    "a star as origin",
    'server:\n  allowed_origins: ["*"]',
    2,
    "server.allowed_origins[0]",
    "must be an origin",
    null,
  ],
  [
    "a wrong address for containers",
    "server:\n  docker_host_ip: here",
    2,
    "server.docker_host_ip",
    "`auto` or an IP address",
    null,
  ],
  ["a text in place of the file's map", "just a text", 1, "", "must be a map of sections", null],
];

test.each(rows)("%s", (_name, yaml, line, key, message, hint) => {
  const [problem] = problems(yaml);
  expect(problem).toMatchObject({ path: "/work/config.yaml", line, key });
  expect(problem?.message).toContain(message);
  if (hint === null) expect(problem?.hint ?? "").not.toContain("did you mean");
  else expect(problem?.hint).toContain(hint);
});

describe("a section that is not a map is refused", () => {
  const rows: [name: string, yaml: string, key: string, surroundings: LoadOptions][] = [
    ["below a flag", "server: 7", "server", { flags: { port: 0, host: "127.0.0.1" } }],
    ["below a variable", "metrics: off", "metrics", { environment: { CLAWGATE_DB_PATH: "/tmp/x.db" } }],
    ["below a list of keys", "auth: none", "auth", { environment: { PROXY_API_KEYS: "k".repeat(20) } }],
    ["below the program's name", "cli: claude", "cli", { environment: { CLAUDE_BIN: "claude" } }],
    ["beside a cli section", "providers: 7\ncli: {}", "providers", {}],
  ];
  test.each(rows)("%s", (_name, yaml, key, surroundings) => {
    expect(problems(yaml, surroundings)).toMatchObject([
      { path: "/work/config.yaml", line: 1, key, message: "must be a map" },
    ]);
  });
});

describe("the text", () => {
  test("names file, line, key and the nearest word, one line a problem, in the order of the file", () => {
    const yaml = "server:\n  prot: 1\n  drain_s: soon\naliass: {}\n";
    expect(() => load(yaml)).toThrow(
      new ConfigProblem([
        {
          path: "/work/config.yaml",
          line: 2,
          key: "server.prot",
          message: "unknown key",
          hint: 'did you mean "port"?',
        },
        {
          path: "/work/config.yaml",
          line: 3,
          key: "server.drain_s",
          message: "must be a number",
          hint: null,
        },
        {
          path: "/work/config.yaml",
          line: 4,
          key: "aliass",
          message: "unknown key",
          hint: 'did you mean "aliases"?',
        },
      ]),
    );
    const [first, second] = problems(yaml);
    expect([first?.line, second?.line]).toEqual([2, 3]);
    const text = new ConfigProblem(problems(yaml)).message.split("\n");
    expect(text[0]).toBe("The config has 3 problems:");
    expect(text[1]).toBe('  /work/config.yaml:2 server.prot: unknown key; did you mean "port"?');
  });

  test("never holds a key", () => {
    const secret = "sk-canary-short";
    const yaml = `auth:\n  keys: ["${secret}"]\nproviders:\n  a:\n    api_key: "${secret} x"\n    base_url: http://u:${secret}@x\n    model: m\n    headers: { x-key: "${secret}\\n" }\n`;
    const found = problems(yaml);
    expect(found.length).toBeGreaterThan(2);
    expect(new ConfigProblem(found).message).not.toContain(secret);
  });
});
