import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeSessionNotes } from "../../../src/backends/claude-code/session-notes.ts";

const own = ["12.json", "12.abc.key"];
const others = ["121.json", "notes.txt"];

test.each([
  ["in its home", ".claude", {}, null, others],
  ["in the folder that the launch names", "config", { CLAUDE_CONFIG_DIR: "config" }, null, others],
  ["nowhere else", ".claude", { CLAUDE_CONFIG_DIR: "config" }, null, [...own, ...others]],
] as const)("a killed process's notes are removed %s", async (_name, place, named, jail, left) => {
  const home = mkdtempSync(join(tmpdir(), "clawgate-notes-"));
  try {
    const sessions = join(home, place, "sessions");
    mkdirSync(sessions, { recursive: true });
    for (const name of [...own, ...others]) writeFileSync(join(sessions, name), "{}");
    const folders = Object.entries(named).map(([name, folder]) => [name, join(home, folder)] as const);
    await removeSessionNotes({ env: { HOME: home, ...Object.fromEntries(folders) }, jail }, 12);
    expect(readdirSync(sessions).toSorted()).toEqual([...left].toSorted());
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
