import { describe, expect, test } from "bun:test";
import { uploadRules } from "../../src/app/upload-rules.ts";
import { serverSettings } from "../../src/server/settings.ts";

const megabyte = 1024 * 1024;
const rules = (settings: object, machineMb: number) =>
  uploadRules(serverSettings.parse(settings), machineMb * megabyte);

describe("what bodies may cost", () => {
  test.each([
    ["an eighth of the machine", {}, 2_048, 256],
    ["no more than 512", {}, 65_536, 512],
    ["room for two of the largest on a small machine", {}, 256, 64],
    ["the same where bodies may be large", { body_limit_mb: 1_024 }, 2_048, 2_048],
    ["what the setting says", { body_memory_mb: 100 }, 65_536, 100],
  ] as const)("%s", (_, settings, machineMb, memoryMb) => {
    expect(rules(settings, machineMb).memoryBytes).toBe(memoryMb * megabyte);
  });

  test("of this machine, or its container, it knows the memory", () => {
    const { memoryBytes, limitBytes } = uploadRules(serverSettings.parse({}));
    expect(memoryBytes).toBeGreaterThanOrEqual(2 * limitBytes);
    expect(memoryBytes).toBeLessThanOrEqual(512 * megabyte);
  });

  test("the least speed and its grace; what waits is checked in any case", () => {
    expect(rules({}, 1_000)).toMatchObject({ minRate: 4_096, graceMs: 10_000, firstCheckMs: 5_000 });
    const other = rules({ min_upload_kb_s: 0.5, upload_grace_s: 2 }, 1_000);
    expect(other).toMatchObject({ minRate: 512, graceMs: 2_000, firstCheckMs: 2_000 });
    expect(rules({ min_upload_kb_s: 0 }, 1_000).firstCheckMs).toBe(5_000);
  });

  test("a memory that could not gather one body is an error that names the key", () => {
    const read = serverSettings.safeParse({ body_limit_mb: 10, body_memory_mb: 19 });
    expect(read.error?.issues[0]?.path).toEqual(["body_memory_mb"]);
  });
});
