import { expect, test } from "bun:test";
import { elysiaPath, methodsAt, nameIn, suggestedPath, splitUrl } from "../../src/server/paths.ts";

test.each([
  ["http://localhost/v1/models?a=1&b=2", "/v1/models", "a=1&b=2"],
  ["http://a/v1/models", "/v1/models", ""],
  ["http://[::1]:8090//v1//models", "//v1//models", ""],
  ["http://a/?x=/y", "/", "x=/y"],
  ["/v1/models?x", "/v1/models", "x"],
  ["http://a", "", ""],
  ["a:80", "", ""],
])("%s is %s and %p", (url, path, query) => {
  expect(splitUrl(url)).toEqual([path, query]);
});

test.each([
  ["/health", "/health", ""],
  ["/health", "/health/", null],
  ["/v1/models/*", "/v1/models/a", "a"],
  ["/v1/models/*", "/v1/models/a/b", "a/b"],
  ["/v1/models/*", "/v1/models/a%2Fb%20c", "a/b c"],
  ["/v1/models/*", "/v1/models/", null],
  ["/v1/models/*", "/v1/models", null],
  ["/v1/models/*", "/v1/models/%E0%A4%A", null],
  ["/api/providers/*/reset", "/api/providers/a/reset", "a"],
  ["/api/providers/*/reset", "/api/providers/a%2Fb/reset", "a/b"],
  ["/api/providers/*/reset", "/api/providers/a/b/reset", null],
  ["/api/providers/*/reset", "/api/providers//reset", null],
  ["/api/providers/*/reset", "/api/providers/reset", null],
  ["/v1beta/models/*:countTokens", "/v1beta/models/a:countTokens", "a"],
  ["/v1beta/models/*:countTokens", "/v1beta/models/a/b:8b:countTokens", "a/b:8b"],
  ["/v1beta/models/*:countTokens", "/v1beta/models/a%2Fb%3A8b:countTokens", "a/b:8b"],
  ["/v1beta/models/*:countTokens", "/v1beta/models/:countTokens", null],
  ["/v1beta/models/*:countTokens", "/v1beta/models/a:generateContent", null],
])("%s holds in %s the name %p", (pattern, path, name) => {
  expect(nameIn(pattern, path)).toBe(name);
});

test.each([
  ["/health", "/health"],
  ["/v1/models/*", "/v1/models/*"],
  ["/api/providers/*/reset", "/api/providers/:name/reset"],
  ["/v1beta/models/*:countTokens", "/v1beta/models/*"],
])("%s is mounted as %s", (pattern, path) => {
  expect(elysiaPath(pattern)).toBe(path);
});

test("the methods of a path, HEAD with every GET", () => {
  const table = [
    { method: "GET", path: "/a/*" },
    { method: "POST", path: "/a/b" },
  ];
  expect(methodsAt(table, "/a/b")).toEqual(["GET", "HEAD", "POST"]);
  expect(methodsAt(table, "/b")).toEqual([]);
});

test.each([
  ["/messages", "/v1/messages"],
  ["/v1/v1/messages", "/v1/messages"],
  ["//v1/messages", "/v1/messages"],
  ["/v1/messages/", "/v1/messages"],
  ["/models/a/b", "/v1/models/a/b"],
  ["/models/a:countTokens", "/v1beta/models/a:countTokens"],
  ["/v1/v1beta/models/a:countTokens", "/v1beta/models/a:countTokens"],
  ["/models/llama3:8b", "/v1/models/llama3:8b"],
  ["/v1/nothing", null],
  ["/", null],
  ["/models/<b>", null],
  [`/${"v1/".repeat(10_000)}messages`, null],
])("%s probably meant %p", (path, meant) => {
  const table = [
    { method: "POST", path: "/v1/messages" },
    { method: "POST", path: "/v1beta/models/*:countTokens" },
    { method: "GET", path: "/v1/models/*" },
  ];
  expect(suggestedPath(table, path)).toBe(meant);
});
