// What set-up would change for one instance: its tenant, its key, the new texts of its files. It must never write, and never return
// a key except inside a file's new text.

import { randomBytes } from "node:crypto";
import type { NewTenant } from "../config/edit.ts";
import type { Config } from "../config/schema.ts";
import { type FileChange, labelOfFile } from "../openclaw/applied-changes.ts";
import { setInDotEnv, valueInDotEnv } from "../openclaw/dot-env.ts";
import { type FileAccessFor, reasonOf } from "../openclaw/file-access.ts";
import { accessTo } from "../openclaw/instance-access.ts";
import { apiInEntry, hasEntry, keyInEntry, variablesOf, withGateway } from "../openclaw/instance-files.ts";
import type { Instance } from "../openclaw/instances.ts";
import { Json5Problem } from "../openclaw/json5-text.ts";
import {
  type Api,
  baseUrl,
  clawrouterEntry,
  keyReference,
  keyVariable,
  providerEntry,
  type ProviderId,
} from "../openclaw/provider-entry.ts";
import { cheapestOf, type ModelOffer } from "../canon/model-offer.ts";
import type { OffersFor } from "../app/offline/offline-offers.ts";
import { clawrouterRefusal } from "../openclaw/clawrouter-refusal.ts";
import { shapeFor } from "../openclaw/version.ts";
import { hostAndPort, reachableOrigin } from "../system/http-origin.ts";
import { sha256Hex } from "../system/secret.ts";

export type PlannedInstance = {
  readonly instance: Instance;
  readonly tenant: string;
  /** new: a tenant is added; kept: it exists with its key. */
  readonly key: "new" | "kept";
  readonly url: string;
  /** Of its OpenClaw; null: unknown. */
  readonly version: string | null;
  /** Our provider in its config. */
  readonly provider: ProviderId;
  /** openclaw.json as it is; null: it cannot be read. */
  readonly written: string | null;
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
  /** Null: the one that the instance has, else clawgate. */
  readonly provider: ProviderId | null;
};

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");

/** The gateway's address as the instance reaches it. */
function urlFor({ kind }: Instance, config: Config, host: string | null): string {
  const { host: bound, port } = config.server;
  return kind === "docker" && host !== null
    ? `http://${hostAndPort(host, port)}`
    : reachableOrigin(bound, port);
}

type Planning = {
  readonly instance: Instance;
  readonly tenant: string;
  readonly config: Config;
  readonly host: string | null;
  readonly options: Pick<SetupOptions, "isPrimary" | "api" | "provider">;
  readonly placeOf: FileAccessFor;
  readonly offersFor: OffersFor;
  readonly versionOf: (instance: Instance, config: string) => Promise<string | null>;
  /** Of this command: a local instance is likely to have the same. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The tenant's key if the caller has just created it; otherwise the known one, or a new one. */
  readonly key?: string;
};

export async function planInstance(planning: Planning): Promise<PlannedInstance> {
  const { instance, tenant, config, host, options, placeOf } = planning;
  const url = urlFor(instance, config, host);
  const known = config.tenants.find((each) => each.name === tenant);
  const base = { instance, tenant, url, key: known === undefined ? "new" : "kept", version: null } as const;
  let text: string | null = null;
  const leave = (leftOut: string): PlannedInstance => ({
    ...base,
    provider: options.provider ?? "clawgate",
    written: text,
    changes: [],
    addition: null,
    leftOut,
  });
  const way = await accessTo(instance);
  if (typeof way === "string") return leave(way);
  const shown = labelOfFile(way.config);
  let dotEnv: string | null;
  try {
    text = await placeOf(way.config).read(way.config.path);
    dotEnv = await placeOf(way.env).read(way.env.path);
  } catch (error) {
    return leave(`its files cannot be read (${reasonOf(error)})`);
  }
  if (text === null) return leave(`there is no ${shown}`);
  try {
    const old = keyInEntry(text) ?? valueInDotEnv(dotEnv ?? "", keyVariable);
    const key =
      planning.key ?? (known === undefined ? randomBytes(32).toString("hex") : plainKey(keysOf(known), old));
    if (key === null)
      return leave(
        `only the hash of the key of tenant ${tenant} is known; \`clawgate manage rotate-key ${tenant} --apply\` creates a new one`,
      );
    const fresh = await newTexts({ planning, url, key }, text, dotEnv);
    if (typeof fresh === "string") return leave(fresh);
    const changes: FileChange[] = [
      { ...way.config, before: text, after: fresh.config },
      { ...way.env, before: dotEnv, after: fresh.env },
    ];
    const addition: NewTenant = {
      name: tenant,
      api_key: key,
      env: inheritedVariables(variablesOf(text)),
      ...(instance.container === null ? {} : { container: instance.container }),
    };
    return {
      ...base,
      version: fresh.version,
      provider: fresh.provider,
      written: text,
      changes: changes.filter(({ before, after }) => before !== after),
      addition: known === undefined ? addition : null,
      leftOut: null,
    };
  } catch (error) {
    if (error instanceof Json5Problem) return leave(`${shown}: ${error.message}`);
    throw error;
  }
}

type NewTexts = {
  readonly config: string;
  readonly env: string;
  readonly version: string | null;
  readonly provider: ProviderId;
};

/** A string says why there are none. Throws Json5Problem. */
async function newTexts(
  { planning, url, key }: { readonly planning: Planning; readonly url: string; readonly key: string },
  text: string,
  dotEnv: string | null,
): Promise<NewTexts | string> {
  const { instance, tenant, options } = planning;
  const variables = { CLAWGATE_BASE_URL: baseUrl(url, "openai-completions"), [keyVariable]: key };
  const models = await planning.offersFor(tenant);
  if (options.isPrimary && !models.some(({ id }) => id === "auto"))
    return `tenant ${tenant} may not use auto (tenants[].models), which --primary makes its main model`;
  const hasRouterAlone = hasEntry(text, "clawrouter") && !hasEntry(text, "clawgate");
  const id = options.provider ?? (hasRouterAlone ? "clawrouter" : "clawgate");
  const version = await planning.versionOf(instance, text);
  if (id === "clawrouter") {
    const environment = instance.kind === "local" ? planning.environment : {};
    const refusal = clawrouterRefusal({ text, dotEnv: dotEnv ?? "", environment, version, url, key });
    if (refusal !== null) return refusal;
  }
  const shape = shapeFor(version);
  // A running OpenClaw of before 2026.9 refuses a config whose variable it did not start with.
  const apiKey = shape === "older" ? key : keyReference;
  const api = options.api ?? apiInEntry(text) ?? "openai-completions";
  const provider =
    id === "clawrouter" ? clawrouterEntry(url) : providerEntry({ url, apiKey, api, models, shape });
  const cheapest = (offers: readonly ModelOffer[]): string | null =>
    shape === "older" ? null : (cheapestOf(offers)?.id ?? null);
  const isBlind = models.some((offer) => offer.id === "auto" && offer.vision !== true);
  return {
    config: withGateway(text, {
      id,
      provider,
      variables,
      isPrimary: options.isPrimary,
      utilityModel: cheapest(models),
      imageModel: isBlind ? cheapest(models.filter(({ vision }) => vision === true)) : null,
    }),
    env: setInDotEnv(dotEnv ?? "", variables),
    version,
    provider: id,
  };
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
