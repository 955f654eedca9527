// The operator's commands of the one-file program: against a gateway that runs, and where none does.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binaryPath, runBinary, type RunningBinary, startBinary } from "./support/binary.ts";
import type { Finished } from "./support/program-run.ts";

// Building takes longer than a test may.
beforeAll(() => void binaryPath(), 180_000);

describe("beside a running gateway", () => {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-commands-"));
  let gateway: RunningBinary;
  beforeAll(async () => {
    gateway = await startBinary({
      dir,
      config: {
        auth: { keys: ["client-key-0123456789"], admin_key: "admin-key-0123456789" },
        providers: { one: { backend: "demo" }, two: { backend: "demo" } },
        fallback_chain: ["one", "two"],
      },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const run = (...args: string[]): Promise<Finished> => runBinary(args, dir);

  test("providers", async () => {
    const { code, stdout, stderr } = await run("providers");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^one +demo +demo +healthy/m);
    expect(JSON.parse((await run("providers", "list", "--json")).stdout)).toMatchObject({
      running: true,
      providers: [{ id: "one", state: "healthy" }, { id: "two" }],
    });
  });

  test("providers reset and test", async () => {
    expect(await run("providers", "reset", "two")).toMatchObject({ code: 0, stderr: "" });
    expect((await run("providers", "reset", "tow")).stderr).toContain('Did you mean "two"?');
    const tested = await run("providers", "test");
    expect(tested.code).toBe(0);
    expect(tested.stdout).toMatch(/^ok +one \/ demo /m);
    expect(tested.stdout).toMatch(/^ok +two \/ demo /m);
  });

  test("route", async () => {
    const { code, stdout, stderr } = await run("route", "hello", "--tools");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith("-> one / demo  by ");
    const json = JSON.parse((await run("route", "hello", "--model", "two", "--json")).stdout) as object;
    expect(json).toMatchObject({ provider: "two", layer: "direct", rule: "explicit-model" });
    const unknown = await run("route", "hello", "--model", "tow");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('Did you mean "two"?');
  });

  test("reload: a change, and a mistake that changes nothing", async () => {
    writeFileSync(
      gateway.configPath,
      "auth: { keys: [client-key-0123456789], admin_key: admin-key-0123456789 }\nproviders:\n  three: { backend: demo }\n",
    );
    // The file is watched as well: whoever comes first takes it over, and both are right.
    expect(await run("reload")).toMatchObject({ code: 0, stderr: "" });
    expect((await run("route", "hello")).stdout).toStartWith("-> three / demo");
    writeFileSync(gateway.configPath, "providers:\n  four: { bakend: demo }\n");
    const { code, stderr } = await run("reload");
    expect(code).toBe(1);
    expect(stderr).toContain(`${gateway.configPath}:2 providers.four.bakend: unknown key`);
    expect((await run("route", "hello")).stdout).toStartWith("-> three / demo");
  });
});

describe("without a gateway", () => {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-commands-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const run = (...args: string[]): Promise<Finished> => runBinary(args, dir);

  test("what needs one says so", async () => {
    for (const args of [["reload"], ["providers", "reset", "one"]]) {
      const { code, stdout, stderr } = await run(...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain("no gateway is running");
      expect(stderr).toContain('Start one with "clawgate"');
    }
  });

  test("what does not answers from the config", async () => {
    writeFileSync(join(dir, "config.yaml"), "providers:\n  only: { backend: demo }\n");
    expect((await run("providers")).stdout).toMatch(/^only +demo +demo$/m);
    expect((await run("route", "hello")).stdout).toStartWith("-> only / demo");
    expect(await run("providers", "test", "only")).toMatchObject({ code: 0 });
  });

  test("the catalogue comes whole through a pipe", async () => {
    const { code, stdout } = await run("providers", "catalog", "--json");
    expect(code).toBe(0);
    const { vendors } = JSON.parse(stdout) as { vendors: { id: string }[] };
    expect(vendors.map(({ id }) => id)).toEqual(expect.arrayContaining(["openai", "anthropic", "ollama"]));
  });

  test("mistyped words and options", async () => {
    const verb = await run("providers", "catlog");
    expect(verb.code).toBe(64);
    expect(verb.stderr).toContain('Did you mean "providers catalog"?');
    const option = await run("route", "hello", "--toosl");
    expect(option.code).toBe(64);
    expect(option.stderr).toContain("did you mean --tools?");
    expect((await run("help", "route")).stdout).toStartWith('Usage: clawgate route "text"');
  });
});
