// `providers.<id>.quirks`: names that add to or take from what the address implies; any other name is a mistake.

import { expect, test } from "bun:test";
import { quirkNames, settledQuirks } from "../../src/backends/http/quirks.ts";
import { quirksAt } from "../../src/backends/http/vendors.ts";
import { providerSettings } from "../../src/backends/settings.ts";

const read = (quirks: unknown, more: object = {}) =>
  providerSettings.safeParse({ base_url: "http://127.0.0.1:9", model: "m", quirks, ...more });

test("every quirk can be written, and taken away", () => {
  for (const name of quirkNames) expect(read([name, `!${name}`]).success).toBe(true);
});

test("an unknown one is refused with the nearest names", () => {
  const found = read(["mistral-tool-id", "!groq-member", "nonsense"]);
  expect(found.success).toBe(false);
  const messages = found.error?.issues.map((issue) => [issue.path.join("."), issue.message]) ?? [];
  expect(messages[0]?.[0]).toBe("quirks.0");
  expect(messages[0]?.[1]).toContain("did you mean mistral-tool-ids");
  expect(messages[1]?.[1]).toContain("groq-members");
  expect(messages[2]?.[1]).toContain("there are no-stream-options");
});

test("the claude program has no wire to put right", () => {
  const found = read(["no-stream-options"], { backend: "claude-cli", base_url: undefined });
  expect(found.error?.issues.map((issue) => issue.path.join("."))).toContain("quirks");
});

test("what the address implies is added to and taken from", () => {
  const implied = quirksAt("https://api.openai.com/v1", "openai-compat");
  expect(settledQuirks(implied, [])).toBe(implied);
  expect(settledQuirks(implied, ["!openai-tool-ids", "no-stream-options"])).toEqual([
    ...implied.filter((name) => name !== "openai-tool-ids"),
    "no-stream-options",
  ]);
  expect(settledQuirks([], ["!openai-tool-ids"])).toEqual([]);
});

test("Google's chat address is known, also behind another host", () => {
  for (const host of ["https://generativelanguage.googleapis.com", "http://127.0.0.1:8080"])
    expect(quirksAt(`${host}/v1beta/openai`, "openai-compat")).toContain("google-call-signatures");
});
