// `clawgate login <tenant>`: runs the sign-in of the Claude Code program in the folder that this tenant's requests use. It must never
// read, copy or show the login that it stores there.

import { type ClaudeLogin, claudeLoginOf } from "../operator/claude-login.ts";
import { loadOffline } from "../app/offline/offline-config.ts";
import { Failure } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import { ConfigProblem } from "../config/problems.ts";
import { errorCode } from "../system/files.ts";
import { runInTerminal } from "../system/process.ts";
import { claudeLoginStatus } from "./claude-login-status.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { memberOf } from "./running-gateway.ts";
import { offlineInput } from "./config-input.ts";
import { plain } from "./terminal.ts";

const help = `Usage: clawgate login <tenant> [options]
       clawgate login --no-tenant [options]

Runs "claude auth login" for a tenant of the config, with the home, the configuration folder and the variables that the
gateway gives the tenant's Claude Code processes. The sign-in is Claude Code's own; the gateway never sees its tokens.

Options:
  --no-tenant     the Claude Code of requests without a tenant; the word default means the same while no tenant has that name
  --status        only run "claude auth status" (exit code 1: not signed in)
  --console       sign in to the Anthropic Console (paid by API use) instead of a Claude subscription
  --setup-token   run "claude setup-token": it shows a token for CLAUDE_CODE_OAUTH_TOKEN in the tenant's env
  --provider ID   which provider, if several are the Claude Code program
  --json          with --status: as JSON
  --config FILE   config file, as for serve
  -h, --help      this text
`;

const terms =
  'Anthropic: subscription sign-in is "designed to support ordinary use of Claude Code" by its purchaser; requests may not be ' +
  "routed through it on behalf of other users (code.claude.com/docs/en/legal-and-compliance). For others, use API keys.\n";

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "login",
    {
      "no-tenant": { type: "boolean", default: false },
      status: { type: "boolean", default: false },
      console: { type: "boolean", default: false },
      "setup-token": { type: "boolean", default: false },
      provider: { type: "string" },
      json: { type: "boolean", default: false },
      config: { type: "string" },
    },
    1,
  );
  if ("usage" in read) return read.usage;
  const [named] = read.positionals;
  const { status: isStatus, console: isConsole, provider = null, json: isJson, config } = read.values;
  const isToken = read.values["setup-token"];
  const isNobodys = read.values["no-tenant"];
  if (isNobodys === (named !== undefined))
    return refuseUsage(
      context,
      "login",
      isNobodys
        ? "--no-tenant and a tenant's name exclude each other"
        : "it needs a tenant's name, or --no-tenant",
    ).usage;
  if ([isStatus, isConsole, isToken].filter(Boolean).length > 1)
    return refuseUsage(context, "login", "--status, --console and --setup-token exclude each other").usage;
  const refuse = (why: string): number => {
    context.stderr.write(`clawgate: ${why}\n`);
    return exitCodes.failed;
  };
  let login: ClaudeLogin | null;
  let tenant = named ?? null;
  try {
    const loaded = await loadOffline(offlineInput(context, config));
    const names = loaded.config.tenants.map(({ name }) => name);
    // A word of older builds; a tenant of that name takes precedence.
    if (tenant === "default" && !names.includes(tenant)) tenant = null;
    if (tenant !== null && !names.includes(tenant)) {
      const near = nearest(tenant, names);
      return refuse(
        `There is no tenant "${plain(tenant)}".${near === null ? "" : ` Did you mean "${near}"?`}`,
      );
    }
    login = await claudeLoginOf(loaded, tenant, provider);
  } catch (thrown) {
    if (thrown instanceof Failure) return refuse(plain(thrown.message));
    if (!(thrown instanceof ConfigProblem)) throw thrown;
    context.stderr.write(`${thrown.message}\n`);
    return exitCodes.config;
  }
  if (login === null)
    return refuse(
      "no provider of the config is the Claude Code program (backend: claude-cli), so there is nothing to sign in to.",
    );
  const words = isToken ? ["setup-token"] : ["auth", "login", ...(isConsole ? ["--console"] : [])];
  try {
    return isStatus
      ? await showStatus(context, tenant, login, isJson)
      : await signIn(context, tenant, login, words);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === null) throw thrown;
    return refuse(`${plain(login.bin)} could not be started in ${plain(login.cwd)} (${code}).`);
  }
}

async function signIn(
  context: CommandContext,
  tenant: string | null,
  login: ClaudeLogin,
  words: readonly string[],
): Promise<number> {
  const { stdout, stderr } = context;
  const who = tenant === null ? "requests without a tenant" : `the tenant ${plain(tenant)}`;
  stderr.write(`This signs in the Claude Code of ${who}; its login is kept in ${plain(login.configDir)}.\n`);
  if (login.sharedWith.length > 0)
    stderr.write(
      `It becomes the login of ${plain(login.sharedWith.join(", "))} too: they use the same folder.\n`,
    );
  if (login.winningVariable !== null)
    stderr.write(`${login.winningVariable} is set for it and takes precedence over any login.\n`);
  stderr.write(terms);
  if (!stdout.isTTY || !process.stdin.isTTY) {
    const folders = ["HOME", "CLAUDE_CONFIG_DIR"].flatMap((name) => {
      const value = login.env[name];
      return value === undefined ? [] : [`${name}=${quoted(value)}`];
    });
    stderr.write("Signing in needs a terminal, and this is not one. The command to run in one:\n");
    const asUser = login.user === null ? [] : ["sudo", "-u", quoted(`#${login.user.uid}`)];
    stdout.write(`${[...asUser, ...folders, quoted(login.bin), ...words].join(" ")}\n`);
    return exitCodes.failed;
  }
  const code = await runInTerminal([login.bin, ...words], {
    env: login.env,
    cwd: login.cwd,
    user: login.user,
  });
  return code === 0 ? exitCodes.ok : exitCodes.failed;
}

async function showStatus(
  context: CommandContext,
  tenant: string | null,
  login: ClaudeLogin,
  isJson: boolean,
): Promise<number> {
  const { answer, why } = await claudeLoginStatus(login);
  const text = (name: string): string | null => {
    const value = memberOf(answer, name);
    return typeof value === "string" ? plain(value) : null;
  };
  const isLoggedIn = memberOf(answer, "loggedIn") === true;
  const report = {
    tenant,
    config_dir: login.configDir,
    logged_in: isLoggedIn,
    method: text("authMethod"),
    account: text("email"),
    subscription: text("subscriptionType"),
    shared_with: login.sharedWith,
  };
  if (answer === null) {
    context.stderr.write(`clawgate: "claude auth status" ${why}.\n`);
    return exitCodes.failed;
  }
  const details = [report.method, report.account, report.subscription].filter((each) => each !== null);
  if (isJson) context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else
    context.stdout.write(
      `${tenant === null ? "requests without a tenant" : plain(tenant)}: ${isLoggedIn ? "signed in" : "not signed in"}${details.length === 0 ? "" : ` (${details.join(", ")})`}, ${plain(login.configDir)}\n`,
    );
  return isLoggedIn ? exitCodes.ok : exitCodes.failed;
}

/** For a shell. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export const login: Command = { name: "login", summary: "sign in a tenant's Claude Code", help, run };
