import { describe, expect, test } from "bun:test";
import { isLoopback, proxyFor, type ProxyVariables, readProxyVariables } from "../../src/system/proxy.ts";

const variables: ProxyVariables = {
  httpProxy: "http://plain:1",
  httpsProxy: "http://secure:2",
  noProxy: null,
};

describe("which proxy", () => {
  const cases: readonly (readonly [url: string, noProxy: string | null, proxy: string | null])[] = [
    ["https://api.example.com/v1", null, "http://secure:2"],
    ["http://api.example.com/v1", null, "http://plain:1"],
    ["http://127.0.0.1:11434/v1", null, null],
    ["http://localhost:1234", null, null],
    ["http://[::1]:1234", null, null],
    ["http://models.localhost", null, null],
    ["https://api.example.com", "", "http://secure:2"],
    ["https://api.example.com", " , ,", "http://secure:2"],
    ["https://api.example.com", "*", null],
    ["https://api.example.com", "example.com", null],
    ["https://api.example.com", ".example.com", null],
    ["https://api.example.com", "*.example.com", null],
    ["https://API.EXAMPLE.com", "api.Example.COM", null],
    ["https://badexample.com", "example.com", "http://secure:2"],
    ["https://example.com.evil.org", "example.com", "http://secure:2"],
    ["https://api.example.com", "other.com, api.example.com", null],
    ["https://api.example.com", "api.example.com:443", null],
    ["https://api.example.com", "api.example.com:80", "http://secure:2"],
    ["http://api.example.com:8080", "api.example.com:8080", null],
    ["http://10.1.2.3:80", "10.0.0.0/8", null],
    ["http://11.1.2.3:80", "10.0.0.0/8", "http://plain:1"],
    ["http://192.168.7.9", "192.168.7.8/31", null],
    ["http://10.1.2.3", "10.0.0.0/33", "http://plain:1"],
    ["http://10.1.2.3", "0.0.0.0/0", null],
    ["http://api.example.com", "10.0.0.0/8", "http://plain:1"],
    ["http://[fd00::1]:8000", "fd00::1", null],
    ["http://[fd00::1]:8000", "[fd00::1]:8000", null],
    ["http://[fd00::1]:8000", "[fd00::1]:9000", "http://plain:1"],
    ["http://[fd00::1]:8000", "fd00::2", "http://plain:1"],
  ];
  test.each([...cases])("%s without %p: %p", (url, noProxy, proxy) => {
    expect(proxyFor(new URL(url), null, { ...variables, noProxy })).toBe(proxy);
  });

  test("the provider's own word wins, but for loopback", () => {
    const url = new URL("https://api.example.com");
    expect(proxyFor(url, "http://own:3", { ...variables, noProxy: "*" })).toBe("http://own:3");
    expect(proxyFor(url, "direct", variables)).toBeNull();
    expect(proxyFor(new URL("http://127.0.0.1"), "http://own:3", variables)).toBeNull();
  });

  test("without variables there is no proxy", () => {
    expect(proxyFor(new URL("https://a.b"), null, readProxyVariables({}))).toBeNull();
  });
});

test("variables: lower case first, ALL_PROXY for what is not named", () => {
  expect(readProxyVariables({ HTTP_PROXY: "a", http_proxy: "b", ALL_PROXY: "c", NO_PROXY: "d" })).toEqual({
    httpProxy: "b",
    httpsProxy: "c",
    noProxy: "d",
  });
  expect(readProxyVariables({ https_proxy: "", HTTPS_PROXY: "e" }).httpsProxy).toBe("e");
});

test("names of this machine", () => {
  for (const host of ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "[::1]", "::1", "a.localhost"])
    expect(isLoopback(host)).toBe(true);
  for (const host of ["localhost.evil.org", "128.0.0.1", "127.0.0.1.evil.org", "notlocalhost", "0.0.0.0"])
    expect(isLoopback(host)).toBe(false);
});
