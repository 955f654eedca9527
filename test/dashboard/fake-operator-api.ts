// The operator's half of the made-up /api: providers, rules, the dry run, tenants with keys, Claude Code, the config with check, save
// and undo, audit, alerts, sign-in. It remembers what was done, so that a test can see it.

import { hostileNames } from "./fake-records.ts";
import { type FakeRoute, refused } from "./fake-api.ts";
import type {
  AuditEntry,
  ClaudeProgram,
  ConfigCheck,
  Finding,
  ProviderEntry,
  RouteAnswer,
  RuleEntry,
  TenantEntry,
} from "../../src/dashboard/client/operator/shapes.ts";

const [markup = "<img src=x onerror=alert(1)>", override = "\u202Eexe.txt"] = hostileNames;

const provider = (id: string, over: Partial<ProviderEntry> = {}): ProviderEntry => ({
  id,
  backend: "openai-compat",
  base_url: `https://api.${id}.example/v1`,
  model: "model-large",
  models: ["model-large"],
  tier: null,
  state: "healthy",
  retry_at: null,
  retry_in_s: null,
  credentials: [key("c871f067")],
  cooling_models: {},
  consecutive_failures: 0,
  ejections: 0,
  avg_latency_ms: 840.3,
  last_error: null,
  last_check: null,
  running: 1,
  waiting: 0,
  requests_today: 12,
  ...over,
});

function key(
  id: string,
  over: Partial<ProviderEntry["credentials"][number]> = {},
): ProviderEntry["credentials"][number] {
  const held = { state: "ok", retry_at: null, held_since: null, limit_ends_at: null, cooling_models: {} };
  return { id, ...held, allowances: [], ...over };
}

const inFuture = (ms: number): string => new Date(Date.now() + ms).toISOString();

const allowance = (name: string, limit: number | null, remaining: number | null, used: number | null) => ({
  name,
  limit,
  remaining,
  used_percent: used,
  status: used !== null && used >= 80 ? "allowed_warning" : "allowed",
  resets_at: inFuture(1_500_000),
});

function providersNow(resets: readonly string[]): readonly ProviderEntry[] {
  return [
    provider("anthropic", {
      backend: "anthropic",
      tier: "default",
      credentials: [
        key("4b1c22aa", {
          allowances: [
            allowance("requests", 4000, 3120, null),
            allowance("input-tokens", 2_000_000, 310_000, null),
          ],
        }),
        key("90fe6d01", {
          state: "rate-limited",
          retry_at: inFuture(42_000),
          held_since: inFuture(-20_000),
          limit_ends_at: inFuture(380_000),
          cooling_models: { "claude-opus-4-5": inFuture(42_000) },
        }),
      ],
    }),
    provider("claude-code", {
      backend: "claude-cli",
      base_url: null,
      credentials: [key("", { allowances: [allowance("five_hour", null, null, 83.4)] })],
    }),
    resets.includes("openai")
      ? provider("openai")
      : provider("openai", {
          state: "open",
          retry_at: inFuture(28_000),
          consecutive_failures: 5,
          last_error: `upstream-error: 503 from ${markup}`,
        }),
    provider("ollama", { credentials: [key("")], base_url: "http://127.0.0.1:11434", tier: override }),
  ];
}

const rules: readonly RuleEntry[] = [
  {
    layer: "alias",
    name: "fast*",
    target: "ollama",
    enabled: true,
    description: "model names like fast*",
  },
  {
    layer: "static",
    name: "heartbeat",
    target: "ollama",
    enabled: true,
    description: "system prompt contains heartbeat, health check",
  },
  {
    layer: "static",
    name: "explicit-model",
    target: "anthropic/claude-sonnet-4-5",
    enabled: true,
    description: "model is *sonnet*",
  },
  { layer: "heuristic", name: "math", target: "openai", enabled: false, description: "2 of prove, theorem" },
  { layer: "heuristic", name: markup, target: override, enabled: true, description: "text matches (?i)x" },
];

