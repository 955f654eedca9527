// What this machine has that a config can use: keys in variables, local servers, the Claude Code program and OpenClaw.
// It asks servers of this machine only, and never with a key.

import { discoveredConfig } from "../../app/offline/discovered-config.ts";
import { loadOffline, offlineEnvironment, withFileText } from "../../app/offline/offline-config.ts";
import { Failure } from "../../canon/failure.ts";
import type { CommentedProvider } from "../../config/commented-config.ts";
import { claudeLoginOf } from "../../operator/claude-login.ts";
import { namedVendors } from "../../operator/vendor-catalog.ts";
import { errorCode } from "../../system/files.ts";
import { claudeLoginStatus } from "../claude-login-status.ts";
import type { CommandContext } from "../command.ts";
import { offlineInput } from "../config-input.ts";
import { findInstances } from "../instance-search.ts";
import { memberOf } from "../running-gateway.ts";
import { plain } from "../terminal.ts";

export type FoundProvider = CommentedProvider & {
  readonly name: string;
  readonly detail: string;
  readonly joinsChain: boolean;
  /** The variable with its key; null: it has none. */
  readonly keyVariable: string | null;
};

export type Findings = {
  readonly providers: readonly FoundProvider[];
  /** What was found and cannot be used, and why. */
  readonly remarks: readonly string[];
  readonly instances: readonly { readonly name: string; readonly isRunning: boolean }[];
};

export const demoId = "demo";
export const claudeId = "claude-cli";

/** The variables that a gateway started here would have, with these on top. */
export function withVariables(
  context: CommandContext,
  variables: Readonly<Record<string, string>>,
): CommandContext {
  return { ...context, environment: { ...context.environment, ...variables } };
}

/** An unset variable leaves the provider out; without the default it would make the whole config invalid. */
const optional = (reference: string): string => reference.replace(/^\$\{(\w+)\}$/, "${$1:-}");

export async function findProviders(
  context: CommandContext,
): Promise<Pick<Findings, "providers" | "remarks">> {
  const { value, found } = await discoveredConfig(offlineInput(context, undefined));
  const chain = new Set(value.fallback_chain);
  const entries = Object.entries(value.providers ?? {});
  const providers = entries.map(([id, provider], at): FoundProvider => {
    const { what = id, detail = "" } = found[at] ?? {};
    const key = "api_key" in provider && typeof provider.api_key === "string" ? provider.api_key : null;
    return {
      id,
      name: what,
      detail: plain(detail),
      comment: `${what}: ${detail}`,
      value: key === null ? provider : { ...provider, api_key: optional(key) },
      joinsChain: chain.has(id),
      keyVariable: key === null ? null : (/^\$\{(\w+)\}$/.exec(key)?.[1] ?? null),
    };
  });
  const remarks = found.slice(entries.length).map(({ what, detail }) => plain(`${what}: ${detail}`));
  return { providers, remarks };
}

/** How the program's own sign-in stands, in words; `isIn` null: it cannot be told. */
export type SignIn = { readonly isIn: boolean | null; readonly words: string };

export async function claudeSignIn(context: CommandContext): Promise<SignIn> {
  const path = "/clawgate-init/config.yaml";
  const text = JSON.stringify({ providers: { [claudeId]: { backend: "claude-cli" } } });
  const unknown = (why: string): SignIn => ({ isIn: null, words: `its sign-in is unknown: ${plain(why)}` });
  try {
    const input = withFileText(offlineInput(context, path), path, text);
    const login = await claudeLoginOf(await loadOffline(input), null, claudeId);
    if (login === null) return unknown("it is not configured");
    if (login.winningVariable !== null) return { isIn: true, words: `uses ${login.winningVariable}` };
    const { answer, why } = await claudeLoginStatus(login);
    if (answer === null) return unknown(`"claude auth status" ${why}`);
    return memberOf(answer, "loggedIn") === true
      ? { isIn: true, words: "signed in" }
      : { isIn: false, words: "not signed in: clawgate login --no-tenant signs it in" };
  } catch (thrown) {
    if (thrown instanceof Failure || errorCode(thrown) !== null)
      return unknown(thrown instanceof Error ? thrown.message : String(thrown));
    throw thrown;
  }
}

export async function findOpenClaw(context: CommandContext): Promise<Findings["instances"]> {
  const { instances } = await findInstances(context, { containers: [], checksLive: false });
  return instances.map(({ container, profile, isRunning }) => ({
    name: plain(container ?? profile ?? "this machine's"),
    isRunning,
  }));
}

/** Vendors whose key can be typed in, whether or not one is set. */
export const keyedVendors = namedVendors.flatMap(({ id, name, keyVariable, isLocal }) =>
  keyVariable === null || isLocal ? [] : [{ id, name, keyVariable }],
);

/** Names whose value comes from the process alone: a service started elsewhere would not have it. */
export function onlyExported(
  context: CommandContext,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const bare = offlineEnvironment(
    offlineInput({ ...context, environment: without(context.environment, names) }, undefined),
    names,
  );
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = context.environment[name] ?? "";
      return value === "" || (bare[name] ?? "") !== "" ? [] : [[name, value] as const];
    }),
  );
}

function without(
  environment: CommandContext["environment"],
  names: readonly string[],
): CommandContext["environment"] {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}
