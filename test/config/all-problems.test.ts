// One start shows everything that is wrong: what YAML, the schema and the sections together say, each with its place, and nothing
// that only follows from another fault.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { backendNames } from "../../src/backends/settings.ts";
import { problemText } from "../../src/config/problems.ts";
import { load, problems, type LoadOptions } from "./loading.ts";

const told = (yaml: string, surroundings: LoadOptions = {}): readonly string[] =>
  problems(yaml, surroundings).map(problemText);

const wrong = `server:
  port: http
  prot: 8090
auth:
  keys: [0123456789abcdef, "", 0123456789abcdef]
providers:
  a:
    base_url: http://127.0.0.1:9
    model: m
    quirks: [max-completion-token]
    weight: heavy
  b:
    model: m
    weight: heavy
  c:
    backend: openai
    base_url: http://127.0.0.1:9
    model: m
aliases:
  x: aa
  y: 5
default_model: y
fallback_chain: [a, bb, c, a]
static_rules:
  rules:
    - { name: r, match: {}, route_to: a }
    - { name: s, match: { model_requested: q }, route_to: nobody }
    - { name: s, match: { model_requested: q }, route_to: c }
tenants:
  - { name: t1, api_key: tenant-key-of-thirty, provider: zz, models: [a, none], limits: { requests_per_minute: no } }
  - { api_key: tenant-key-of-forty1 }
  - { name: t3, api_key: tenant-key-of-thirty, mcp_servers: [notes] }
`;

describe("everything at once", () => {
  test("of every section, with path and line", () => {
    const expected = [
      [2, "server.port: must be a number"],
      [3, "server.prot: unknown key"],
      [5, "auth.keys[1]: the key is empty"],
      [5, "auth.keys[2]: the same key is also used at auth.keys[0]"],
      [10, "providers.a.quirks[0]: no quirk is called"],
      [11, "providers.a.weight: must be a number"],
      [12, "providers.b.base_url: backend openai-compat needs a base_url"],
      [14, "providers.b.weight: must be a number"],
      [16, "providers.c.backend: must be one of"],
      [20, 'aliases.x: "aa" is not a declared provider'],
      [21, "aliases.y: must be a text"],
      [23, 'fallback_chain[1]: "bb" is not a declared provider'],
      [23, 'fallback_chain[3]: "a" is listed twice'],
      [26, "static_rules.rules[0].match: "],
      [27, 'static_rules.rules[1].route_to: "nobody" is not'],
      [28, 'static_rules.rules[2].name: an earlier rule already has the name "s"'],
      [30, 'tenants[0].provider: "zz" is not a declared provider'],
      [30, "tenants[0].limits.requests_per_minute: must be a number"],
      [31, "tenants[1].name: is missing"],
      [32, "tenants[2].api_key: the same key is also used at tenants[0].api_key on line 30"],
      [32, 'tenants[2].mcp_servers[0]: "notes" is not one of mcp_servers'],
    ].map(([line, words]) => `/work/config.yaml:${line} ${words}`);
    const found = told(wrong, { environment: { PORT: "abc", LOG_LEVEL: "loud", REQUIRE_AUTH: "perhaps" } });
    const more = ["PORT (server.port): must be a number", "LOG_LEVEL (server.log_level): must be one of"];
    const missing = [...expected.slice(1), ...more, "REQUIRE_AUTH: must be true or false"].filter(
      (words) => !found.some((each) => each.startsWith(words)),
    );
    expect(missing).toEqual([]);
    // PORT lies over what stands on line 2.
    expect(found.filter((each) => !expected.some((words) => each.startsWith(words)))).toHaveLength(3);
  });

  test("keys that YAML takes and a config does not, beside all others", () => {
    const found = told(
      "server:\n  port: 1\n  port: 2\nproviders:\n  a: { base_url: http://127.0.0.1:9, model: m }\n  <<: 5\n" +
        "fallback_chain: [b]\nserver: {}\naliases: { x: *no }\nmetrics: { enabled: perhaps }\n",
    );
    expect(found.map((each) => each.replace("/work/config.yaml", ""))).toEqual([
      expect.stringContaining(":3 server.port: duplicate key, first defined on line 2"),
      expect.stringContaining(':7 fallback_chain[0]: "b" is not a declared provider'),
      expect.stringContaining(":8 server: duplicate key, first defined on line 1"),
      expect.stringMatching(/:9 .*no/),
      expect.stringContaining(":10 metrics.enabled: must be true or false"),
      expect.stringContaining("`<<` must refer to a map"),
    ]);
  });

  test("a broken line of YAML hides only its own section", () => {
    const found = told(
      "server:\n  port: http\naliases:\n  x: y: z\n\tb: 1\nproviders:\n  a: { base_url: http://127.0.0.1:9, model: m, wait: 1 }\n" +
        "queue:\n  dept: 1\n",
    ).join("\n");
    expect(found).toContain(":2 server.port: must be a number");
    expect(found).toContain(":4: not YAML: ");
    expect(found).toContain(":5: not YAML: ");
    expect(found).toContain(":7 providers.a.wait: unknown key");
    expect(found).toContain(":9 queue.dept: unknown key");
    expect(found).not.toContain("aliases");
  });

  test("of what an open bracket has swallowed nothing is said", () => {
    const found = told(
      "server:\n  port: http\naliases: { x: [a, b\nproviders:\n  a: { base_url: http://127.0.0.1:9, model: m }\nfallback_chain: [a]\n",
    );
    expect(found.filter((each) => !each.includes("not YAML"))).toEqual([
      "/work/config.yaml:2 server.port: must be a number",
    ]);
  });

  test("what is exposed, unreadable and unknown is said together", () => {
    const found = told("server: { host: 0.0.0.0 }\nmcp_servers: ./none.json\nsevre: {}\n").join("\n");
    expect(found).toContain("listening on 0.0.0.0 needs a key");
    expect(found).toContain("mcp_servers names this file, which does not exist");
    expect(found).toContain('sevre: unknown key; did you mean "server"?');
  });
});