function decision(body: unknown, tenant: string | null): RouteAnswer {
  const text = JSON.stringify(body);
  const isMath = text.includes("prove");
  const provider = isMath ? "openai" : "anthropic";
  return {
    tenant,
    provider,
    model: "model-large",
    layer: isMath ? "heuristic" : "fallback",
    rule: isMath ? "math" : "no-match->fallback",
    confidence: isMath ? 0.8 : 0.24,
    reason: isMath ? 'the user text contains "prove", "theorem"' : `no rule matched; asked by ${markup}`,
    elapsed_ms: 0.41,
    facts: { requested_model: "auto", has_tools: false, estimated_tokens: 12 },
    candidates: [
      { provider, model: "model-large", kept: true, note: "chosen", estimated_cost_usd: 0.0042 },
      { provider: "ollama", model: "small", kept: false, note: "dropped: no tools", estimated_cost_usd: 0 },
      { provider: "claude-code", model: override, kept: true, note: "fallback", estimated_cost_usd: null },
    ],
    fallbacks: ["claude-code/sonnet"],
    passes: !isMath,
    because: isMath ? "other-format" : null,
    adapted: isMath ? ["top_k dropped"] : [],
    estimated_tokens: 12,
    estimated_cost_usd: 0.0042,
  };
}

const programs: readonly ClaudeProgram[] = [
  {
    provider: "claude-code",
    tenant: null,
    version: "2.1.4",
    path: "/usr/local/bin/claude",
    processes: { busy: 2, idle: 1, parked: 4, starting: 0 },
    login: { state: "signed-in", account: `operator@example.com ${markup}`, expires: inFuture(9e8) },
    problem: null,
  },
  {
    provider: "claude-code",
    tenant: "team-search",
    version: null,
    path: null,
    processes: { busy: 0, idle: 0, parked: 0, starting: 1 },
    login: { state: "signed-out" },
    problem: "there is no login in /home/search/.claude",
  },
];

const finding = (section: string, state: Finding["state"], title: string, more: Partial<Finding> = {}) => ({
  section,
  id: title.slice(0, 12),
  state,
  title,
  detail: null,
  advice: null,
  ...more,
});

const firstText = [
  "# What the gateway serves.",
  "server:",
  "  port: 8090 # the usual one",
  "auth:",
  '  admin_key: "***cdef"',
  "providers:",
  "  anthropic:",
  '    api_key: "${ANTHROPIC_API_KEY:-}"',
  "",
].join("\n");

/** The lines that differ, as one hunk. */
function diffOf(before: string, after: string): string {
  const [old, next] = [before.split("\n"), after.split("\n")];
  const same = (at: number): boolean => old[at] === next[at];
  let start = 0;
  while (start < Math.min(old.length, next.length) && same(start)) start += 1;
  let end = 0;
  while (
    end < Math.min(old.length, next.length) - start &&
    old[old.length - 1 - end] === next[next.length - 1 - end]
  )
    end += 1;
  const removed = old.slice(start, old.length - end);
  const added = next.slice(start, next.length - end);
  if (removed.length + added.length === 0) return "";
  const head = `@@ -${start + 1},${removed.length} +${start + 1},${added.length} @@`;
  return [
    "--- config.yaml",
    "+++ config.yaml",
    head,
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
  ].join("\n");
}

export type FakeOperator = {
  readonly routes: readonly FakeRoute[];
  /** What was done, in order: "reset openai". */
  readonly done: readonly string[];
  /** Another program writes the file. */
  writeElsewhere(text: string): void;
  signOut(): void;
};

export const fakeCode = "K7QM-2XPD";
export const fakeNewKey = "cg_4f1d0a9b8c7e6d5f4a3b2c1d0e9f8a7b";

