// The skill prompt: which requests get it, what it teaches, how it is tagged.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type PromptQuestion,
  skillPrompt,
  wantsPrompt,
  withPrompt,
} from "../../../../src/backends/claude-code/skills/skill-prompt.ts";
import { emptyRequest } from "../../../../src/canon/request.ts";

const folder = mkdtempSync(join(tmpdir(), "clawgate-prompt-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const question = (more: Partial<PromptQuestion>): PromptQuestion => ({
  mode: "auto",
  tenant: "alice",
  tools: "none",
  clientTools: [],
  skillFile: null,
  ...more,
});

test.each([
  ["nobody has a shell", {}, false],
  ["the program has its tools", { tools: "default" }, true],
  ["it has a shell among them", { tools: ["Read", "Bash(openclaw *)"] }, true],
  ["it has none among them", { tools: ["Read"] }, false],
  ["the client has one", { clientTools: [{ name: "read" }, { name: "exec" }] }, true],
  ["the operator wrote one", { skillFile: "/x" }, true],
  ["nobody in particular asks", { tenant: null, tools: "default", skillFile: "/x" }, false],
  ["always", { mode: "always", tenant: null }, true],
  ["never", { mode: "never", tools: "default", skillFile: "/x" }, false],
] as const)("%s", (_name, more, expected) => {
  expect(wantsPrompt(question(more as Partial<PromptQuestion>))).toBe(expected);
});

describe("the text", () => {
  const silent = (): void => undefined;

  test("names the container where the config names one", async () => {
    const prompt = await skillPrompt({ tenant: "alice", container: "my-claw" }, null, silent);
    expect(prompt).toEndWith("<!-- openclaw-tenant: alice -->\n<!-- openclaw-container: my-claw -->");
    expect(prompt).toContain("If a tag names its container");
  });

  test("is short, tagged, without frontmatter, and teaches all twelve categories", async () => {
    const prompt = await skillPrompt({ tenant: "alice", container: null }, null, silent);
    expect(prompt.length).toBeLessThanOrEqual(3_000);
    expect(prompt.startsWith("# OpenClaw")).toBe(true);
    expect(prompt.endsWith("<!-- openclaw-tenant: alice -->")).toBe(true);
    const commands = [
      "cron add",
      "message send",
      "agent --agent",
      "sessions list",
      "memory search",
      "models list",
    ];
    const more = ["channels list", "nodes list", "directory self", "skills list", "config get", "doctor"];
    for (const command of [...commands, ...more]) expect(prompt).toContain(command);
  });

  test("is the operator's own where there is one", async () => {
    const path = join(folder, "own.md");
    writeFileSync(path, "---\nname: x\n---\nOwn words.\n");
    expect(await skillPrompt({ tenant: null, container: null }, path, silent)).toBe("Own words.");
  });

  test("is the built-in one where that is gone, and a warning says so", async () => {
    const told: string[] = [];
    const prompt = await skillPrompt({ tenant: "bob", container: null }, join(folder, "gone.md"), (message) =>
      told.push(message),
    );
    expect([prompt.startsWith("# OpenClaw"), told.length]).toEqual([true, 1]);
  });

  test("follows the client's own system prompt", () => {
    const request = { ...emptyRequest, system: [{ type: "text", text: "first" }] } as const;
    expect(withPrompt(request, "second").system).toEqual([
      { type: "text", text: "first" },
      { type: "text", text: "second" },
    ]);
  });
});
