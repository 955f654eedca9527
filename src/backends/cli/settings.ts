// The `cli` and `mcp_servers` sections of the config: the user's own Claude Code program and the tools it may be given.
// It must never start anything.

import { z } from "zod";
import { efforts } from "../../canon/effort.ts";

const variables = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name"),
    z.union([z.string(), z.number(), z.boolean()], "must be a text, a number or a boolean").transform(String),
  )
  .prefault({});

/** openclaw-cc-gateway's section. Its presence makes the provider `claude-cli`. */
export const cliSettings = z
  .strictObject({
    bin: z.string().min(1).default("claude").describe("The program. `CLAUDE_BIN` and `CLAUDE_PATH` win."),
    timeout: z
      .number()
      .int()
      .min(1000)
      .max(86_400_000)
      .default(900_000)
      .describe("Milliseconds for one request. `CLI_TIMEOUT` wins."),
    max_concurrent: z.number().int().min(1).max(1000).default(3).describe("Processes at a time."),
    max_per_tenant: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(2)
      .describe("Processes at a time for one tenant."),
    effort: z.enum(efforts).optional().describe("Reasoning effort when the request names none."),
    thinking: z.boolean().default(false).describe("Whether thinking is shown to clients that did not ask."),
    skill_file: z.string().min(1).optional().describe("Skill prompt in place of the built-in one."),
    env: variables.describe("Variables for the program."),
  })
  .optional();

export type CliSettings = NonNullable<z.infer<typeof cliSettings>>;

const mcpServer = z.strictObject({
  command: z.string().min(1).describe("The program, absolute or on PATH."),
  args: z.array(z.string()).default([]).describe("Its arguments."),
  env: variables.describe("Its variables."),
});

export type McpServerSettings = z.infer<typeof mcpServer>;

export const mcpServersSettings = z
  .union([z.string().min(1), z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), mcpServer)])
  .default({})
  .describe(
    "MCP servers that a request may switch on by name, or the path of a JSON file with `mcpServers`.",
  );

export type McpServersSettings = z.infer<typeof mcpServersSettings>;
