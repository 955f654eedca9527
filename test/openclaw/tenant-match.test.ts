// Which tenant an instance is: by the container that the config names, else by its name; never two instances for one.

import { expect, test } from "bun:test";
import type { Instance } from "../../src/openclaw/instances.ts";
import { tenantFor } from "../../src/openclaw/tenant-match.ts";

const instance = (name: string, container: string | null): Instance => ({
  name,
  kind: container === null ? "local" : "docker",
  container,
  profile: null,
  stateDir: null,
  configPath: null,
  insideConfigPath: null,
  insideStateDir: null,
  isRunning: true,
  port: null,
  signals: [],
});

test.each([
  [
    "by its container, whatever it is called",
    instance("x", "claw"),
    [{ name: "alice", container: "claw" }],
    "alice",
    true,
  ],
  ["by its name", instance("alice", "other"), [{ name: "alice" }], "alice", true],
  ["a new one by its name", instance("alice", null), [{ name: "bob" }], "alice", false],
  [
    "not one that is another container",
    instance("alice", "b"),
    [{ name: "alice", container: "a" }],
    "alice-docker",
    false,
  ],
  [
    "nor with the next name taken",
    instance("alice", null),
    [{ name: "alice", container: "a" }, { name: "alice-local" }],
    "alice-3",
    false,
  ],
  ["the usual composition under its old name", instance("openclaw", "c"), [{ name: "dc" }], "dc", true],
  ["but not a local one", instance("openclaw", null), [{ name: "dc" }], "openclaw", false],
] as const)("%s", (_name, each, tenants, name, isKnown) => {
  expect(tenantFor(each, tenants)).toEqual({ name, isKnown });
});