/** One fault of each section, and the place at which it is told. */
const faults: readonly (readonly [yaml: string, key: string])[] = [
  ["server: { port: http }", "server.port"],
  ["auth: { keys: [5] }", "auth.keys[0]"],
  ["aliases: { x: nobody }", "aliases.x"],
  ["default_model: nobody", "default_model"],
  ["fallback_chain: [nobody]", "fallback_chain[0]"],
  ["routing: { strategy: luck }", "routing.strategy"],
  [
    "static_rules: { rules: [{ name: r, match: { model_requested: q }, route_to: nobody }] }",
    "static_rules.rules[0].route_to",
  ],
  [
    "heuristic_rules: { rules: [{ name: r, match: { fallthrough: 5 }, route_to: a }] }",
    "heuristic_rules.rules[0].match.fallthrough",
  ],
  ["llm_classifier: { classifier_provider: nobody }", "llm_classifier.classifier_provider"],
  ["streaming: { stall_s: long }", "streaming.stall_s"],
  ["queue: { dept: 1 }", "queue.dept"],
  ["health: 5", "health"],
  ["metrics: { enabled: perhaps }", "metrics.enabled"],
  ["prompt_caching: [a]", "prompt_caching"],
  ["session: { ttl: 0 }", "session.ttl"],
  ["skills: { sync: often }", "skills.sync"],
  ["tenants: [{ name: t, api_key: 0123456789abcdefg, provider: nobody }]", "tenants[0].provider"],
  ["mcp_servers: { s: { command: 5 } }", "mcp_servers.s.command"],
  ["sections: {}", "sections"],
  ["cli: { timeout: soon }", "cli.timeout"],
];

