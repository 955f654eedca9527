// What the operator's endpoints answer to the dashboard: providers, rules, tenants, Claude Code, config, audit, alerts. Types only.
// They repeat the reports of the gateway, because the page is a program of its own; test/dashboard/operator-shapes.test.ts compares both.

export type Allowance = {
  readonly name: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly used_percent: number | null;
  readonly status: string | null;
  readonly resets_at: string | null;
};

export type ProviderKey = {
  /** Its fingerprint; empty for a provider without keys. */
  readonly id: string;
  readonly state: string;
  readonly retry_at: string | null;
  readonly held_since: string | null;
  readonly limit_ends_at: string | null;
  readonly cooling_models: Readonly<Record<string, string>>;
  readonly allowances: readonly Allowance[];
};

export type ProviderEntry = {
  readonly id: string;
  readonly backend: string;
  readonly base_url: string | null;
  readonly model: string;
  readonly models: readonly string[];
  readonly tier: string | null;
  readonly state: string;
  readonly retry_at: string | null;
  readonly retry_in_s: number | null;
  readonly credentials: readonly ProviderKey[];
  readonly cooling_models: Readonly<Record<string, string>>;
  readonly consecutive_failures: number;
  readonly ejections: number;
  readonly avg_latency_ms: number | null;
  readonly last_error: string | null;
  readonly last_check: string | null;
  readonly running: number;
  readonly waiting: number;
  readonly requests_today: number | null;
};

export type ProvidersAnswer = {
  readonly config: string | null;
  readonly providers: readonly ProviderEntry[];
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
};

export type ProviderTestAnswer = {
  readonly request_id: string;
  readonly provider: string;
  readonly model: string;
  readonly ok: boolean;
  readonly latency_ms: number;
  readonly first_token_ms: number | null;
  readonly text: string | null;
  readonly cost_usd: number | null;
  readonly error: { readonly kind: string; readonly message: string; readonly hint: string } | null;
};

export type RuleEntry = {
  readonly layer: string;
  readonly name: string;
  readonly target: string | null;
  readonly enabled: boolean;
  readonly description: string;
};

export type RouteAnswer = {
  readonly tenant: string | null;
  readonly provider: string;
  readonly model: string;
  readonly layer: string;
  readonly rule: string;
  readonly confidence: number;
  readonly reason: string;
  readonly elapsed_ms: number;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly candidates: readonly {
    readonly provider: string;
    readonly model: string;
    readonly kept: boolean;
    readonly note: string;
    readonly estimated_cost_usd: number | null;
  }[];
  readonly fallbacks: readonly string[];
  readonly passes: boolean;
  readonly because: string | null;
  readonly adapted: readonly string[];
  readonly estimated_tokens: number;
  readonly estimated_cost_usd: number | null;
};

export type TenantKey = {
  readonly fingerprint: string;
  /** Absent or null: it was not made here. */
  readonly created?: string | null;
  readonly expires: string | null;
  readonly is_expired: boolean;
};

type Used = { readonly tokens: number; readonly usd: number };

export type TenantLimits = {
  readonly requests_per_minute?: number | undefined;
  readonly tokens_per_minute?: number | undefined;
  readonly max_concurrent?: number | undefined;
  readonly budget?:
    | {
        readonly usd_per_day?: number | undefined;
        readonly usd_per_month?: number | undefined;
        readonly tokens_per_day?: number | undefined;
        readonly tokens_per_month?: number | undefined;
        readonly usd_per_session?: number | undefined;
      }
    | undefined;
  readonly over_budget_model?: string | undefined;
};

export type TenantEntry = {
  readonly name: string;
  readonly keys: readonly TenantKey[];
  readonly models: readonly string[] | null;
  readonly provider: string | null;
  readonly limits: TenantLimits | null;
  /** Null: only tenants with limits are metered. */
  readonly used: {
    readonly running: number;
    readonly requests_last_minute: number;
    readonly tokens_last_minute: number;
    readonly today: Used;
    readonly this_month: Used;
    readonly reserved: Used;
    readonly is_over_budget: boolean;
    readonly budget_resets_in_s: number | null;
  } | null;
};

export type NewKey = {
  readonly key: string;
  readonly fingerprint: string;
  readonly expires_at?: string | null;
  /** After a rotation: until when the old key is accepted; null: no longer. */
  readonly old_expires_at?: string | null;
};

export type ClaudeProgram = {
  readonly provider: string;
  readonly tenant: string | null;
  readonly version: string | null;
  readonly path: string | null;
  /** Of the provider as a whole, the same in each of its rows. */
  readonly processes: {
    readonly busy: number;
    readonly idle: number;
    readonly parked: number;
    readonly starting: number;
  };
  readonly login: {
    readonly state: string;
    readonly method?: string;
    readonly account?: string;
    readonly subscription?: string;
    readonly expires?: string;
  };
  readonly problem: string | null;
};

export type Finding = {
  readonly section: string;
  readonly id: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly title: string;
  readonly detail: string | null;
  readonly advice: string | null;
};

export type DoctorAnswer = {
  readonly version: string;
  readonly platform: string;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
};

export type ConfigChanges = {
  readonly providers: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  readonly sections: readonly string[];
};

export type ConfigAnswer = {
  readonly path: string | null;
  readonly is_merely_found: boolean;
  readonly loaded_at: string;
  readonly invalid_since: string | null;
  readonly overrides: readonly { readonly key: string; readonly from: string }[];
  readonly needs_restart: readonly string[];
  readonly disk: {
    readonly state: "same" | "differs" | "invalid" | "none";
    readonly path: string | null;
    readonly changed: ConfigChanges;
    readonly problems: readonly string[];
  };
  readonly values: unknown;
  /** Absent or null: there is no file to edit. */
  readonly file?: ConfigFile | null;
};

export type ConfigFile = {
  readonly path: string;
  /** Null: it cannot be read, or nobody can tell what in it is secret. */
  readonly etag: string | null;
  readonly text: string | null;
  readonly writable: boolean;
  /** Why there is no text, or why it cannot be written. */
  readonly problem?: string | null;
  /** How many versions there are to go back to; absent: not known. */
  readonly backups?: number;
};

export type ConfigTextProblem = {
  readonly path: string | null;
  readonly line: number | null;
  readonly message: string;
  readonly severity: string;
};

export type ConfigCheck = {
  readonly ok: boolean;
  readonly problems: readonly ConfigTextProblem[];
  /** A unified diff, empty where nothing changes. */
  readonly diff: string;
  readonly needs_restart: readonly string[];
  /** What was said to a refused saving. */
  readonly refusal?: string;
  /** The file's new one, after it was saved. */
  readonly etag?: string;
};

export type AuditEntry = {
  readonly id: number | string;
  readonly at_ms: number;
  readonly actor: string;
  readonly address: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly detail: unknown;
};

export type AuditAnswer = { readonly entries: readonly AuditEntry[]; readonly next: string | null };

export type Alert = {
  readonly id: string;
  readonly kind: string;
  readonly severity: "warning" | "critical";
  readonly subject: string;
  readonly message: string;
  readonly since_ms: number;
  readonly until_ms: number | null;
  readonly value: number | null;
  readonly limit: number | null;
};

export type AlertsAnswer = {
  readonly alerts: readonly Alert[];
  readonly recent: readonly (Alert & { readonly ended_ms: number })[];
};

export type SessionAnswer = {
  readonly signed_in: boolean;
  readonly can_read: boolean;
  readonly can_write: boolean;
  readonly has_admin_key: boolean;
  readonly expires_ms: number | null;
};
