// The config keys of the user's own Claude Code program: the keys of a `claude-cli` provider, the `cli` section and
// `mcp_servers`. It must never start anything.

import { z } from "zod";
import { efforts } from "../../canon/effort.ts";

/**
 * Variables never passed to the program, wherever they are set: they load code, make the program believe it runs inside another
 * session, or remove its name from requests.
 */
export const refusedVariable =
  /^(?:LD_.*|DYLD_.*|NODE_OPTIONS|BUN_.*|PATH|CLAUDECODE|CLAUDE_CODE_ATTRIBUTION_HEADER)$/;

const variables = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name"),
  z.union([z.string(), z.number(), z.boolean()], "must be a text, a number or a boolean").transform(String),
);

const toolName = z
  .string()
  .max(300)
  .regex(/^[A-Za-z][A-Za-z0-9_]*(?:\([^()\n]*\))?$/, "a tool of the program: `Read`, or `Bash(git *)`");

/**
 * Modes in which the program still asks for permission: tools are granted by name, so the mode that never asks is
 * excluded.
 */
export const permissionModes = ["default", "acceptEdits", "plan", "dontAsk", "auto"] as const;

const warm = z.union([
  z
    .number()
    .int()
    .min(0)
    .max(32)
    .transform((size) => ({ size })),
  z.strictObject({
    size: z
      .number()
      .int()
      .min(0)
      .max(32)
      .optional()
      .describe("Processes kept ready for one tenant, model and mode (default 1); 0 = none."),
    max: z.number().int().min(0).max(64).optional().describe("Of all kinds together (default 3)."),
    idle_s: z
      .number()
      .min(1)
      .max(86_400)
      .optional()
      .describe("Seconds after which an unused one is stopped (default 600)."),
    min_free_mb: z
      .number()
      .int()
      .min(0)
      .max(1_048_576)
      .optional()
      .describe("None is started while the machine has less free memory (default 1024)."),
  }),
]);

const parked = z.union([
  z
    .number()
    .int()
    .min(0)
    .max(64)
    .transform((max) => ({ max })),
  z.strictObject({
    max: z
      .number()
      .int()
      .min(0)
      .max(64)
      .optional()
      .describe("Processes that wait for a client's tool results (default 8); 0 = none."),
    max_per_tenant: z.number().int().min(0).max(64).optional().describe("Of one tenant (default 4)."),
    ttl_s: z
      .number()
      .min(0)
      .max(3600)
      .optional()
      .describe("Seconds that they wait for tool results (default 180)."),
    idle_s: z
      .number()
      .min(0)
      .max(3600)
      .optional()
      .describe("Seconds that they wait for the next turn of a conversation (default 60)."),
  }),
]);

const openclaw = z.union([
  z.boolean().transform((isOn) => ({ tool_names: isOn, filter_prompt: isOn })),
  z.strictObject({
    tool_names: z
      .boolean()
      .default(true)
      .describe("OpenClaw's tool names are shown to the model under the program's own names (exec as Bash)."),
    filter_prompt: z
      .boolean()
      .default(true)
      .describe("Blocks of the system prompt that repeat the declared tools are left out."),
  }),
]);