export function fakeOperator(): FakeOperator {
  const done: string[] = [];
  const texts = [firstText];
  let isSignedIn = true;
  let keyCount = 0;
  let tenantKeys = [
    {
      fingerprint: "23d69d3d",
      created: inFuture(-80_000_000),
      expires: null as string | null,
      is_expired: false,
    },
    {
      fingerprint: "9f9e53df",
      created: "2025-06-01T09:00:00.000Z",
      expires: "2026-01-31T18:00:00.000Z",
      is_expired: true,
    },
  ];
  const textNow = (): string => texts.at(-1) ?? firstText;
  const etagNow = (): string => `"v${Bun.hash(textNow()).toString(36)}"`;

  const tenants = (): readonly TenantEntry[] => [
    {
      name: "team-search",
      keys: tenantKeys,
      models: ["auto", "claude-*"],
      provider: null,
      limits: {
        requests_per_minute: 60,
        tokens_per_minute: 200_000,
        max_concurrent: 4,
        budget: { usd_per_day: 5, usd_per_month: 50, tokens_per_day: 2_000_000 },
        over_budget_model: "ollama",
      },
      used: {
        running: 2,
        requests_last_minute: 51,
        tokens_last_minute: 31_000,
        today: { tokens: 810_000, usd: 4.31 },
        this_month: { tokens: 20_810_000, usd: 50.2 },
        reserved: { tokens: 12_000, usd: 0.18 },
        is_over_budget: true,
        budget_resets_in_s: 41_000,
      },
    },
    { name: "team-web", keys: [], models: null, provider: "anthropic", limits: null, used: null },
  ];

  const checked = (text: string): ConfigCheck => {
    const at = text.split("\n").findIndex((line) => line.includes("prot:"));
    if (at === -1)
      return {
        ok: true,
        problems: [],
        diff: diffOf(textNow(), text),
        needs_restart: text.includes("8090") ? [] : ["server.port"],
      };
    const message = `unknown key "prot", did you mean "port"? ${markup}`;
    return {
      ok: false,
      problems: [{ path: "server.prot", line: at + 1, message, severity: "error" }],
      diff: diffOf(textNow(), text),
      needs_restart: [],
    };
  };
  const bodyText = async (request: Request): Promise<string> =>
    String(((await request.json()) as { readonly text?: unknown }).text);

  const audit = (): readonly AuditEntry[] =>
    done
      .map((action, index) => ({
        id: index + 1,
        at_ms: Date.now() - (done.length - index) * 60_000,
        actor: index % 2 === 0 ? "session" : "admin key ab12cd34",
        address: "127.0.0.1",
        action: action.split(" ")[0] ?? "",
        subject: action.split(" ")[1] ?? null,
        detail: { name: markup },
      }))
      .toReversed();

  const get = (path: string, answer: FakeRoute["answer"]): FakeRoute => ({ method: "GET", path, answer });
  const write = (method: string, path: string, answer: FakeRoute["answer"]): FakeRoute => ({
    method,
    path,
    answer: (call) => (isSignedIn ? answer(call) : refused(401, "This needs the operator: sign in.")),
  });

  const routes: readonly FakeRoute[] = [
    get("/api/session", () => ({
      signed_in: isSignedIn,
      can_read: true,
      can_write: isSignedIn,
      has_admin_key: true,
      expires_ms: isSignedIn ? Date.now() + 43_200_000 : null,
    })),
    {
      method: "POST",
      path: "/api/session",
      async answer({ request }) {
        const body = (await request.json()) as { readonly key?: string; readonly code?: string };
        if (body.code !== fakeCode && body.key !== "admin-key-0123456789")
          return refused(401, `This is not the key, or the code is used up. ${markup}`);
        isSignedIn = true;
        return { signed_in: true };
      },
    },
    {
      method: "DELETE",
      path: "/api/session",
      answer() {
        isSignedIn = false;
        return new Response(null, { status: 204 });
      },
    },
    get("/api/providers", () => ({
      config: "/etc/clawgate/config.yaml",
      providers: providersNow(done.flatMap((each) => (each.startsWith("reset ") ? [each.slice(6)] : []))),
      skipped: [{ id: "mistral", reason: "MISTRAL_API_KEY is not set" }],
    })),
    write("POST", "/api/providers/*/test", ({ name }) => {
      done.push(`test ${name}`);
      const isDown = name === "openai";
      return {
        request_id: "01KBATEST",
        provider: name,
        model: "model-large",
        ok: !isDown,
        latency_ms: 412,
        first_token_ms: 230,
        text: isDown ? null : `Hello ${markup}`,
        cost_usd: isDown ? null : 0.00021,
        error: isDown ? { kind: "unreachable", message: markup, hint: "Check base_url." } : null,
      };
    }),
    write("POST", "/api/providers/*/reset", ({ name }) => {
      done.push(`reset ${name}`);
      return { ok: true };
    }),
    get("/api/rules", () => ({ rules })),
    {
      method: "POST",
      path: "/api/route",
      async answer({ request, query }) {
        const body = (await request.json()) as { readonly model?: unknown };
        if (body.model === "zzz") return refused(404, `The model "zzz" does not exist here. ${markup}`);
        done.push(`route ${query.get("door")} ${request.headers.get("x-openclaw-source") ?? ""}`.trim());
        return decision(body, query.get("tenant"));
      },
    },
    get("/api/tenants", () => ({ tenants: tenants() })),
    write("POST", "/api/tenants/*/keys", async ({ name, request }) => {
      const { expires_at: expires = null } = (await request.json()) as { readonly expires_at?: string };
      keyCount += 1;
      const fingerprint = `0000000${keyCount}`;
      tenantKeys = [...tenantKeys, { fingerprint, created: inFuture(0), expires, is_expired: false }];
      done.push(`make ${name}`);
      return { key: fakeNewKey, fingerprint };
    }),
    write("POST", "/api/tenants/team-search/keys/*/rotate", async ({ name, request }) => {
      const { old_expires_at: until = null } = (await request.json()) as { readonly old_expires_at?: number };
      keyCount += 1;
      const fingerprint = `1000000${keyCount}`;
      tenantKeys = tenantKeys.map((each) => (each.fingerprint === name ? { ...each, fingerprint } : each));
      done.push(`rotate ${name}${until === null ? "" : " later"}`);
      return {
        key: fakeNewKey,
        fingerprint,
        old_expires_at: until === null ? null : new Date(until).toISOString(),
      };
    }),
    write("DELETE", "/api/tenants/team-search/keys/*", ({ name }) => {
      tenantKeys = tenantKeys.filter(({ fingerprint }) => fingerprint !== name);
      done.push(`revoke ${name}`);
      return { ok: true };
    }),
    get("/api/claude", () => ({ programs })),
    write("POST", "/api/doctor", () => ({
      version: "0.1.0",
      platform: "linux x64",
      ok: false,
      findings: [
        finding("program", "ok", "clawgate 0.1.0", { detail: "linux x64" }),
        finding("cli", "failed", "no login", { advice: "clawgate login --tenant team-search" }),
        finding("cli", "warning", `an old version ${markup}`, { detail: "2.0.1" }),
        finding("database", "skipped", "pages of the database"),
      ],
    })),
    get("/api/config", () => ({
      path: "/etc/clawgate/config.yaml",
      is_merely_found: false,
      loaded_at: new Date(Date.now() - 9_000_000).toISOString(),
      invalid_since: null,
      overrides: [{ key: "server.port", from: "--port" }],
      needs_restart: ["server.host"],
      disk: {
        state: "differs",
        path: "/etc/clawgate/config.yaml",
        changed: { providers: { added: ["groq"], removed: [], changed: [] }, sections: ["queue"] },
        problems: [],
      },
      values: {
        server: { port: 8090, host: "127.0.0.1" },
        auth: { admin_key: "***" },
        aliases: { [markup]: override },
      },
      file: {
        path: "/etc/clawgate/config.yaml",
        etag: etagNow(),
        text: textNow(),
        writable: true,
        problem: null,
        backups: texts.length - 1,
      },
    })),
    write("POST", "/api/config/check", async ({ request }) => checked(await bodyText(request))),
    write("PUT", "/api/config", async ({ request }) => {
      if (request.headers.get("if-match") !== etagNow()) return refused(412, "The file was changed.");
      const text = await bodyText(request);
      const check = checked(text);
      if (!check.ok) return Response.json(check, { status: 400 });
      texts.push(text);
      done.push("save config");
      return { ...check, etag: etagNow() };
    }),
    write("POST", "/api/config/undo", ({ request }) => {
      if (request.headers.get("if-match") !== etagNow()) return refused(412, "The file was changed.");
      if (texts.length === 1) return refused(409, "There is no version before this one.");
      const before = textNow();
      texts.pop();
      done.push("undo config");
      return { ok: true, problems: [], diff: diffOf(before, textNow()), needs_restart: [], etag: etagNow() };
    }),
    get("/api/audit", ({ query }) => {
      const from = Number(query.get("cursor") ?? 0);
      const entries = audit();
      const limit = 2;
      const next = from + limit < entries.length ? String(from + limit) : null;
      return { entries: entries.slice(from, from + limit), next };
    }),
    get("/api/alerts", () => ({
      alerts: [
        {
          id: "a1",
          kind: "provider-out",
          severity: "critical",
          subject: markup,
          message: `openai is out ${override}`,
          since_ms: Date.now() - 400_000,
          until_ms: Date.now() + 28_000,
          value: null,
          limit: null,
        },
      ],
      recent: [
        {
          id: "a0",
          kind: "budget",
          severity: "warning",
          subject: "team-search",
          message: "80 % of the day's budget are used",
          since_ms: Date.now() - 9_000_000,
          until_ms: null,
          ended_ms: Date.now() - 5_000_000,
          value: 4,
          limit: 5,
        },
      ],
    })),
  ];
  return {
    routes,
    done,
    writeElsewhere: (text) => void texts.push(text),
    signOut: () => void (isSignedIn = false),
  };
}
