// A configured provider as the CLI sees it: which keys are specific to it, which do not apply, and what the `cli` section
// adds. It must never validate values: the schema does.

import { type CliProgram, resolveProgramSettings } from "./program-settings.ts";
import { type CliKeys, cliKeys, type CliSettings } from "./settings.ts";

/** The keys of `written` that only a CLI provider has and that are set. */
export function cliKeysIn(written: CliKeys): readonly string[] {
  return Object.keys(cliKeys).filter((key) => written[key as keyof CliKeys] !== undefined);
}

/** Keys for HTTP providers, which do not apply to the CLI: its key and address are its own variables. */
export function wireKeysIn(written: {
  readonly base_url?: string | undefined;
  readonly api_key?: string | undefined;
  readonly api_keys?: readonly string[] | undefined;
  readonly proxy?: string | undefined;
  readonly trace_context?: boolean | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly quirks: readonly string[];
  readonly auth: unknown;
}): readonly string[] {
  return [
    ...(["base_url", "api_key", "api_keys", "proxy", "trace_context"] as const).filter(
      (key) => written[key] !== undefined,
    ),
    ...(Object.keys(written.headers).length > 0 ? ["headers"] : []),
    ...(written.quirks.length > 0 ? ["quirks"] : []),
    ...(written.auth === "api_key" ? [] : ["auth"]),
  ];
}

/** Infinity: not set. */
type Limits = {
  readonly connect_s: number;
  readonly first_token_s: number;
  readonly idle_s: number;
  readonly total_s?: number | undefined;
};

/** While its own tools run, the program prints nothing for the client; then only the total time is limited. */
const silentSeconds = 300;

function cliLimits(written: Limits, totalSeconds: number, mayWorkInSilence: boolean) {
  const total_s = written.total_s ?? totalSeconds;
  const silence = mayWorkInSilence ? total_s : Math.min(total_s, silentSeconds);
  return {
    connect_s: written.connect_s,
    first_token_s: isFinite(written.first_token_s) ? written.first_token_s : silence,
    idle_s: isFinite(written.idle_s) ? written.idle_s : silence,
    total_s,
  };
}

const defaultTimeoutMs = 900_000;
const defaultAtATime = 3;
const defaultPerTenant = 1;

export type CliProvider = {
  readonly program: CliProgram;
  readonly timeout: ReturnType<typeof cliLimits>;
  readonly maxConcurrent: number;
  readonly maxPerTenant: number;
};

/** A provider's own keys and limits over those of the `cli` section. */
export function resolveCliProvider(
  own: CliKeys & {
    readonly timeout: Limits;
    readonly max_concurrent?: number | undefined;
    readonly max_per_tenant?: number | undefined;
  },
  section: CliSettings | undefined,
  hasMcpServers: boolean,
): CliProvider {
  const program = resolveProgramSettings(own, section);
  const totalSeconds = (section?.timeout ?? defaultTimeoutMs) / 1000;
  return {
    program,
    timeout: cliLimits(own.timeout, totalSeconds, program.tools !== "none" || hasMcpServers),
    maxConcurrent: own.max_concurrent ?? section?.max_concurrent ?? defaultAtATime,
    maxPerTenant: own.max_per_tenant ?? section?.max_per_tenant ?? defaultPerTenant,
  };
}
