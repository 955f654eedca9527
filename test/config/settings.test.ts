// Rules of single slices that deserve a table: base URLs and unprotected addresses.

import { describe, expect, test } from "bun:test";
import { type BackendName, resolveBaseUrl } from "../../src/backends/settings.ts";
import { checkExposure } from "../../src/config/cross-checks.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { configSchema } from "../../src/config/schema.ts";
import { load } from "./loading.ts";

describe("resolveBaseUrl", () => {
  test.each<[string, string, BackendName?]>([
    ["https://api.openai.com", "https://api.openai.com/v1"],
    ["https://api.openai.com/", "https://api.openai.com/v1"],
    ["https://api.openai.com/v1", "https://api.openai.com/v1"],
    ["https://api.openai.com/v1///", "https://api.openai.com/v1"],
    ["https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"],
    ["https://openrouter.ai/api", "https://openrouter.ai/api/v1"],
    ["https://api.z.ai/api/paas/v4", "https://api.z.ai/api/paas/v4"],
    ["https://x.example/v1beta", "https://x.example/v1beta"],
    ["https://x.example/v2/gateway", "https://x.example/v2/gateway/v1"],
    ["https://x.example/vision", "https://x.example/vision/v1"],
    [
      "https://generativelanguage.googleapis.com/v1beta/openai/",
      "https://generativelanguage.googleapis.com/v1beta/openai",
    ],
    ["https://api.groq.com/openai", "https://api.groq.com/openai/v1"],
    ["http://[::1]:8080", "http://[::1]:8080/v1"],
    ["HTTP://LOCALHOST:80/V1", "http://localhost/V1/v1"],
    [
      "https://generativelanguage.googleapis.com",
      "https://generativelanguage.googleapis.com/v1beta",
      "google-genai",
    ],
    [
      "https://generativelanguage.googleapis.com/v1",
      "https://generativelanguage.googleapis.com/v1",
      "google-genai",
    ],
    ["https://api.anthropic.com", "https://api.anthropic.com/v1", "anthropic"],
  ])("%p is %p", (raw, url, backend = "openai-compat") => {
    expect(resolveBaseUrl(raw, backend)).toEqual({ url });
  });

  test.each([
    ["api.openai.com/v1", "not a URL"],
    ["", "not a URL"],
    ["ftp://x/v1", "only http"],
    ["file:///etc/passwd", "only http"],
    ["https://user:secret@x/v1", "no credentials"],
    ["https://x/v1?key=1", "no query"],
    ["https://x/v1#a", "no query and no fragment"],
  ])("%p is refused", (raw, problem) => {
    const resolved = resolveBaseUrl(raw, "openai-compat");
    expect("problem" in resolved ? resolved.problem : resolved.url).toContain(problem);
  });
});

describe("checkExposure", () => {
  const { config } = load('auth: { keys: ["0123456789abcdef"] }');
  const at = (host: string, keys: readonly string[]): string | null =>
    checkExposure({ ...config, server: { ...config.server, host }, auth: { keys: [...keys], clients: [] } });

  test.each(["127.0.0.1", "127.9.8.7", "localhost", "LocalHost", "::1", "[::1]"])(
    "%s needs no key",
    (host) => {
      expect(at(host, [])).toBeNull();
    },
  );

  test.each([
    "0.0.0.0",
    "::",
    "192.168.1.2",
    "gateway.lan",
    "127.0.0.1.example.com",
    "localhost.example.com",
    "0",
  ])("%s needs one", (host) => {
    expect(at(host, [])).toContain("needs a key");
    expect(at(host, ["0123456789abcdef"])).toBeNull();
  });

  test("an admin key is not accepted by the data endpoints, a tenant's key does", () => {
    const open = { ...config, server: { ...config.server, host: "0.0.0.0" } };
    expect(
      checkExposure({ ...open, auth: { keys: [], clients: [], admin_key: "0123456789abcdef" } }),
    ).not.toBeNull();
    const tenants = [{ name: "a", api_key: "0123456789abcdef", keys: [], env: {} }];
    expect(checkExposure({ ...open, auth: { keys: [], clients: [] }, tenants })).toBeNull();
    const clients = [{ name: "codex", key: "0123456789abcdef" }];
    expect(checkExposure({ ...open, auth: { keys: [], clients } })).toBeNull();
  });
});

test("the JSON Schema is closed, and describes what a person may write", () => {
  const schema = configJsonSchema();
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toBeUndefined();
  expect(Object.keys(schema.properties ?? {})).toEqual(Object.keys(configSchema.shape));
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
});
