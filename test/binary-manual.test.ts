// The manual is in the one-file program: on the terminal and in a browser, in a folder where nothing else lies.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { topics } from "../src/manual/topics.ts";
import { binaryPath, runBinary, type RunningBinary, startBinary } from "./support/binary.ts";

const dir = mkdtempSync(join(tmpdir(), "clawgate-manual-"));
let gateway: RunningBinary;
beforeAll(async () => {
  binaryPath();
  gateway = await startBinary({
    dir,
    config: { providers: { one: { backend: "demo" } }, auth: { keys: ["client-key-0123456789"] } },
  });
}, 180_000);
afterAll(async () => {
  await gateway.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("a page on the terminal is the page of the sources", async () => {
  const { code, stdout, stderr } = await runBinary(["help", "routing"], dir);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(await Bun.file(new URL("../src/manual/routing.md", import.meta.url)).text());
});

test("every page and the stylesheet are served, without a key too", async () => {
  for (const path of ["", "/style.css", ...topics.map(({ name }) => `/${name}`)]) {
    const answer = await fetch(`${gateway.url}/docs${path}`);
    expect([path, answer.status]).toEqual([path, 200]);
    expect((await answer.text()).length).toBeGreaterThan(1_000);
  }
});
