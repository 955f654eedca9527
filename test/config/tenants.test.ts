// What the config may say of a tenant: keys, models, limits; and what is refused with its place.

import { describe, expect, test } from "bun:test";
import { holdsPlainKeys } from "../../src/config/notices.ts";
import { keysOfTenant } from "../../src/tenants/settings.ts";
import { load, problems } from "./loading.ts";

const base = `
providers:
  ds: { base_url: "http://127.0.0.1:1/v1", model: m }
aliases: { fast: ds }
`;
const withTenant = (text: string): string => `${base}tenants:\n  - { name: alice, ${text} }\n`;
const hash = "ab".repeat(32);

test("a tenant with everything", () => {
  const [alice] = load(
    withTenant(
      `api_key: alice-key-0123456789, keys: [{ key: "second-key-0123456789", expires: 2027-01-31 }, { sha256: "${hash}" }],
       models: [auto, "ds/*"], provider: ds,
       limits: { requests_per_minute: 5, tokens_per_minute: 9, max_concurrent: 2, over_budget_model: fast,
                 budget: { usd_per_day: 0.5, usd_per_month: 5, tokens_per_day: 1, tokens_per_month: 2 } }`,
    ),
  ).config.tenants;
  if (alice === undefined) throw new Error("there is no tenant");
  expect(keysOfTenant(alice)).toEqual([
    { key: "alice-key-0123456789", expiresAtMs: null, createdAtMs: null, path: ["api_key"] },
    {
      key: "second-key-0123456789",
      expiresAtMs: Date.UTC(2027, 0, 31),
      createdAtMs: null,
      path: ["keys", 0, "key"],
    },
    { key: `sha256:${hash}`, expiresAtMs: null, createdAtMs: null, path: ["keys", 1, "sha256"] },
  ]);
  expect(alice.limits?.budget?.usd_per_day).toBe(0.5);
});

test("keys alone are enough, and open nothing to others", () => {
  const text = withTenant(`keys: [{ sha256: "${hash}" }]`);
  expect(load(`server: { host: 0.0.0.0 }\n${text}`).config.tenants.length).toBe(1);
});

describe("refused", () => {
  const key = "api_key: alice-key-0123456789";
  test.each([
    ["no key at all", "models: [auto]", "tenants[0]", "has no key"],
    [
      "a key twice",
      `${key}, keys: [{ key: alice-key-0123456789 }]`,
      "tenants[0].keys[0].key",
      "the same key",
    ],
    [
      "a key and its hash",
      `${key}, keys: [{ sha256: ${new Bun.CryptoHasher("sha256").update("alice-key-0123456789").digest("hex")} }]`,
      "tenants[0].keys[0].sha256",
      "the same key",
    ],
    ["neither key nor hash", `${key}, keys: [{ expires: 2027-01-31 }]`, "tenants[0].keys[0]", "either"],
    [
      "no date",
      `${key}, keys: [{ sha256: "${hash}", expires: soon }]`,
      "tenants[0].keys[0].expires",
      "a date",
    ],
    [
      "a time without a zone",
      `${key}, keys: [{ sha256: "${hash}", expires: "2027-01-31T18:00" }]`,
      "tenants[0].keys[0].expires",
      "",
    ],
    [
      "a month that is none",
      `${key}, keys: [{ sha256: "${hash}", expires: 2027-13-01 }]`,
      "tenants[0].keys[0].expires",
      "no such date",
    ],
    ["no such provider", `${key}, provider: dss`, "tenants[0].provider", "declared provider"],
    [
      "no such cheaper model",
      `${key}, limits: { over_budget_model: nothing }`,
      "tenants[0].limits.over_budget_model",
      "nothing",
    ],
    [
      "no requests at all",
      `${key}, limits: { requests_per_minute: 0 }`,
      "tenants[0].limits.requests_per_minute",
      "",
    ],
    [
      "a negative budget",
      `${key}, limits: { budget: { usd_per_day: -1 } }`,
      "tenants[0].limits.budget.usd_per_day",
      "",
    ],
    ["an unknown limit", `${key}, limits: { per_minute: 5 }`, "tenants[0].limits.per_minute", "unknown key"],
  ])("%s", (_name, text, place, words) => {
    const found = problems(withTenant(text));
    const [first] = found;
    expect(found.map((problem) => problem.key)).toEqual([place]);
    expect(first?.message).toContain(words);
  });
});

