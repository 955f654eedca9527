// The one-file program says at its start, in /health and in `clawgate doctor` what does not work as it was meant.

import { beforeAll, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
function folder(): string {
  return cleanups.folder("clawgate-standing-");
}
const configOf = (bin: string): object => ({
  providers: {
    demo: { backend: "demo" },
    mine: { backend: "claude-cli", bin, env: { ANTHROPIC_API_KEY: "k" } },
  },
});

type Health = {
  readonly status: string;
  readonly providers: { readonly mine: { readonly healthy: boolean; readonly last_error: string } };
};

test("a Claude Code that is missing is down at the first look, and the start says so", async () => {
  const bin = join(folder(), "claude");
  const gateway = cleanups.stopAtEnd(await startBinary({ config: configOf(bin) }));
  const health = (await (await fetch(`${gateway.url}/health`)).json()) as Health;
  expect([health.status, health.providers.mine.healthy]).toEqual(["degraded", false]);
  expect(health.providers.mine.last_error).toBe(`unreachable: ${bin} is not there (ENOENT)`);
  expect(gateway.output()).toContain(`provider mine is down: unreachable: ${bin} is not there`);
  expect(gateway.stdout()).toContain("mine (sonnet), down: see the log");
});

test("one that ends at its start is down without anybody having asked for it", async () => {
  const bin = join(folder(), "claude");
  writeFileSync(bin, "#!/bin/sh\necho 'this needs a newer runtime' >&2\nexit 3\n");
  chmodSync(bin, 0o755);
  const gateway = cleanups.stopAtEnd(await startBinary({ config: configOf(bin) }));
  await gateway.waitForOutput("ends with exit code 3: this needs a newer runtime");
  const health = (await (await fetch(`${gateway.url}/health`)).json()) as Health;
  expect(health.providers.mine.healthy).toBe(false);
});
