import { expect, test } from "bun:test";
import { hostAndPort, reachableHost, reachableOrigin } from "../../src/system/http-origin.ts";

test.each([
  ["127.0.0.1", "127.0.0.1:80"],
  ["localhost", "localhost:80"],
  ["::1", "[::1]:80"],
  ["[::1]", "[::1]:80"],
  ["fd00::7", "[fd00::7]:80"],
])("%s with a port: %s", (host, text) => {
  expect(hostAndPort(host, 80)).toBe(text);
});

test.each([
  ["0.0.0.0", "127.0.0.1"],
  ["", "127.0.0.1"],
  ["::", "[::1]"],
  ["[::]", "[::1]"],
  ["::1", "[::1]"],
  ["[::1]", "[::1]"],
  ["fd00::7", "[fd00::7]"],
  // Nothing listens on 127.0.0.1 then.
  ["127.0.0.2", "127.0.0.2"],
  ["192.168.1.2", "192.168.1.2"],
  ["gateway.lan", "gateway.lan"],
])("a server on %s is reached at %s", (host, reached) => {
  expect(reachableHost(host)).toBe(reached);
  expect(new URL(reachableOrigin(host, 8090)).origin).toBe(`http://${reached}:8090`);
});
