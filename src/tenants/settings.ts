// The `auth`, `tenants` and `session` sections of the config: which keys open the door and whose they are.
// It must never hash, compare or store a key: that is the directory's work.

import { z } from "zod";

/** Shortest plain key: below it a key can be guessed over the network (reliability.md, case 46). */
export const shortestKeyLength = 16;

export const hashedKeyPattern = /^sha256:[0-9a-fA-F]{64}$/;

const clientKey = z.string().superRefine((key, context) => {
  if (key === "") context.addIssue("the key is empty");
  else if (key.startsWith("sha256:")) {
    if (!hashedKeyPattern.test(key)) context.addIssue("`sha256:` must be followed by 64 hexadecimal digits");
  } else if (key.length < shortestKeyLength) {
    context.addIssue(`the key is shorter than ${shortestKeyLength} characters`);
  } else if (!/^[\x21-\x7e]+$/.test(key)) {
    context.addIssue("a key may hold printable ASCII without spaces only: it travels in a header");
  }
});

export const authSettings = z
  .strictObject({
    keys: z
      .array(clientKey)
      .default([])
      .describe(
        "Keys that clients must send (Bearer or x-api-key): plain, `${VAR}` or `sha256:<hex>`. Empty: loopback only.",
      ),
    admin_key: clientKey
      .optional()
      .describe(
        "Key for the dashboard, statistics and operator calls. Absent: those answer on loopback only.",
      ),
  })
  .prefault({});

export type AuthSettings = z.infer<typeof authSettings>;

/** The shape of openclaw-cc-gateway's tenants. */
const tenantSettings = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, "letters, digits, dot, dash and underscore, at most 64")
    .describe("The tenant's name, as it stands in records."),
  api_key: clientKey.describe("The tenant's own key: plain, `${VAR}` or `sha256:<hex>`."),
  working_dir: z.string().min(1).optional().describe("Folder in which the tenant's CLI processes run."),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name"),
      z
        .union([z.string(), z.number(), z.boolean()], "must be a text, a number or a boolean")
        .transform(String),
    )
    .prefault({})
    .describe("Variables for the tenant's CLI processes."),
  config_dir: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the tenant's own Claude Code login. Absent: the provider's `config_dir`, else an empty one.",
    ),
  tools: z
    .union([z.literal("none"), z.literal("default"), z.array(z.string().min(1).max(300)).max(64)])
    .optional()
    .describe("The CLI's own tools, as far as the provider has them: narrows, never widens."),
  permission_mode: z
    .enum(["default", "acceptEdits", "plan", "dontAsk", "auto"])
    .optional()
    .describe("Permission mode of the tenant's CLI processes. Absent: the provider's."),
  add_dirs: z
    .array(z.string().min(1))
    .max(32)
    .optional()
    .describe("More folders for the CLI's tools. Absent: the provider's."),
  mcp_servers: z
    .array(z.string().min(1).max(64))
    .max(64)
    .optional()
    .describe("MCP servers that the tenant's requests may switch on. Absent: all."),
});

export type TenantSettings = z.infer<typeof tenantSettings>;

export const tenantsSettings = z
  .array(tenantSettings)
  .default([])
  .describe("Users of the gateway, each with a key of their own.");

export const sessionSettings = z
  .strictObject({
    ttl: z
      .number()
      .min(1)
      .max(31_536_000)
      .default(3600)
      .describe("Seconds after which an unused session is forgotten."),
    cleanup_interval: z.number().min(1).max(86_400).default(900).describe("Seconds between two sweeps."),
  })
  .prefault({});

export type SessionSettings = z.infer<typeof sessionSettings>;
