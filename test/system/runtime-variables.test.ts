// What the runtime inside the program obeys is named, and never its value.

import { expect, test } from "bun:test";
import { certificateNote, runtimeWarnings } from "../../src/system/runtime-variables.ts";

test.each([
  ["BUN_OPTIONS", "--preload ./secret-value.ts", "foreign code"],
  ["LD_PRELOAD", "/secret-value.so", "foreign code"],
  ["LD_AUDIT", "/secret-value.so", "foreign code"],
  ["DYLD_INSERT_LIBRARIES", "/secret-value.dylib", "foreign code"],
  ["BUN_BE_BUN", "0", "the bun command"],
  ["BUN_INSPECT", "ws://secret-value", "debugger"],
  ["BUN_INSPECT_NOTIFY", "secret-value", "debugger"],
  ["BUN_CONFIG_VERBOSE_FETCH", "curl", "keys in plain text"],
  ["NODE_TLS_REJECT_UNAUTHORIZED", "0", "certificates are not checked"],
  ["SSLKEYLOGFILE", "/secret-value", "TLS"],
  ["NODE_OPTIONS", "--secret-value", "differently"],
  ["BUN_JSC_useJIT", "0", "differently"],
  ["BUN_FEATURE_FLAG_DISABLE_DNS_CACHE", "1", "differently"],
  ["BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS", "1", "differently"],
  ["BUN_DEBUG_QUIET_LOGS", "1", "differently"],
])("%s=%s", (name, value, words) => {
  const [warning, ...rest] = runtimeWarnings({ [name]: value, PATH: "/bin" });
  expect(rest).toEqual([]);
  expect(warning).toStartWith(`${name} is set: `);
  expect(warning).toContain(words);
  expect(warning).not.toContain("secret-value");
});

test.each([
  // Many machines with a GPU or a Python of their own have it.
  ["LD_LIBRARY_PATH", "/opt/lib"],
  ["BUN_INSTALL", "/home/me/.bun"],
  ["BUN_INSTALL_CACHE_DIR", "/tmp"],
  // The program sets it itself.
  ["BUN_CONFIG_MAX_HTTP_REQUESTS", "65336"],
  ["BUN_CONFIG_REGISTRY", "x"],
  ["BUN_CONFIG_VERBOSE_FETCH", "0"],
  ["NODE_TLS_REJECT_UNAUTHORIZED", "1"],
  ["NODE_ENV", "production"],
  ["BUN_OPTIONS", ""],
  ["MY_BUN_OPTIONS", "x"],
])("%s=%s is worth no word", (name, value) => {
  expect(runtimeWarnings({ [name]: value })).toEqual([]);
});

test("one line for those of a kind", () => {
  expect(runtimeWarnings({ NODE_OPTIONS: "x", BUN_JSC_a: "1" })).toEqual([
    expect.stringMatching(/^BUN_JSC_a, NODE_OPTIONS are set: /),
  ]);
});

test("more certificates than the machine's are a note", () => {
  expect(certificateNote({})).toBeNull();
  expect(certificateNote({ NODE_EXTRA_CA_CERTS: "/x" })).toContain("NODE_EXTRA_CA_CERTS is set");
});
