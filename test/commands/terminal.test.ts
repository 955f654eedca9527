// Words of a command that somebody copies into a shell.

import { expect, test } from "bun:test";
import { shellWord } from "../../src/commands/terminal.ts";

test
  .skipIf(process.platform === "win32")
  .each([
    "/home/me/config.yaml",
    "/a b/config.yaml",
    '/it\'s/`id`/$HOME/$(id)/"x"/config.yaml',
    "/日本/config.yaml",
    "",
  ])("%p is one word for a shell, and nothing in it is expanded", (path) => {
  const { stdout } = Bun.spawnSync(["sh", "-c", `printf '<%s>' ${shellWord(path)}`]);
  expect(stdout.toString()).toBe(`<${path}>`);
});

test("control characters are not printed", () => {
  expect(shellWord("/a\u001b[31m")).not.toContain("\u001b");
});
