// What set-up would change for one instance: its tenant, its key, the new texts of its files. It must never write, and never return
// a key except inside a file's new text.

import { randomBytes } from "node:crypto";
import type { NewTenant } from "../config/edit.ts";
import type { Config } from "../config/schema.ts";
import { fits } from "../config/tenant-checks.ts";
import { type FileChange, labelOfFile } from "../openclaw/applied-changes.ts";
import { setInDotEnv } from "../openclaw/dot-env.ts";
import { type FileAccessFor, reasonOf } from "../openclaw/file-access.ts";
import { accessTo } from "../openclaw/instance-access.ts";
import { apiInEntry, keyInEntry, variablesOf, withGateway } from "../openclaw/instance-files.ts";
import type { Instance } from "../openclaw/instances.ts";
import { Json5Problem } from "../openclaw/json5-text.ts";
import { type Api, baseUrl, providerEntry } from "../openclaw/provider-entry.ts";
import { sha256Hex } from "../system/secret.ts";

export type PlannedInstance = {
  readonly instance: Instance;
  readonly tenant: string;
  /** new: a tenant is added; kept: it exists with its key. */
  readonly key: "new" | "kept";
  readonly url: string;
  readonly changes: readonly FileChange[];
  /** The tenant to be added; null: it exists, or the instance is skipped. */
  readonly addition: NewTenant | null;
  /** Why this instance is not changed; null: it is changed. */
  readonly leftOut: string | null;
};

export type SetupOptions = {
  readonly config: string | undefined;
  readonly isPrimary: boolean;
  /** The new `server.host`; null: unchanged. */
  readonly host: string | null;
  /** Null: as in the instance, else openai-completions. */
  readonly api: Api | null;
};

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");

/** The gateway's address as the instance reaches it. */
function urlFor({ kind }: Instance, config: Config, host: string | null): string {
  const { host: bound, port } = config.server;
  if (kind === "docker" && host !== null) return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const isAny = isLoopback(bound) || bound === "0.0.0.0" || bound === "::" || bound === "[::]";
  return `http://${isAny ? "127.0.0.1" : bound}:${port}`;
}

type Planning = {
  readonly instance: Instance;
  readonly tenant: string;
  readonly config: Config;
  readonly host: string | null;
  readonly options: Pick<SetupOptions, "isPrimary" | "api">;
  readonly placeOf: FileAccessFor;
  /** The tenant's key if the caller has just created it; otherwise the known one, or a new one. */
  readonly key?: string;
};

export async function planInstance(planning: Planning): Promise<PlannedInstance> {
  const { instance, tenant, config, host, options, placeOf } = planning;
  const url = urlFor(instance, config, host);
  const known = config.tenants.find((each) => each.name === tenant);
  const base = { instance, tenant, url, key: known === undefined ? "new" : "kept" } as const;
  const leave = (leftOut: string): PlannedInstance => ({ ...base, changes: [], addition: null, leftOut });
  const way = await accessTo(instance);
  if (typeof way === "string") return leave(way);
  const shown = labelOfFile(way.config);
  let text: string | null;
  let dotEnv: string | null;
  try {
    text = await placeOf(way.config).read(way.config.path);
    dotEnv = await placeOf(way.env).read(way.env.path);
  } catch (error) {
    return leave(`its files cannot be read (${reasonOf(error)})`);
  }
  if (text === null) return leave(`there is no ${shown}`);
  try {
    const key =
      planning.key ??
      (known === undefined ? randomBytes(32).toString("hex") : plainKey(keysOf(known), keyInEntry(text)));
    if (key === null)
      return leave(
        `only the hash of the key of tenant ${tenant} is known; \`clawgate manage rotate-key ${tenant} --apply\` creates a new one`,
      );
    const variables = { CLAWGATE_BASE_URL: baseUrl(url, "openai-completions"), CLAWGATE_API_KEY: key };
    const models = modelsFor(config, known?.models);
    if (options.isPrimary && !models.includes("auto"))
      return leave(
        `tenant ${tenant} may not use auto (tenants[].models), which --primary makes its main model`,
      );
    const provider = providerEntry({
      url,
      apiKey: key,
      api: options.api ?? apiInEntry(text) ?? "openai-completions",
      models,
    });
    const changes: FileChange[] = [
      {
        ...way.config,
        before: text,
        after: withGateway(text, { provider, isPrimary: options.isPrimary, variables }),
      },
      {
        ...way.env,
        before: dotEnv,
        after: setInDotEnv(dotEnv ?? "", variables),
      },
    ];
    const addition: NewTenant = {
      name: tenant,
      api_key: key,
      env: inheritedVariables(variablesOf(text)),
      ...(instance.container === null ? {} : { container: instance.container }),
    };
    return {
      ...base,
      changes: changes.filter(({ before, after }) => before !== after),
      addition: known === undefined ? addition : null,
      leftOut: null,
    };
  } catch (error) {
    if (error instanceof Json5Problem) return leave(`${shown}: ${error.message}`);
    throw error;
  }
}

/** Names that the tenant may use; `allowed`: its own list, if it has one. */
function modelsFor(
  { aliases, fallback_chain: chain }: Config,
  allowed: readonly string[] | undefined,
): readonly string[] {
  const names = ["auto", ...Object.keys(aliases).filter((name) => !name.includes("*")), ...chain];
  if (allowed === undefined) return names;
  return names.filter((name) =>
    allowed.some((pattern) => fits(pattern, name) || fits(pattern, aliases[name] ?? name)),
  );
}

/** As written in the config, without expired ones. */
function keysOf({ api_key, keys }: Config["tenants"][number]): readonly string[] {
  const live = keys.filter(({ expires }) => expires === undefined || Date.parse(expires) > Date.now());
  const further = live.map(({ key, sha256 }) => key ?? `sha256:${sha256 ?? ""}`);
  return api_key === undefined ? further : [api_key, ...further];
}

/** The key that the instance already has, if it is still valid; otherwise one that the config contains in plain text. */
function plainKey(written: readonly string[], inEntry: string | null): string | null {
  const hash = inEntry === null ? null : `sha256:${sha256Hex(inEntry)}`;
  const isKnown = written.some((key) => key === inEntry || key.toLowerCase() === hash);
  return isKnown ? inEntry : (written.find((key) => !key.startsWith("sha256:")) ?? null);
}

const notInherited =
  /^(?:PATH|HOME|HOSTNAME|TERM|SHLVL|PWD|OLDPWD|LANG|LC_.*|USER|SHELL|LOGNAME|_|BROWSER|EDITOR|VISUAL|NODE_.*|npm_.*|YARN_.*|NVM_.*|OPENCLAW_.*|CLAWGATE_.*|ANTHROPIC_.*|OPENAI_.*|CLAUDE_.*|DOCKER_.*|KUBERNETES_.*|LD_.*|DYLD_.*|BUN_.*)$/;

/** The instance's variables that the tenant's CLI may get; a reference to another variable would be resolved wrongly here. */
function inheritedVariables(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(
      ([name, value]) =>
        /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !notInherited.test(name) && !value.includes("${"),
    ),
  );
}
