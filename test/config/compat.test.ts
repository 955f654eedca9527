// `server.compat`, CLAWGATE_COMPAT and --compat: another program's default port, which anything that names a port wins over.

import { describe, expect, test } from "bun:test";
import { load } from "./loading.ts";

const cases: readonly (readonly [
  yaml: string,
  environment: Record<string, string>,
  flags: { port?: number; compat?: string },
  port: number,
  compat: "cc-gateway" | "claude-proxy" | "cliproxyapi" | undefined,
])[] = [
  ["{}", {}, {}, 8090, undefined],
  ["server: { compat: cc-gateway }", {}, {}, 3456, "cc-gateway"],
  ["server: { compat: claude-proxy }", {}, {}, 4523, "claude-proxy"],
  ["server: { compat: cliproxyapi }", {}, {}, 3456, "cliproxyapi"],
  ["{}", { CLAWGATE_COMPAT: "claude-proxy" }, {}, 4523, "claude-proxy"],
  ["{}", {}, { compat: "cc-gateway" }, 3456, "cc-gateway"],
  ["server: { compat: cc-gateway }", { CLAWGATE_COMPAT: "claude-proxy" }, {}, 4523, "claude-proxy"],
  ["{}", { CLAWGATE_COMPAT: "claude-proxy" }, { compat: "cliproxyapi" }, 3456, "cliproxyapi"],
  ["server: { port: 9000 }", {}, { compat: "claude-proxy" }, 9000, "claude-proxy"],
  ["{}", { PORT: "9001" }, { compat: "claude-proxy" }, 9001, "claude-proxy"],
  ["{}", {}, { compat: "claude-proxy", port: 9002 }, 9002, "claude-proxy"],
];

describe.each([...cases])("%s %j %j", (yaml, environment, flags, port, compat) => {
  test(`port ${port}`, () => {
    const { config } = load(yaml, { environment, flags });
    expect({ port: config.server.port, compat: config.server.compat }).toEqual({ port, compat });
  });
});

test("a name that is none stops the start, and the message names where it came from", () => {
  expect(() => load("{}", { flags: { compat: "nginx" } })).toThrow("--compat (server.compat)");
  expect(() => load("{}", { environment: { CLAWGATE_COMPAT: "nginx" } })).toThrow("CLAWGATE_COMPAT");
});