describe("names that are nowhere else in the config", () => {
  const baseConfig = `
providers:
  ds: { base_url: "http://127.0.0.1:1/v1", model: deepseek-chat }
  claude-cli: { backend: claude-cli }
aliases: { fast: ds, "gpt-*": ds }
mcp_servers: { notes: { command: /bin/true } }
static_rules:
  rules: [{ name: r, match: { model_requested: ["cheap-*"] }, route_to: ds }]
`;
  const tenant = (text: string): string =>
    `${baseConfig}tenants:\n  - name: alice\n    api_key: alice-key-0123456789\n    ${text}\n`;

  test.each([
    ["models: [auto, deepseek-caht]", "tenants[0].models[1]", '"deepseek-chat"'],
    ["models: [fasst]", "tenants[0].models[0]", '"fast"'],
    ["models: [dss/deepseek-chat]", "tenants[0].models[0]", '"ds/deepseek-chat"'],
    ["models: ['dss/*']", "tenants[0].models[0]", ""],
    ["models: ['depseek-*']", "tenants[0].models[0]", ""],
    ["provider: sd", "tenants[0].provider", '"ds"'],
    ["limits: { over_budget_model: fasst }", "tenants[0].limits.over_budget_model", '"fast"'],
    ["mcp_servers: [nots]", "tenants[0].mcp_servers[0]", '"notes"'],
  ])("%s: file, line, key and the nearest name", (text, key, near) => {
    const [problem, ...others] = problems(tenant(text));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ key, line: 12 });
    expect(problem?.path).toEndWith("config.yaml");
    expect(problem?.hint ?? "").toContain(near);
  });

  test.each([
    "models: [auto, ds, fast, deepseek-chat, ds/deepseek-chat, ds/what-nobody-lists]",
    "models: ['*', 'ds/*', 'd*/*', 'deepseek-*', 'FA*', gpt-6-luna, cheap-one, 'cheap-*']",
    "models: [opus, claude-sonnet-4-6, 'claude-*', claude-cli/opus]",
    "provider: claude-cli",
    "mcp_servers: [notes]",
  ])("%s is right", (text) => {
    expect(load(tenant(text)).config.tenants.length).toBe(1);
  });
});

test("two tenants cannot be one container; a user is a number, a name, or a number in a text", () => {
  const two = (one: string, other: string): string =>
    `${base}tenants:\n  - { name: a, api_key: key-of-a-0123456789, ${one} }\n  - { name: b, api_key: key-of-b-0123456789, ${other} }\n`;
  const [problem, ...others] = problems(two("container: claw", "container: claw"));
  expect([problem?.key, others]).toEqual(["tenants[1].container", []]);
  expect(problem?.message).toContain('the tenant "a" already has the container');
  expect(load(two("container: one, uid: 1000", 'container: two, uid: "1001"')).config.tenants).toMatchObject([
    { uid: 1000 },
    { uid: "1001" },
  ]);
  for (const uid of ["0", "-1", "root;id", "'0'", "1.5"])
    expect(problems(two(`uid: ${uid}`, "env: {}")).map(({ key }) => key)).toEqual(["tenants[0].uid"]);
});

test("a plain key among the further ones is noticed, a hash and a variable are not", () => {
  const written = (keys: readonly object[]) => ({ tenants: [{ name: "a", api_key: "${A}", keys }] });
  expect(holdsPlainKeys(written([{ key: "second-key-0123456789" }]))).toBe(true);
  expect(holdsPlainKeys(written([{ key: "${B}" }, { sha256: hash }]))).toBe(false);
});

test("two tenants whose names differ by case alone are refused by name", () => {
  const two = (other: string): string =>
    `${base}tenants:\n  - { name: alice, api_key: first-key-0123456789 }\n  - { name: ${other}, api_key: other-key-0123456789 }\n`;
  expect(JSON.stringify(problems(two("Alice")))).toContain('differs from \\"alice\\" on line');
  expect(JSON.stringify(problems(two("alice")))).toContain("the tenant on line");
  expect(load(two("default")).config.tenants.map(({ name }) => name)).toEqual(["alice", "default"]);
});
