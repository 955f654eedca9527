// The `auth`, `tenants` and `session` sections of the config: which keys are accepted and who owns them. It must never
// hash, compare or store a key: key-directory.ts does.

import { z } from "zod";

/** A shorter plain key can be guessed over the network; config/client-keys.ts decides what follows. */
export const shortestKeyLength = 16;

export const hashedKeyPattern = /^sha256:[0-9a-fA-F]{64}$/;

const clientKey = z.string().superRefine((key, context) => {
  if (key === "") context.addIssue("the key is empty");
  else if (key.startsWith("sha256:")) {
    if (!hashedKeyPattern.test(key)) context.addIssue("`sha256:` must be followed by 64 hexadecimal digits");
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
        "Keys that clients must send (Bearer or x-api-key): plain, `${VAR}` or `sha256:<hex>`; plain ones of less than 16 characters on loopback only. Empty: loopback only.",
      ),
    clients: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, "letters, digits, dot, dash and underscore, at most 64")
            .describe("The client as records show it."),
          key: clientKey.describe("Plain, `${VAR}` or `sha256:<hex>`."),
        }),
      )
      .default([])
      .describe(
        "Keys of single programs, accepted like those of `keys`; `clawgate connect` makes them where keys are asked for.",
      ),
    admin_key: clientKey
      .optional()
      .describe(
        "Key for the dashboard, statistics and operator calls. Absent: those answer on loopback only.",
      ),
  })
  .prefault({});

const expiry = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/, {
    error: "a date (2026-12-31) or a time with its zone (2026-12-31T18:00:00Z)",
    abort: true,
  })
  .refine((text) => !Number.isNaN(Date.parse(text)), "there is no such date");

const furtherKey = z
  .strictObject({
    key: clientKey.optional().describe("Plain, `${VAR}` or `sha256:<hex>`."),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "64 hexadecimal digits")
      .optional()
      .describe("The key's SHA-256 in its place."),
    expires: expiry
      .optional()
      .describe(
        "From then on the key is refused: a date (midnight UTC) or a time with its zone. Absent: never.",
      ),
    created: expiry.optional().describe("When the key was made, as `GET /api/tenants` shows it."),
  })
  .superRefine(({ key, sha256 }, context) => {
    if ((key === undefined) === (sha256 === undefined))
      context.addIssue("either `key` or `sha256` must be written");
  });

const perMinute = z.number().int().min(1).max(1_000_000_000).optional();
const money = z.number().min(0).max(1_000_000_000).optional();
const tokens = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();

const limitsSettings = z.strictObject({
  requests_per_minute: perMinute.describe("Requests in any minute."),
  tokens_per_minute: perMinute.describe(
    "Input and output tokens in any minute: before an answer its maximum counts, afterwards its actual use. At most one answer exceeds the limit.",
  ),
  max_concurrent: z.number().int().min(1).max(100_000).optional().describe("Requests at once."),
  budget: z
    .strictObject({
      usd_per_day: money.describe(
        "US dollars of a UTC day. What a request may cost is reserved before it is sent, so at most one answer exceeds a budget.",
      ),
      usd_per_month: money.describe("US dollars of a UTC month."),
      usd_per_session: money.describe(
        "US dollars of one conversation, in all; of one request that names none. `x-clawgate-budget` can lower it.",
      ),
      tokens_per_day: tokens.describe("Tokens of a UTC day."),
      tokens_per_month: tokens.describe("Tokens of a UTC month."),
    })
    .optional()
    .describe("What may be spent; streams that the client left count too."),
  unknown_price: z
    .enum(["allow", "refuse"])
    .optional()
    .describe(
      "Models whose price is unknown, for a tenant with a budget in dollars: refused, or counted as free. Absent: refused where the budget counts only dollars. Local servers are free.",
    ),
  over_budget_model: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Model that answers chats when the budget is spent; what it costs is counted and not limited. Absent: they are refused with 429.",
    ),
});

/** The shape of openclaw-cc-gateway's tenants. */
const tenantSettings = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, "letters, digits, dot, dash and underscore, at most 64")
    .describe("The tenant's name, as shown in records."),
  api_key: clientKey.optional().describe("The tenant's own key: plain, `${VAR}` or `sha256:<hex>`."),
  keys: z
    .array(furtherKey)
    .max(64)
    .default([])
    .describe("More keys of the tenant, beside `api_key` or in its place; each may expire."),
  models: z
    .array(z.string().min(1).max(200))
    .max(200)
    .optional()
    .describe(
      "Models that the tenant may ask for, `*` is a wildcard; with `auto` routing may choose any. What in a request chooses others at the upstream is left out. Absent: all.",
    ),
  provider: z
    .string()
    .min(1)
    .optional()
    .describe("Provider that gets all of the tenant's `auto`. Absent: routing chooses."),
  limits: limitsSettings.optional().describe("How much the tenant may use. Absent: no limit."),
  container: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/, "the name of a container")
    .optional()
    .describe(
      "Docker container of the tenant's OpenClaw: for set-up, `manage apply`, skills, and the CLI's skill prompt.",
    ),
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
  uid: z
    .union([
      z.number().int().min(1).max(4_294_967_294),
      z.string().regex(/^(?:[a-z_][a-z0-9_-]{0,31}|[1-9]\d{0,9})$/i, "a user's number or name"),
    ])
    .optional()
    .describe(
      "User of this machine (number or name) as whom the tenant's CLI processes run, in that user's home; needs a gateway that runs as root.",
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

export type TenantKey = {
  /** Plain, or `sha256:<hex>`. */
  readonly key: string;
  /** UTC milliseconds; null: never. */
  readonly expiresAtMs: number | null;
  /** UTC milliseconds; null: nobody wrote it down. */
  readonly createdAtMs: number | null;
  /** Its path in the tenant's settings. */
  readonly path: readonly (string | number)[];
};

/** All keys of a tenant, expired ones too. */
export function keysOfTenant(tenant: Pick<TenantSettings, "api_key" | "keys">): readonly TenantKey[] {
  const own =
    tenant.api_key === undefined
      ? []
      : [{ key: tenant.api_key, expiresAtMs: null, createdAtMs: null, path: ["api_key"] }];
  const further = tenant.keys.map(({ key, sha256, expires, created }, index) => ({
    key: key ?? `sha256:${sha256 ?? ""}`,
    expiresAtMs: expires === undefined ? null : Date.parse(expires),
    createdAtMs: created === undefined ? null : Date.parse(created),
    path: ["keys", index, key === undefined ? "sha256" : "key"],
  }));
  return [...own, ...further];
}

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
      .describe(
        "Seconds after which an idle conversation is forgotten: which provider served it last, and its CLI process.",
      ),
    cleanup_interval: z
      .number()
      .min(1)
      .max(86_400)
      .default(900)
      .describe("Seconds between two removals of idle conversations."),
  })
  .prefault({});