/** Keys that only a provider with `backend: claude-cli` and the `cli` section know. */
export const cliKeys = {
  bin: z
    .string()
    .min(1)
    .optional()
    .describe("claude-cli: the program (default `claude`). `CLAUDE_BIN` and `CLAUDE_PATH` win."),
  env: variables
    .optional()
    .describe(
      "claude-cli: variables for the program, such as ANTHROPIC_API_KEY, besides the few it inherits.",
    ),
  config_dir: z
    .string()
    .min(1)
    .optional()
    .describe("claude-cli: folder of the program's settings and login. Absent: your own, ~/.claude."),
  default_model: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe(
      "claude-cli: the model when a client names only the provider, or a model that nothing knows (then 404 without it).",
    ),
  warm: warm
    .optional()
    .describe("claude-cli: processes started ahead of their request; a number is short for `size`."),
  parked: parked
    .optional()
    .describe("claude-cli: processes that wait for tool results of a client; a number is short for `max`."),
  tools: z
    .union([z.literal("none"), z.literal("default"), z.array(toolName).max(64)])
    .optional()
    .describe(
      "claude-cli: the program's own tools that run on this machine: none (default), default (all), or a list of names.",
    ),
  permission_mode: z
    .enum(permissionModes)
    .optional()
    .describe("claude-cli: how the program treats tools that were not granted by name."),
  add_dirs: z
    .array(z.string().min(1))
    .max(32)
    .optional()
    .describe("claude-cli: more folders that its tools may use."),
  working_dir: z
    .string()
    .min(1)
    .optional()
    .describe("claude-cli: folder in which it runs. Absent: an empty one of each tenant."),
  effort: z
    .enum(efforts)
    .optional()
    .describe(
      "claude-cli: reasoning effort when the request names none. `CLI_EFFORT` and `DEFAULT_EFFORT` win.",
    ),
  thinking: z
    .boolean()
    .optional()
    .describe("claude-cli: whether thinking is shown to clients that did not ask. `ENABLE_THINKING` wins."),
  jail: z
    .enum(["off", "auto", "required"])
    .optional()
    .describe(
      "claude-cli: run in a namespace of its own (bubblewrap): off (default), auto (where possible), required.",
    ),
  jail_read: z
    .array(z.string().min(1))
    .max(64)
    .optional()
    .describe("claude-cli: more folders and files that can be read in the jail, such as those of a tool."),
  jail_hosts: z
    .array(
      z
        .string()
        .max(300)
        .regex(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):[1-9]\d{0,4}$/, "host:port, such as db.internal:5432"),
    )
    .max(64)
    .optional()
    .describe(
      "claude-cli: `host:port` of this machine or a private network that can be reached in the jail, besides those that its variables and MCP servers name.",
    ),
  openclaw: openclaw
    .optional()
    .describe("claude-cli: what makes OpenClaw's requests easier for the model (default false)."),
  skill_file: z
    .string()
    .min(1)
    .optional()
    .describe("claude-cli: skill prompt for every tenant instead of the built-in one."),
};

const cliKeysObject = z.object(cliKeys);

/** As written at a provider; nothing has a default yet. */
export type CliKeys = z.infer<typeof cliKeysObject>;

/** openclaw-cc-gateway's section. Its presence makes the provider `claude-cli`. */
export const cliSettings = z
  .strictObject({
    ...cliKeys,
    timeout: z
      .number()
      .int()
      .min(1000)
      .max(86_400_000)
      .default(900_000)
      .describe("Milliseconds for one request. `CLI_TIMEOUT` wins."),
    max_concurrent: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(3)
      .describe("Answers at a time. `MAX_CONCURRENT` wins."),
    max_per_tenant: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe("Answers at a time for one tenant, where there are tenants. `MAX_PER_TENANT` wins."),
  })
  .optional();

export type CliSettings = NonNullable<z.infer<typeof cliSettings>>;

const serverName = /^(?!client$)[A-Za-z0-9_-]{1,64}$/;
const serverNameRule = "letters, digits, dash and underscore, at most 64; `client` is taken";

const mcpServer = z.union([
  z.strictObject({
    type: z.literal("stdio").optional().describe("A program (default), or `http` or `sse` with a `url`."),
    command: z.string().min(1).describe("The program, absolute or on PATH."),
    args: z.array(z.string()).default([]).describe("Its arguments."),
    env: variables.prefault({}).describe("Its variables."),
  }),
  z.strictObject({
    type: z.enum(["http", "sse"]).describe("A program (default), or `http` or `sse` with a `url`."),
    url: z
      .string()
      .refine(
        (text) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text),
        "must be an http:// or https:// URL",
      )
      .describe("Where the server answers."),
    headers: z.record(z.string().min(1), z.string()).default({}).describe("Headers of every request to it."),
  }),
]);

export type McpServerSettings = z.infer<typeof mcpServer>;

const mcpServersRecord = z.record(z.string().regex(serverName, serverNameRule), mcpServer);

export type McpServers = Readonly<Record<string, McpServerSettings>>;

/** The file that `mcp_servers` or PROXY_MCP_CONFIG names, in the shape that Claude Code itself reads. */
export const mcpServersFile = z.object({ mcpServers: mcpServersRecord });

export const mcpServersSettings = z
  .union([z.string().min(1), mcpServersRecord])
  .default({})
  .describe(
    "MCP servers that a request may switch on by name, or the path of a JSON file with `mcpServers`.",
  );

export type McpServersSettings = z.infer<typeof mcpServersSettings>;