test("any faults in any order: each is told, at its line, and nothing else", () => {
  const lines = fc.shuffledSubarray([...faults], { minLength: 1 });
  fc.assert(
    fc.property(lines, (chosen) => {
      const yaml = [
        "providers: { a: { base_url: http://127.0.0.1:9, model: m } }",
        ...chosen.map(([text]) => text),
      ];
      const found = problems(yaml.join("\n"), { backends: new Set(backendNames) });
      expect(found.map(({ line, key }) => `${line} ${key}`)).toEqual(
        chosen.map(([, key], at) => `${at + 2} ${key}`),
      );
    }),
    { numRuns: 300 },
  );
}, 30_000);

describe("one fault is one line", () => {
  const provider = "providers:\n  a: { base_url: http://127.0.0.1:9, model: m }\n";
  test.each([
    [
      "a provider of an unknown kind is a provider",
      "providers:\n  a: { backend: x, model: m }\nfallback_chain: [a]",
      1,
    ],
    ["an address that is none", "providers:\n  a: { base_url: x, model: m }\naliases: { y: a, z: m }", 1],
    ["an alias with a wrong target is a name", `${provider}aliases: { x: 5 }\ndefault_model: x`, 1],
    [
      "a wrong alias of a tenant's models",
      `${provider}aliases: { x: 5 }\ntenants: [{ name: t, api_key: 0123456789abcdefg, models: [x] }]`,
      1,
    ],
    [
      "a broken rule that gives names",
      `${provider}static_rules:\n  rules: [{ name: r, match: { model_requested: 5 }, route_to: a }]\ntenants: [{ name: t, api_key: 0123456789abcdefg, models: [r1] }]`,
      1,
    ],
    ["a list of keys that is none, beyond loopback", "server: { host: 0.0.0.0 }\nauth: { keys: 5 }", 1],
    ["a wrong key of a tenant", "tenants: [{ name: t, keys: [{ key: 5 }] }]", 1],
    ["a section that is a text", `${provider}tenants: none\nserver: { host: 0.0.0.0 }`, 1],
    ["a limit of bodies that another one goes by", "server: { body_limit_mb: much, body_memory_mb: 33 }", 1],
  ])("%s", (_name, yaml, count) => {
    expect(told(yaml)).toHaveLength(count);
  });
});

describe("short keys", () => {
  const tenant = "tenants:\n  - { name: t, api_key: t1, keys: [{ key: t2 }] }\n";
  test.each([
    ["PROXY_API_KEYS", "", { PROXY_API_KEYS: "my-secret-key" }, ["PROXY_API_KEYS: "]],
    ["auth.keys", "auth:\n  keys: [short]", {}, ["/work/config.yaml:2 auth.keys[0]: "]],
    ["auth.admin_key", "auth: { admin_key: short }", {}, ["/work/config.yaml:1 auth.admin_key: "]],
    [
      "tenants",
      tenant,
      {},
      ["/work/config.yaml:2 tenants[0].api_key: ", "/work/config.yaml:2 tenants[0].keys[0].key: "],
    ],
  ] as const)("%s: taken with a warning on loopback, refused beyond", (_name, yaml, environment, places) => {
    for (const host of ["127.0.0.1", "localhost", "::1", "127.8.0.1"]) {
      const { notices } = load(yaml, { environment: { ...environment, HOST: host } });
      for (const place of places)
        expect(
          notices.filter((notice) => notice.startsWith(`${place}a key is shorter than 16`)),
        ).toHaveLength(1);
      expect(notices.join("\n")).not.toMatch(/my-secret-key|\bt1\b|: short\b/);
    }
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "gateway.lan"]) {
      const found = told(yaml, { environment: { ...environment, HOST: host } });
      expect(found.filter((each) => each.includes("the key is shorter than 16"))).toHaveLength(places.length);
      expect(found.join("\n")).not.toContain("my-secret-key");
    }
  });

  test("sixteen characters and hashes are not short", () => {
    const { notices } = load(`auth: { keys: [0123456789abcdef, "sha256:${"ab".repeat(32)}"] }`);
    expect(notices).toEqual([]);
  });
});
