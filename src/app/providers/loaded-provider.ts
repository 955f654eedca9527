// Builds the pipeline's Provider from one provider of the config: backend, signer, limits, queue and the known facts of its models.

import { dialects } from "../../dialects/dialect-table.ts";
import type { DialectName } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import { createDemoBackend } from "../../backends/demo/backend.ts";
import type { Backend } from "../../backends/backend.ts";
import {
  clientSigner,
  fingerprintOf,
  type HeaderStyle,
  keySigner,
  noSigner,
  type Signer,
  tokenOfText,
  tokenSigner,
} from "../../backends/http/auth.ts";
import { reportedModel } from "../../backends/claude-code/models/cli-models.ts";
import { createHttpBackend } from "../../backends/http/backend.ts";
import { proxyFor, readProxyVariables } from "../../system/proxy.ts";
import { type QuirkName, quirkJudgeOf, settledQuirks } from "../../backends/http/quirks.ts";
import { headersAt, isAnthropics, quirksAt } from "../../backends/http/vendors.ts";
import {
  type BackendName,
  backendNames,
  type ModelSettings,
  type ProviderSettings,
} from "../../backends/settings.ts";
import { maxOutputOf } from "../../catalog/model-cards.ts";
import { createTakes } from "../../catalog/model-takes.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import type { Provider } from "../../pipeline/dependencies.ts";
import { readTextIfExists } from "../../system/files.ts";
import { userAgent } from "../../system/identity.ts";
import { childEnvironment, runCommand } from "../../system/process.ts";
import type { QueueLimits } from "../../tenants/queue.ts";
import { claudeProviderOf } from "../../backends/claude-code/program-plan.ts";
import type { AppServices } from "../app-services.ts";
import { createModelFacts } from "./model-facts.ts";
import { createProviderPrice } from "./provider-price.ts";
import { isUnchangedUpstream, upstreamIn } from "./same-upstream.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Of every backend that speaks HTTP. */
const dialectOfBackend: Readonly<Record<Exclude<BackendName, "claude-cli" | "demo">, DialectName>> = {
  "openai-compat": "openai-chat",
  anthropic: "anthropic-messages",
  "openai-responses": "openai-responses",
  "google-genai": "google-genai",
};

const keyHeaders: Partial<Record<DialectName, HeaderStyle>> = {
  "anthropic-messages": "x-api-key",
  "google-genai": "x-goog-api-key",
};

/** Backends that this build can drive: all that there are, for the compiler wants a way to build each (`backendOf`). */
export const availableBackends: ReadonlySet<BackendName> = new Set(backendNames);

const tokensWhenNothingIsKnown = 8_192;
const tokenCommandMs = 10_000;

export type ProviderServices = Pick<
  AppServices,
  | "clock"
  | "fetch"
  | "redact"
  | "descriptors"
  | "connections"
  | "queues"
  | "prices"
  | "claudePrograms"
  | "currentConfig"
>;

/** One provider of one config. */
export type ConfiguredProvider = {
  readonly id: string;
  readonly settings: ProviderSettings;
  readonly config: Config;
  readonly environment: Environment;
};

export function createLoadedProvider(provider: ConfiguredProvider, services: ProviderServices): Provider {
  const { id, settings, config, environment } = provider;
  const modelFacts = modelFactsOf(id, settings, services);
  const timeout =
    settings.backend === "claude-cli" ? claudeProviderOf(settings, config).timeout : settings.timeout;
  let judged: LoadedConfig | null = null;
  let isUnchanged = false;
  const names = quirksOf(settings);
  return {
    id,
    backend: backendOf(provider, createTargetFacts(settings, modelFacts), services),
    credentials: credentialsOf(settings),
    limits: {
      firstTokenMs: timeout.first_token_s * 1000,
      wholeMs: wholeSeconds(timeout) * 1000,
      idleMs: timeout.idle_s * 1000,
      totalMs: timeout.total_s === undefined ? null : timeout.total_s * 1000,
    },
    queue: services.queues.of(id, queueLimits(settings, config)),
    keepsAnswers: settings.backend === "openai-responses" && !names.includes("responses-not-kept"),
    takesTraceContext: settings.trace_context === true,
    takesClientHeaders: settings.base_url !== null && isAnthropics(settings.base_url),
    usesClientSignIn: settings.auth === "client",
    isCurrent() {
      // Needed twice per request; only a reload can change the answer.
      const loaded = services.currentConfig();
      if (loaded !== judged) {
        const upstream = { settings, environment, section: config.cli };
        isUnchanged = isUnchangedUpstream(upstream, upstreamIn(loaded, id));
        judged = loaded;
      }
      return isUnchanged;
    },
    reasonToTranslate: quirkJudgeOf(names),
    modelFacts,
    price: createProviderPrice(id, settings, services.prices, (model) =>
      settings.backend === "claude-cli"
        ? (reportedModel(model, services.claudePrograms.models(id))?.resolved ?? model)
        : model,
    ),
  };
}

