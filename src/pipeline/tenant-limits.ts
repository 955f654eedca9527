// What a tenant may ask for and how much, held against a request before anything is sent.
// It must never cost a request anything that has no tenant, or one without such settings.

import { Failure } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import { estimateTokens, estimateTokensOfBytes } from "../canon/tokens.ts";
import type { ChatRequest } from "../canon/request.ts";
import type { RoutedDecision } from "../routing/settle.ts";
import type { Router } from "../routing/router.ts";
import type { Amount, UsedUp } from "../tenants/spending.ts";
import type { Enrolled } from "./enrol.ts";
import { grantedName, notYours } from "./granted-name.ts";
import { needsAtMost } from "./needs.ts";
import type { Run } from "./run.ts";
import type { TenantEntry, TenantPolicy } from "./tenant-policy.ts";

type Ask = (model: string, isAlone: boolean) => RoutedDecision | Promise<RoutedDecision>;

/** Who asks, and whose names count. */
type Subject = {
  readonly tenant: string;
  readonly router: Pick<Router, "isAuto" | "isDefault" | "targetOf">;
};

/** Throws Failure unknown-model, over-limit, over-budget, and what routing throws. */
export async function decideForTenant(
  run: Run,
  policy: TenantPolicy,
  enrolled: Enrolled,
  decode: () => ChatRequest,
  ask: Ask,
): Promise<RoutedDecision> {
  const { meter } = policy;
  const subject = { tenant: run.context.tenant ?? "", router: run.generation.router };
  const held: TenantEntry | null =
    meter === null ? null : { entry: meter.enter(), estimate: null, overBudgetModel: null };
  run.tenantEntry = held;
  const name = nameFor(subject, policy, enrolled.model);
  // A count of tokens is free.
  const costs = run.door.road !== "count-tokens";
  let usedUp = costs ? (meter?.usedUp() ?? null) : null;
  if (usedUp === null) {
    const decision = allowed(subject, policy, enrolled.model, name, await ask(name, false));
    usedUp = held === null || !costs ? null : reserve(run, held, enrolled, decode, decision, false);
    if (usedUp === null) return decision;
  }
  const cheaper = run.door.road === "chat" ? policy.overBudgetModel : null;
  if (cheaper === null || held === null) throw spent(usedUp);
  // Alone: the chain behind it may be dear.
  const decision = await ask(cheaper, true);
  reserve(run, held, enrolled, decode, decision, true);
  held.overBudgetModel = cheaper;
  return diverted(decision, cheaper, usedUp);
}

export type Preview = Subject & {
  readonly policy: TenantPolicy;
  readonly model: string;
  readonly ask: Ask;
  /** What a request that goes there is held to use. */
  readonly amountFor: (target: Target | undefined) => Amount;
};

/** What `decideForTenant` would answer to a chat just now; nothing is counted or promised. Throws the same. */
export async function previewForTenant({ policy, model, ask, amountFor, ...subject }: Preview) {
  const { meter, overBudgetModel: cheaper } = policy;
  const name = nameFor(subject, policy, model);
  meter?.preview({ tokens: 0, nanoUsd: 0 });
  let usedUp = meter?.usedUp() ?? null;
  if (usedUp === null) {
    const decision = allowed(subject, policy, model, name, await ask(name, false));
    usedUp = meter?.preview(amountFor(decision.targets[0])) ?? null;
    if (usedUp === null) return decision;
  }
  if (cheaper === null) throw spent(usedUp);
  return diverted(await ask(cheaper, true), cheaper, usedUp);
}

const spent = ({ what, resetInMs }: UsedUp): Failure =>
  new Failure("over-budget", `${sentence(what)} is spent.`, { retryAfterMs: resetInMs });

const diverted = (decision: RoutedDecision, cheaper: string, usedUp: UsedUp): RoutedDecision => ({
  ...decision,
  rule: "over-budget",
  reason: `${usedUp.what} is spent, so ${cheaper} answers; ${decision.reason}`,
  isClientsOwnModel: false,
  clientsTarget: null,
});

const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** The name to route by. Throws where the tenant may not ask for it: it learns no more than of a name that nobody knows. */
function nameFor({ router }: Subject, { models, provider }: TenantPolicy, name: string): string {
  const granted = models === null ? name : grantedName(router, models, name);
  return provider !== null && router.isAuto(granted) ? provider : granted;
}

function allowed(
  { tenant, router }: Subject,
  { models, provider }: TenantPolicy,
  written: string,
  asked: string,
  decision: RoutedDecision,
): RoutedDecision {
  const settled: RoutedDecision =
    asked !== provider || !router.isAuto(written)
      ? decision
      : {
          ...decision,
          rule: "tenant-provider",
          reason: `auto of the tenant ${tenant} goes to ${asked}; ${decision.reason}`,
          isClientsOwnModel: false,
          clientsTarget: null,
        };
  if (models === null || models.hasAuto) return settled;
  const isKept = (target: Target): boolean =>
    models.allowsTarget(target) ||
    (target.provider === settled.clientsTarget?.provider && target.model === settled.clientsTarget.model);
  if (settled.candidates.every(isKept)) return settled;
  const targets = settled.targets.filter(isKept);
  if (targets.length === 0) throw notYours(written);
  return {
    ...settled,
    targets,
    candidates: settled.candidates.map((each) =>
      isKept(each) ? each : { ...each, kept: false, note: "dropped: not one of the tenant's models" },
    ),
  };
}

/** What an answer is held to cost before it is there: clients name limits that hardly an answer reaches. */
const expectedOutputTokens = 1_000;

function reserve(
  run: Run,
  held: TenantEntry,
  enrolled: Enrolled,
  decode: () => ChatRequest,
  decision: RoutedDecision,
  isBeyondBudget: boolean,
): UsedUp | null {
  const isChat = run.door.road === "chat";
  const needs = needsAtMost(enrolled);
  const bytes = estimateTokensOfBytes(enrolled.bytes.length);
  const input = isChat && needs.images ? (estimateOf(decode) ?? bytes) : bytes;
  const output = isChat ? expectedOutput(needs.outputTokens) : 0;
  const [target] = decision.targets;
  const facts =
    target === undefined
      ? undefined
      : run.generation.providers.get(target.provider)?.modelFacts(target.model);
  const usedUp = held.entry.reserve(amountOf(input, output, facts), isBeyondBudget);
  if (usedUp === null) held.estimate = { input, output };
  return usedUp;
}

/** `limit`: what the client names as the most. */
export function expectedOutput(limit: number | null): number {
  return Math.max(0, Math.min(Math.ceil(limit ?? expectedOutputTokens) || 0, expectedOutputTokens));
}

type Prices = { readonly priceInput: number | null; readonly priceOutput: number | null };

/** USD of a million tokens are micro-USD of one, and a thousand nano-USD each. */
export function amountOf(input: number, output: number, prices: Prices | undefined): Amount {
  const microUsd = input * (prices?.priceInput ?? 0) + output * (prices?.priceOutput ?? 0);
  return { tokens: input + output, nanoUsd: Math.round(microUsd * 1_000) };
}

/** Null where only the upstream will understand the request. */
function estimateOf(decode: () => ChatRequest): number | null {
  try {
    return estimateTokens(decode());
  } catch (thrown) {
    if (thrown instanceof Failure) return null;
    throw thrown;
  }
}
