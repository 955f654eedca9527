// Encodes a canonical request for one vendor: the format's body, with fitting names and the vendor's deviations
// applied. backend.ts sends it; previews use it too.

import type { ChatRequest } from "../../canon/request.ts";
import { toolNamesRewritten, withOutputLimit } from "../../dialects/adaptation-notes.ts";
import type { BackendDialect, TargetFacts } from "../../dialects/dialect.ts";
import { thinkingSourceOf, unmarkThinking } from "../../dialects/thinking-signatures.ts";
import { fittedNames } from "../../dialects/tool-names.ts";
import type { Call } from "../backend.ts";
import { applyQuirks, nameRuleOf, type QuirkName } from "./quirks.ts";

export type RequestEncoding = {
  readonly dialect: BackendDialect;
  /** The vendor whose thinking and marks it knows (vendors.ts `vendorNameOf`). */
  readonly vendor: string;
  readonly quirks: readonly QuirkName[];
  readonly targetFacts: (model: string) => TargetFacts;
};

export type EncodedRequest = {
  readonly body: Record<string, unknown>;
  /** The vendor name that marks its model's thinking. */
  readonly maker: ReturnType<typeof thinkingSourceOf>;
  /** Not null: tools have other names upstream. */
  readonly fitted: ReturnType<typeof fittedNames>;
};

/** Throws Failure `unsupported` where leaving something out would change the answer. */
export function encodedRequest(
  { dialect, vendor, quirks, targetFacts }: RequestEncoding,
  request: ChatRequest,
  { model, note, remainingWindow = null }: Pick<Call, "model" | "note" | "remainingWindow">,
): EncodedRequest {
  const maker = thinkingSourceOf(dialect.name, vendor, model);
  const own = unmarkThinking(request, maker);
  const fitted = fittedNames(own, nameRuleOf(quirks) ?? dialect.backend.toolNames);
  if (fitted !== null) note?.(toolNamesRewritten);
  const facts = withOutputLimit(targetFacts(model), remainingWindow);
  const body = dialect.backend.encodeRequest(fitted?.request ?? own, facts, note);
  return { body: applyQuirks(quirks, body, note, facts.takes), maker, fitted };
}