function createTargetFacts(
  settings: ProviderSettings,
  modelFacts: Provider["modelFacts"],
): (model: string) => TargetFacts {
  const listed = new Map(settings.models.map((model) => [model.id, model]));
  // For other backends the limit of a list must not cut an answer short: the vendor enforces its own.
  const anthropicLimit = (model: string): number | null => modelFacts(model).maxOutput ?? maxOutputOf(model);
  const takesOf = createTakes(settings.models);
  return (model) => {
    const takes = takesOf(model);
    const configured = listed.get(model)?.takes;
    const maxOutput =
      listed.get(model)?.max_output ?? (settings.backend === "anthropic" ? anthropicLimit(model) : null);
    return {
      model,
      maxOutput,
      canThink: canThink(modelFacts(model).thinking, takes, configured),
      takes,
      takesAreConfigured: configured !== undefined,
      defaultMaxTokens: settings.max_tokens ?? maxOutput ?? tokensWhenNothingIsKnown,
    };
  };
}

/** What the operator configured for thinking takes precedence over every list. */
function canThink(
  listed: boolean | null,
  takes: Takes | null,
  configured: ModelSettings["takes"],
): boolean | null {
  if (configured?.thinking !== undefined) return configured.thinking !== "none";
  return listed ?? (takes?.thinking === "none" ? false : null);
}

/** The vendor's deviations: what the address implies, corrected by the operator. */
function quirksOf({ base_url, backend, quirks }: ProviderSettings): readonly QuirkName[] {
  return base_url === null ? [] : settledQuirks(quirksAt(base_url, backend), quirks);
}

export function queueLimits(settings: ProviderSettings, config: Config): QueueLimits {
  const { wait_s, depth, depth_per_tenant } = config.queue;
  const cli = settings.backend === "claude-cli" ? claudeProviderOf(settings, config) : null;
  // Without tenants all requests would share one tenant's limit.
  const hasTenants = config.tenants.length > 0;
  const perTenant = cli === null ? (settings.max_per_tenant ?? null) : cli.maxPerTenant;
  return {
    limit: cli === null ? (settings.max_concurrent ?? null) : cli.maxConcurrent,
    limitPerTenant: hasTenants ? perTenant : null,
    depth,
    depthPerTenant: hasTenants ? (depth_per_tenant ?? Math.ceil(depth / 2)) : depth,
    waitMs: wait_s * 1000,
  };
}

/** The default is meant for a first token, and a whole answer may take longer; a value that the operator set counts for both. */
function wholeSeconds(timeout: {
  readonly first_token_s: number;
  readonly idle_s: number;
  readonly isFirstTokenWritten?: boolean;
}): number {
  const { first_token_s, idle_s, isFirstTokenWritten } = timeout;
  return isFirstTokenWritten === true ? first_token_s : Math.max(first_token_s, idle_s);
}

/** The CLI's aliases refer to Anthropic models; the program reports which. */
function modelFactsOf(
  id: string,
  settings: ProviderSettings,
  services: Pick<AppServices, "prices" | "clock" | "claudePrograms">,
): Provider["modelFacts"] {
  const facts = createModelFacts(settings, services.prices, services.clock.nowMs);
  if (settings.backend !== "claude-cli") return facts;
  const listed = new Set(settings.models.map((model) => model.id));
  return (model) => {
    const own = reportedModel(model, services.claudePrograms.models(id))?.resolved;
    const isConfigured =
      listed.has(model) && settings.models.some((each) => each.id === model && each.context_window);
    return facts(isConfigured ? model : (own ?? model));
  };
}

