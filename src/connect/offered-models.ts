// What the clients' rows say about models: tokens where the gateway does not know them, and how many models a config may list.

import type { Gateway, OfferedModel } from "./client.ts";

/** What clients take for a usual window, where nobody knows a better one. */
const usualContext = 128_000;
const usualOutput = 32_000;
/** A config file stays readable. */
const mostListed = 40;

/** Of a name that routing decides about: the smallest window that may answer. */
export function contextOf(model: OfferedModel, gateway: Gateway): number {
  if (model.contextTokens !== null) return model.contextTokens;
  const known = gateway.models.flatMap(({ contextTokens }) =>
    contextTokens === null ? [] : [contextTokens],
  );
  return known.length === 0 ? usualContext : Math.min(...known);
}

export function outputOf(model: OfferedModel, gateway: Gateway): number {
  return Math.min(model.outputTokens ?? usualOutput, contextOf(model, gateway));
}

/** The name that routing decides about, also where the list of models was not to be had. */
export const auto: OfferedModel = { id: "auto", name: "auto", contextTokens: null, outputTokens: null };

export const defaultModel = ({ models }: Gateway): OfferedModel => models[0] ?? auto;

/** The default first. */
export const listedModels = (gateway: Gateway): readonly OfferedModel[] =>
  gateway.models.length === 0 ? [auto] : gateway.models.slice(0, mostListed);
