// MCP servers: which a request gets, and the private file of them.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseServers, createMcpFiles } from "../../../src/backends/claude-code/mcp-servers.ts";
import { createSharedFolder } from "../../../src/backends/agent-process/other-user.ts";
import type { McpServers } from "../../../src/backends/claude-code/settings.ts";

const registry: McpServers = {
  notes: { command: "/bin/notes", args: ["--x"], env: { TOKEN: "secret" } },
  search: { type: "http", url: "https://mcp.example/", headers: { authorization: "Bearer s" } },
};

describe("choosing", () => {
  test("in one order, each once", () => {
    expect(chooseServers(["search", "notes", "search"], registry, null)).toEqual(["notes", "search"]);
    expect(chooseServers([], registry, null)).toEqual([]);
  });

  test("an unknown name is refused with the list", () => {
    expect(() => chooseServers(["note"], registry, null)).toThrow(
      'There is no MCP server "note". Did you mean "notes"? Known are: notes, search.',
    );
    expect(() => chooseServers(["constructor"], registry, null)).toThrow("There is no MCP server");
    expect(() => chooseServers(["a"], {}, null)).toThrow("None are set up here (mcp_servers).");
  });

  test("a tenant sees no others than its own", () => {
    expect(chooseServers(["search"], registry, ["search", "gone"])).toEqual(["search"]);
    expect(() => chooseServers(["notes"], registry, ["search"])).toThrow("Known are: search.");
  });
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function filesForTest() {
  const parent = mkdtempSync(join(tmpdir(), "clawgate-mcp-"));
  folders.push(parent);
  const warnings: string[] = [];
  const directory = join(parent, "mcp");
  return {
    parent,
    directory,
    warnings,
    files: createMcpFiles({
      directory,
      sharedFolder: createSharedFolder(join(parent, "open"), () => Promise.resolve()),
      warn: (what) => void warnings.push(what),
    }),
  };
}

describe("the file", () => {
  test("is private, says what the program reads, and is gone with its last reader", async () => {
    const { files, directory } = filesForTest();
    const plan = files.plan(["notes", "search"], registry);
    expect(existsSync(plan.path)).toBe(false);
    const [one, other] = await Promise.all([files.hold(plan), files.hold(plan)]);
    expect([statSync(plan.path).mode & 0o777, statSync(directory).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(JSON.parse(readFileSync(plan.path, "utf8"))).toEqual({
      mcpServers: {
        notes: { command: "/bin/notes", args: ["--x"], env: { TOKEN: "secret" }, type: "stdio" },
        search: { type: "http", url: "https://mcp.example/", headers: { authorization: "Bearer s" } },
      },
    });
    await one?.();
    await one?.();
    expect([existsSync(plan.path), files.count()]).toEqual([true, 1]);
    await other?.();
    expect([existsSync(plan.path), files.count()]).toEqual([false, 0]);
  });

  test("its name follows from its content: equal for equal servers, another for another secret", () => {
    const { files } = filesForTest();
    const path = (of: McpServers): string => files.plan(["notes"], of).path;
    expect(path(registry)).toBe(path({ ...registry }));
    expect(path({ notes: { command: "/bin/notes", args: ["--x"], env: { TOKEN: "other" } } })).not.toBe(
      path(registry),
    );
    expect(path(registry)).not.toContain("notes");
  });

  test("a request that comes while it is being removed finds it again", async () => {
    const { files } = filesForTest();
    const plan = files.plan(["notes"], registry);
    for (let round = 0; round < 20; round++) {
      const release = await files.hold(plan);
      const leaving = release();
      const next = await files.hold(plan);
      await leaving;
      expect(existsSync(plan.path)).toBe(true);
      await next();
    }
    expect([existsSync(plan.path), files.count()]).toEqual([false, 0]);
  });

  test("one that cannot be written is not used by any request", async () => {
    const { files, directory } = filesForTest();
    writeFileSync(directory, "in the way");
    const plan = files.plan(["notes"], registry);
    expect(
      (await Promise.allSettled([files.hold(plan), files.hold(plan)])).map((each) => each.status),
    ).toEqual(["rejected", "rejected"]);
    expect(files.count()).toBe(0);
    rmSync(directory);
    await (
      await files.hold(plan)
    )();
    expect(files.count()).toBe(0);
  });
});
