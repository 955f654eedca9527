// The models of one entry of a CLIProxyAPI config: what is said of each becomes a model of a provider here, and what no setting here
// means is named.

import { isTree, type Tree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";

/** As `providers.<id>.models[]` takes it. */
export type DraftModel = {
  readonly id: string;
  readonly name?: string;
  readonly context_window?: number;
  readonly capabilities?: { readonly vision?: boolean; readonly thinking?: boolean };
};

/** Members that become something; every other one is named. */
const readMembers = new Set([
  "name",
  "alias",
  "display-name",
  "max-context-length",
  "input-modalities",
  "thinking",
]);

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

export function draftModel(model: Tree): DraftModel | null {
  const id = textOf(model["name"]);
  if (id === null) return null;
  const shown = textOf(model["display-name"]);
  const window = model["max-context-length"];
  const input = model["input-modalities"];
  const { thinking } = model;
  const levels = isTree(thinking) ? thinking["levels"] : undefined;
  const capabilities = {
    ...(Array.isArray(input) ? { vision: input.includes("image") } : {}),
    ...(Array.isArray(levels) ? { thinking: levels.some((level) => level !== "none") } : {}),
  };
  return {
    id,
    ...(shown === null ? {} : { name: shown }),
    ...(typeof window === "number" && Number.isInteger(window) && window > 0
      ? { context_window: window }
      : {}),
    ...(Object.keys(capabilities).length === 0 ? {} : { capabilities }),
  };
}

/** A name alone where nothing else is known. */
export const writtenModel = (model: DraftModel): DraftModel | string =>
  Object.keys(model).length === 1 ? model.id : model;

const whyNot: Readonly<Record<string, string>> = {
  "force-mapping": "an answer names the model that the client asked for, or what the upstream calls itself",
  "is-compat": "thoughts without a signature are fitted to the target",
  image: "images are asked for by the model's name, at any provider that has the endpoint",
};

export function nameUnreadMembers(draft: ConfigDraft, what: string, models: readonly unknown[]): void {
  for (const [index, model] of models.entries()) {
    const at = `${what}.models[${index}]`;
    if (!isTree(model) || textOf(model["name"]) === null) {
      draft.say("left out", at, "it names no model");
      continue;
    }
    for (const member of Object.keys(model))
      if (!readMembers.has(member))
        draft.say("left out", `${at}.${member}`, whyNot[member] ?? "no setting here means the same");
  }
}
