// GET /api/claude: the Claude Code programs of the config, their processes and their logins. It must never read a login: it asks the
// program (`--version`, `auth status`), at most two at a time, and again only after a minute.

import type { ProgramRegistry } from "../../backends/claude-code/loaded-programs.ts";
import { Failure } from "../../canon/failure.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { type Clock, pause } from "../../system/clock.ts";
import { runCommand } from "../../system/process.ts";
import { type ClaudeLogin, claudeLoginOf } from "../claude-login.ts";

export type LoginRow = {
  /** `checking`: the program has not answered yet; `unknown`: it does not say, or cannot be asked. */
  readonly state: "signed-in" | "signed-out" | "checking" | "unknown";
  readonly method?: string;
  readonly account?: string;
  readonly subscription?: string;
  readonly expires?: string;
};

export type ProgramRow = {
  readonly provider: string;
  /** Null: requests without a tenant. */
  readonly tenant: string | null;
  readonly version: string | null;
  readonly path: string | null;
  /** Of the provider as a whole: its processes belong to tenants only while they answer. */
  readonly processes: {
    readonly busy: number;
    readonly idle: number;
    readonly parked: number;
    readonly starting: number;
    readonly stopping: number;
  };
  readonly login: LoginRow;
  readonly problem: string | null;
};

export type ClaudeReport = { readonly programs: readonly ProgramRow[] };

type Examined = Pick<ProgramRow, "version" | "path" | "login"> & { readonly problem: string | null };

export type ClaudeStatusOptions = {
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  readonly programs: Pick<ProgramRegistry, "counts" | "problems">;
  /** Default: the program itself. */
  readonly ask?: typeof runCommand;
};

const freshMs = 60_000;
const waitMs = 5_000;
const commandMs = 10_000;
const maxAtOnce = 2;
/** Beyond these tenants the page asks for one by name (clawgate login --status). */
const maxTenants = 16;
const notAsked: Examined = { version: null, path: null, login: { state: "unknown" }, problem: null };
const checking: Examined = { ...notAsked, login: { state: "checking" } };

type Known = { readonly loaded: LoadedConfig; readonly atMs: number; examined: Examined | null };

export class ClaudeStatus {
  private readonly known = new Map<string, Known>();
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly options: ClaudeStatusOptions) {}

  async report(loaded: LoadedConfig): Promise<ClaudeReport> {
    const { programs, clock } = this.options;
    const problems = await programs.problems();
    const rows = rowsOf(loaded);
    const asked = rows.map((row) => this.examine(loaded, row));
    await Promise.race([Promise.all(asked), pause(clock, waitMs)]);
    this.forget(new Set(rows.map(keyOf)));
    const counts = programs.counts();
    return {
      programs: rows.map((row) => {
        const examined = this.known.get(keyOf(row))?.examined ?? (row.isAsked ? checking : notAsked);
        const { running = 0, warm = 0, starting = 0, parked, stopping = 0 } = counts.get(row.provider) ?? {};
        return {
          provider: row.provider,
          tenant: row.tenant,
          version: examined.version,
          path: examined.path,
          processes: {
            busy: running,
            idle: warm,
            parked: parked === undefined ? 0 : parked.calls + parked.idle,
            starting,
            stopping,
          },
          login: examined.login,
          problem: problems.get(row.provider) ?? examined.problem,
        };
      }),
    };
  }

  private async examine(loaded: LoadedConfig, row: Row): Promise<void> {
    if (!row.isAsked) return;
    const key = keyOf(row);
    const nowMs = this.options.clock.monotonicMs();
    const before = this.known.get(key);
    if (before !== undefined && before.loaded === loaded && nowMs - before.atMs < freshMs) return;
    const entry: Known = { loaded, atMs: nowMs, examined: before?.examined ?? null };
    this.known.set(key, entry);
    await this.turn();
    try {
      entry.examined = await this.ask(loaded, row);
    } finally {
      const next = this.waiting.shift();
      // Its place goes to the next one, so that nobody else takes it meanwhile.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }

  private turn(): Promise<void> | null {
    if (this.running >= maxAtOnce) return new Promise((resolve) => void this.waiting.push(resolve));
    this.running += 1;
    return null;
  }

  private async ask(loaded: LoadedConfig, { provider, tenant }: Row): Promise<Examined> {
    try {
      const login = await claudeLoginOf(loaded, tenant, provider);
      if (login === null) return notAsked;
      const version = (await this.run(login, ["--version"])).trim();
      const said = await this.run(login, ["auth", "status"]);
      return {
        version: /^\d+\.\d+\.\d+\S*/.exec(version)?.[0] ?? null,
        path: login.bin,
        login: loginRow(said, this.options.redact),
        problem: null,
      };
    } catch (thrown) {
      const why = thrown instanceof Failure ? thrown.operatorMessage : String(thrown);
      return { ...notAsked, problem: this.options.redact(why) };
    }
  }

  private async run(login: ClaudeLogin, args: readonly string[]): Promise<string> {
    const { ask = runCommand, clock } = this.options;
    const { bin, env, cwd, user } = login;
    return (await ask([bin, ...args], { timeoutMs: commandMs, env, cwd, user, clock })).stdout;
  }

  private forget(kept: ReadonlySet<string>): void {
    for (const key of this.known.keys()) if (!kept.has(key)) this.known.delete(key);
  }
}

type Row = { readonly provider: string; readonly tenant: string | null; readonly isAsked: boolean };

const keyOf = ({ provider, tenant }: Row): string => JSON.stringify([provider, tenant]);

function rowsOf({ config }: LoadedConfig): readonly Row[] {
  const tenants = [null, ...config.tenants.map(({ name }) => name)];
  return Object.entries(config.providers).flatMap(([provider, { backend }]) =>
    backend === "claude-cli"
      ? tenants.map((tenant, at): Row => ({ provider, tenant, isAsked: at <= maxTenants }))
      : [],
  );
}

function loginRow(said: string, redact: (text: string) => string): LoginRow {
  let status: Readonly<Record<string, unknown>>;
  try {
    status = Object(JSON.parse(said)) as Readonly<Record<string, unknown>>;
  } catch {
    // Older versions do not report it.
    return { state: "unknown" };
  }
  const word = (name: string, shown: string): Record<string, string> => {
    const value = status[name];
    return typeof value === "string" && value !== "" ? { [shown]: redact(value.slice(0, 200)) } : {};
  };
  return {
    state: status["loggedIn"] === true ? "signed-in" : "signed-out",
    ...word("authMethod", "method"),
    ...word("email", "account"),
    ...word("subscriptionType", "subscription"),
    ...word("expiresAt", "expires"),
  };
}
