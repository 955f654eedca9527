// `mcp_servers` may name a file in Claude Code's own format: it is read and checked with the config, so that an error in it
// stops the start and not a request. It must never print a value.

import { isAbsolute, resolve } from "node:path";
import {
  mcpServersFile,
  type McpServers,
  type McpServersSettings,
} from "../backends/claude-code/settings.ts";
import { dotted } from "./document.ts";
import { findingsOf } from "./findings.ts";
import { ConfigProblem, type Problem } from "./problems.ts";

export type ReadServers = {
  readonly servers: McpServers;
  /** The file that contains them, including keys; null: the config itself. */
  readonly file: string | null;
};

/** Relative to the config file, or to `folder` if there is none. Throws ConfigProblem. */
export function readMcpServers(
  settings: McpServersSettings,
  folder: string,
  readFile: (path: string) => string | null,
): ReadServers {
  if (typeof settings !== "string") return { servers: settings, file: null };
  const path = isAbsolute(settings) ? settings : resolve(folder, settings);
  const refuse = (key: string, message: string): Problem => ({ path, line: null, key, message, hint: null });
  let text: string | null;
  try {
    text = readFile(path);
  } catch (error) {
    throw new ConfigProblem([refuse("", error instanceof Error ? error.message : String(error))]);
  }
  if (text === null)
    throw new ConfigProblem([refuse("", "mcp_servers names this file, which does not exist")]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigProblem([refuse("", "mcp_servers names this file, which is not valid JSON")]);
  }
  const read = mcpServersFile.safeParse(value);
  if (read.success) return { servers: read.data.mcpServers, file: path };
  throw new ConfigProblem(
    findingsOf(read.error.issues, value).map(({ path: at, message, hint }) => ({
      ...refuse(dotted(at), message),
      hint,
    })),
  );
}