function backendOf(
  provider: ConfiguredProvider,
  targetFacts: (model: string) => TargetFacts,
  services: ProviderServices,
): Backend {
  const { id, settings } = provider;
  switch (settings.backend) {
    case "claude-cli":
      return services.claudePrograms.backend(id, targetFacts);
    case "demo":
      return { ...createDemoBackend({ clock: services.clock }), provider: id };
    default:
      return httpBackendOf(provider, dialectOfBackend[settings.backend], targetFacts, services);
  }
}

function httpBackendOf(
  { id, settings, environment }: ConfiguredProvider,
  name: DialectName,
  targetFacts: (model: string) => TargetFacts,
  services: ProviderServices,
): Backend {
  if (settings.base_url === null) throw new Error(`provider ${id} has no address`);
  return createHttpBackend({
    provider: id,
    dialect: dialects[name],
    baseUrl: settings.base_url,
    defaultHeaders: defaultHeaders(settings.base_url, name, settings.headers),
    headers: settings.headers,
    signer: signerOf(settings, name, environment, services),
    signers: new Map(
      settings.auth === "api_key"
        ? settings.api_keys.map((key) => [fingerprintOf(key), signerOfKey(key, name)])
        : [],
    ),
    isChecked: settings.auth !== "client",
    quirks: quirksOf(settings),
    proxy: proxyFor(new URL(settings.base_url), settings.proxy ?? null, readProxyVariables(environment)),
    connectMs: settings.timeout.connect_s * 1000,
    userAgent,
    targetFacts,
    fetch: services.fetch,
    connections: services.connections,
    nowMs: services.clock.nowMs,
    setTimer: services.clock.setTimer,
    redact: services.redact,
    lacksRoom: services.descriptors.wereShort,
  });
}

/** Headers that the format and the vendor require; an operator's header replaces one of the same name. */
function defaultHeaders(
  baseUrl: string,
  dialect: DialectName,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers = {
    // Anthropic refuses a request without a version; a client's own version takes precedence.
    ...(dialect === "anthropic-messages" ? { "anthropic-version": "2023-06-01" } : {}),
    ...headersAt(baseUrl),
  };
  const named = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !named.has(name)));
}

/** Fingerprints of the keys; a token from a command or file may change and has none. */
function credentialsOf(settings: ProviderSettings): readonly string[] {
  return settings.auth === "api_key" ? settings.api_keys.map(fingerprintOf) : [];
}

function signerOfKey(key: string, dialect: DialectName): Signer {
  return keySigner(key, keyHeaders[dialect] ?? "bearer");
}

function signerOf(
  settings: ProviderSettings,
  dialect: DialectName,
  environment: Environment,
  services: Pick<AppServices, "clock" | "currentConfig">,
): Signer {
  const { auth } = settings;
  const { nowMs } = services.clock;
  if (auth === "client") return clientSigner();
  if (auth === "api_key") {
    return settings.api_key === undefined ? noSigner() : signerOfKey(settings.api_key, dialect);
  }
  switch (auth.type) {
    case "bearer-env":
      return tokenSigner(() => Promise.resolve(environment[auth.variable] ?? ""), nowMs);
    case "bearer-file":
      return tokenSigner(
        async () => tokenOfText((await readTextIfExists(auth.path)) ?? "", auth.pointer ?? null),
        nowMs,
      );
    case "bearer-command":
      return tokenSigner(async () => {
        const result = await runCommand(auth.command, {
          timeoutMs: tokenCommandMs,
          // `sh -c "$PWD/x"` also runs a program of the folder, which the command line does not show.
          ...(services.currentConfig().isUnnamed ? { cwd: "/" } : {}),
          env: childEnvironment(environment, {}),
        });
        if (result.code !== 0) throw new Error(`the token command exited with ${result.code ?? "a signal"}`);
        return result.stdout;
      }, nowMs);
  }
}
