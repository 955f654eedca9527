// What set-up would change for one instance: its tenant, its key, the new texts of its files.
// It must never write, and never hand out a key but inside a file's new text.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ConfigEdit } from "../config/edit.ts";
import type { Config } from "../config/schema.ts";
import { setInDotEnv } from "../openclaw/dot-env.ts";
import { type FileChange, keyInEntry, variablesOf, withGateway } from "../openclaw/instance-files.ts";
import type { Instance } from "../openclaw/instances.ts";
import { Json5Problem } from "../openclaw/json5-text.ts";
import { type Api, baseUrl, providerEntry } from "../openclaw/provider-entry.ts";
import { errorCode, readTextIfExists } from "../system/files.ts";
import { sha256Hex } from "../system/secret.ts";

export type PlannedInstance = {
  readonly instance: Instance;
  readonly tenant: string;
  /** new: a tenant is added; kept: it was there, key and all. */
  readonly key: "new" | "kept";
  readonly url: string;
  readonly changes: readonly FileChange[];
  /** Why this instance is left as it is; null when it is not. */
  readonly leftOut: string | null;
};

export type SetupWishes = {
  readonly config: string | undefined;
  readonly isPrimary: boolean;
  readonly api: Api;
};

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");

/** The address at which an instance finds the gateway. */
function urlFor({ kind }: Instance, config: Config, host: string | null): string {
  const { host: bound, port } = config.server;
  if (kind === "docker" && host !== null) return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const isAny = isLoopback(bound) || bound === "0.0.0.0" || bound === "::" || bound === "[::]";
  return `http://${isAny ? "127.0.0.1" : bound}:${port}`;
}

type Planning = {
  readonly instance: Instance;
  readonly config: Config;
  readonly edit: ConfigEdit;
  readonly host: string | null;
  readonly wishes: SetupWishes;
};

export async function planInstance(planning: Planning): Promise<PlannedInstance> {
  const { instance, config, edit, host, wishes } = planning;
  const url = urlFor(instance, config, host);
  const tenant = tenantOf(instance, edit.tenants());
  const known = config.tenants.find((each) => each.name === tenant);
  const base = { instance, tenant, url, key: known === undefined ? "new" : "kept" } as const;
  const leave = (leftOut: string): PlannedInstance => ({ ...base, changes: [], leftOut });
  const { configPath, stateDir } = instance;
  if (configPath === null || stateDir === null)
    return leave(
      "its files are in a volume that is not to be seen from here; `clawgate setup --print` shows what to add",
    );
  let text: string | null;
  let dotEnv: string | null;
  try {
    text = await readTextIfExists(configPath);
    dotEnv = await readTextIfExists(join(stateDir, ".env"));
  } catch (error) {
    return leave(`its files cannot be read (${errorCode(error) ?? "unknown"})`);
  }
  if (text === null) return leave(`there is no ${configPath}`);
  try {
    const key =
      known === undefined ? randomBytes(32).toString("hex") : plainKey(keysOf(known), keyInEntry(text));
    if (key === null)
      return leave(
        `only the hash of the key of tenant ${tenant} is known; \`clawgate manage rotate-key ${tenant}\` makes a new one`,
      );
    const variables = { CLAWGATE_BASE_URL: baseUrl(url, "openai-completions"), CLAWGATE_API_KEY: key };
    const models = Object.keys(config.aliases).filter((name) => !name.includes("*"));
    const provider = providerEntry({
      url,
      apiKey: key,
      api: wishes.api,
      models: [...models, ...config.fallback_chain],
    });
    const changes: FileChange[] = [
      {
        path: configPath,
        kind: "openclaw",
        before: text,
        after: withGateway(text, { provider, isPrimary: wishes.isPrimary, variables }),
      },
      {
        path: join(stateDir, ".env"),
        kind: "env",
        before: dotEnv,
        after: setInDotEnv(dotEnv ?? "", variables),
      },
    ];
    if (known === undefined)
      edit.addTenant({ name: tenant, api_key: key, env: handedDown(variablesOf(text)) });
    return { ...base, changes: changes.filter(({ before, after }) => before !== after), leftOut: null };
  } catch (error) {
    if (error instanceof Json5Problem) return leave(`${configPath}: ${error.message}`);
    throw error;
  }
}

/** openclaw-cc-gateway called the usual composition "dc"; whoever comes from there keeps the name and the key. */
function tenantOf({ name, kind }: Instance, tenants: readonly { readonly name: string }[]): string {
  const has = (each: string): boolean => tenants.some((tenant) => tenant.name === each);
  return kind === "docker" && name === "openclaw" && !has(name) && has("dc") ? "dc" : name;
}

/** As they are written, those that have not expired. */
function keysOf({ api_key, keys }: Config["tenants"][number]): readonly string[] {
  const live = keys.filter(({ expires }) => expires === undefined || Date.parse(expires) > Date.now());
  const further = live.map(({ key, sha256 }) => key ?? `sha256:${sha256 ?? ""}`);
  return api_key === undefined ? further : [api_key, ...further];
}

/** The key that the instance has already, if it still opens the door; else one that is written in the clear. */
function plainKey(written: readonly string[], inEntry: string | null): string | null {
  const hash = inEntry === null ? null : `sha256:${sha256Hex(inEntry)}`;
  const isKnown = written.some((key) => key === inEntry || key.toLowerCase() === hash);
  return isKnown ? inEntry : (written.find((key) => !key.startsWith("sha256:")) ?? null);
}

const notHandedDown =
  /^(?:PATH|HOME|HOSTNAME|TERM|SHLVL|PWD|OLDPWD|LANG|LC_.*|USER|SHELL|LOGNAME|_|BROWSER|EDITOR|VISUAL|NODE_.*|npm_.*|YARN_.*|NVM_.*|OPENCLAW_.*|CLAWGATE_.*|ANTHROPIC_.*|OPENAI_.*|CLAUDE_.*|DOCKER_.*|KUBERNETES_.*|LD_.*|DYLD_.*|BUN_.*)$/;

/** What the tenant's CLI may know of the instance's variables; a reference to another one would be read wrongly here. */
function handedDown(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(
      ([name, value]) =>
        /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !notHandedDown.test(name) && !value.includes("${"),
    ),
  );
}
