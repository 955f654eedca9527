// The operator's MCP servers: which of them a request switches on, and the private files from which the program reads them.
// Their values are secrets: they must never appear in an argument list, a log or the program's own variables.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../canon/failure.ts";
import { nearest } from "../../canon/nearest.ts";
import type { UserIds } from "../../system/accounts.ts";
import { ensurePrivateDirectory, replaceFile } from "../../system/files.ts";
import { sha256Hex } from "../../system/secret.ts";
import { giveTo, type SharedFolder } from "../agent-process/other-user.ts";
import type { McpServers } from "./settings.ts";
import { printable } from "./effort-level.ts";

/** The names that a request switches on, sorted, whatever the client's order. Throws Failure `invalid-request`. */
export function chooseServers(
  wanted: readonly string[],
  registry: McpServers,
  /** Those that the tenant may use; null: all. */
  permitted: readonly string[] | null,
): readonly string[] {
  const known = Object.keys(registry).filter((name) => permitted?.includes(name) ?? true);
  for (const name of wanted) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const hint = near === null ? "" : ` Did you mean "${near}"?`;
    const list =
      known.length === 0 ? "None are set up here (mcp_servers)." : `Known are: ${known.join(", ")}.`;
    throw new Failure("invalid-request", `There is no MCP server "${printable(name)}".${hint} ${list}`, {
      param: "mcp_servers",
      code: "unknown_mcp_server",
    });
  }
  return [...new Set(wanted)].toSorted();
}

/** What the program reads with `--mcp-config`. */
function mcpConfigText(names: readonly string[], registry: McpServers): string {
  const servers = names.flatMap((name) => {
    const server = registry[name];
    if (server === undefined) return [];
    // Without its type the program takes a server with a URL for a broken program and hangs.
    return [[name, "command" in server ? { ...server, type: "stdio" } : server] as const];
  });
  return `${JSON.stringify({ mcpServers: Object.fromEntries(servers) })}\n`;
}

/** A planned file: its path derives from its content, so that the same servers share a file. */
export type McpPlan = {
  readonly path: string;
  readonly text: string;
  readonly servers: readonly string[];
  /** The user that reads it, where it is not the gateway's own. */
  readonly user?: UserIds | null;
};

export type McpFiles = {
  plan(names: readonly string[], registry: McpServers, user?: UserIds | null): McpPlan;
  /**
   * Makes sure that the file exists. Call the returned function once nothing reads it any more; idempotent, never
   * rejects.
   */
  hold(plan: McpPlan): Promise<() => Promise<void>>;
  /** Files that exist now. */
  count(): number;
};

export function createMcpFiles(options: {
  readonly directory: string;
  /** Folder for files that other users must be able to read. */
  readonly sharedFolder: SharedFolder;
  readonly warn: (message: string, error: unknown) => void;
}): McpFiles {
  const { directory, sharedFolder, warn } = options;
  const held = new Map<string, { readers: number; written: Promise<void> }>();
  const removing = new Map<string, Promise<void>>();

  const remove = async (path: string): Promise<void> => {
    try {
      await rm(path, { force: true });
    } catch (error) {
      warn("a file of MCP servers could not be removed", error);
    } finally {
      removing.delete(path);
    }
  };
  const write = async ({ path, text, user = null }: McpPlan): Promise<void> => {
    await removing.get(path);
    if (user !== null) {
      await sharedFolder.make();
      await replaceFile(path, text, { mode: 0o600 });
      await giveTo(path, user);
      return;
    }
    await ensurePrivateDirectory(directory);
    await replaceFile(path, text, { mode: 0o600 });
  };

  return {
    count: () => held.size,
    plan(names, registry, user = null) {
      const text = mcpConfigText(names, registry);
      const name = sha256Hex(text).slice(0, 32);
      const path = user === null ? join(directory, name) : join(sharedFolder.path, `${user.uid}-${name}`);
      return { path: `${path}.json`, text, servers: names, user };
    },
    async hold(plan) {
      const { path } = plan;
      let entry = held.get(path);
      if (entry === undefined) held.set(path, (entry = { readers: 0, written: write(plan) }));
      entry.readers += 1;
      const own = entry;
      let isReleased = false;
      const release = async (): Promise<void> => {
        if (isReleased) return;
        isReleased = true;
        own.readers -= 1;
        if (own.readers > 0 || held.get(path) !== own) return;
        // In one step: a concurrent request for it waits for the removal and writes it again.
        held.delete(path);
        removing.set(path, remove(path));
        await removing.get(path);
      };
      try {
        await own.written;
      } catch (error) {
        await release();
        throw error;
      }
      return release;
    },
  };
}
