// How the Claude Code program is run for a tenant's own login: with the program, folders and variables that the gateway uses for
// this tenant's requests. It must never read, copy or print a login.

import { createInstallation } from "../backends/claude-code/installation.ts";
import { launchOf, plainSwitch } from "../backends/claude-code/launch.ts";
import { childMark } from "../backends/agent-process/child-register.ts";
import { Failure } from "../canon/failure.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { UserIds } from "../system/accounts.ts";
import { gatewayFilesOf } from "./gateway-files.ts";
import { programPlanOf } from "../backends/claude-code/program-plan.ts";

export type ClaudeLogin = {
  readonly provider: string;
  /** Absolute. */
  readonly bin: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The user that runs it; null: the person at the terminal. */
  readonly user: UserIds | null;
  /** Where the program keeps the login. */
  readonly configDir: string;
  /** Other tenants of the config whose requests use the same folder. */
  readonly sharedWith: readonly string[];
  /** A variable of the tenant that takes precedence over any login. */
  readonly winningVariable: string | null;
};

// What a browser window and terminal colours need; the gateway's own children have neither.
const terminalNames = [
  "TERM",
  "COLORTERM",
  "NO_COLOR",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XDG_RUNTIME_DIR",
  "BROWSER",
];
const winning = [
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_VERTEX",
  "CLAUDE_CODE_USE_FOUNDRY",
  "ANTHROPIC_AUTH_TOKEN",
  "ANTHROPIC_API_KEY",
  "CLAUDE_CODE_OAUTH_TOKEN",
];

/**
 * `tenant` null: the login of requests without a tenant. Returns null if no provider of the config is the Claude Code program.
 * Throws Failure if the program is missing.
 */
export async function claudeLoginOf(
  loaded: LoadedConfig,
  tenant: string | null,
  provider: string | null,
): Promise<ClaudeLogin | null> {
  const { config, environment } = loaded;
  const files = gatewayFilesOf(loaded);
  const ids = provider === null ? Object.keys(config.providers) : [provider];
  for (const id of ids) {
    const plan = programPlanOf(id, loaded, files, () => {
      throw new Error("a login must not request a model");
    });
    if (plan === null) continue;
    const warnings: string[] = [];
    const installation = createInstallation({
      // The person uses it directly, and a jail would hide the browser.
      program: { ...plan.provider.program, jail: "off" },
      environment,
      stateDirectory: files.stateDirectory,
      guardedPaths: plan.guarded,
      warn: (message) => void warnings.push(message),
    });
    const placeOf = (name: string | null) =>
      installation.workspaceOf(name, name === null ? null : (plan.tenants.get(name) ?? null));
    const workspace = await placeOf(tenant).catch((error: unknown) => {
      // The person at the terminal may see details that a client may not.
      const [why] = warnings;
      throw why === undefined ? error : new Failure("unreachable", why, { cause: error });
    });
    const others = config.tenants.filter(({ name }) => name !== tenant);
    const places = await Promise.all(
      others.map(async ({ name }) => {
        // A problem of another tenant must not keep this one from signing in.
        const place = await placeOf(name).catch(() => null);
        return [name, place?.configDir ?? null] as const;
      }),
    );
    const launch = launchOf({
      workspace,
      model: "default",
      thinking: "default",
      serverTools: "none",
      environment,
      gatewayId: "login",
    });
    // With this variable the program would ignore its login.
    const { [childMark]: _mark, [plainSwitch]: _switch, ...env } = launch.env;
    const shown = terminalNames.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      provider: id,
      bin: workspace.bin,
      env: { ...Object.fromEntries(shown), ...env },
      // Another user's home may not exist.
      cwd: launch.user === undefined || launch.user === null ? workspace.home : workspace.workingDir,
      user: launch.user ?? null,
      configDir: workspace.configDir,
      sharedWith: places.filter(([, folder]) => folder === workspace.configDir).map(([name]) => name),
      winningVariable: winning.find((name) => Boolean(env[name])) ?? null,
    };
  }
  return null;
}
