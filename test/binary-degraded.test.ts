// The one-file program says at its start, in /health and in `clawgate doctor` what does not work as it was meant.

import { afterEach, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binaryPath, startBinary } from "./support/binary.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-standing-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
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
  const gateway = await startBinary({ config: configOf(bin) });
  cleanups.push(() => gateway.stop());
  const health = (await (await fetch(`${gateway.url}/health`)).json()) as Health;
  expect([health.status, health.providers.mine.healthy]).toEqual(["degraded", false]);
  expect(health.providers.mine.last_error).toBe(`unreachable: ${bin} is not there (ENOENT)`);
  expect(gateway.output()).toContain(`provider mine is down: unreachable: ${bin} is not there`);
  expect(gateway.stdout()).toContain("mine (sonnet), down: the log says why");
});

test("one that ends at its start is down without anybody having asked for it", async () => {
  const bin = join(folder(), "claude");
  writeFileSync(bin, "#!/bin/sh\necho 'this needs a newer runtime' >&2\nexit 3\n");
  chmodSync(bin, 0o755);
  const gateway = await startBinary({ config: configOf(bin) });
  cleanups.push(() => gateway.stop());
  await gateway.waitForOutput("ends with exit code 3: this needs a newer runtime");
  const health = (await (await fetch(`${gateway.url}/health`)).json()) as Health;
  expect(health.providers.mine.healthy).toBe(false);
});
