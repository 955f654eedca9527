// What a Google request says that no other format can say, named, so that it is refused and not quietly dropped.
// Safety settings, labels and sealed thoughts are dropped elsewhere: the answer does not depend on them. What stands in the
// history has a rule of its own (retell.ts), and what is shown now is unsupported-content.ts's.

import { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { noteDropped, noteUnknown, thinkingBlocksDropped } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { unsupported } from "../read-fields.ts";
import { type Members, name, extrasOf, signatureIn } from "./extras.ts";

export function refuseTranslation(request: ChatRequest): Failure | null {
  const plain = refuseCandidates(request);
  if (plain !== null) return plain;
  const tool = request.opaqueTools.find((each) => each.dialect === name);
  if (tool !== undefined) return refusal("tools", `a tool of type "${tool.type}"`);
  const ownExtras = extrasOf(request.extras);
  const rest = isRecord(ownExtras["rest"]) ? ownExtras["rest"] : {};
  if (rest["cachedContent"] !== undefined)
    return refusal("cachedContent", "content that is cached at Google");
  return (
    refuseConfig(isRecord(ownExtras["generationConfig"]) ? ownExtras["generationConfig"] : {}) ??
    refuseNames(request, ownExtras)
  );
}

const steeringConfig = ["seed", "presencePenalty", "frequencyPenalty", "mediaResolution"];

/** What is told, refused or said in other words; labels are book-keeping. */
const knownRest: ReadonlySet<string> = new Set(["safetySettings", "cachedContent", "labels"]);
const knownConfig: ReadonlySet<string> = new Set([
  ...steeringConfig,
  "candidateCount",
  "responseModalities",
  "responseLogprobs",
  "logprobs",
]);

export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const { rest, generationConfig } = extrasOf(request.extras);
  if (isRecord(rest)) {
    noteDropped(rest, ["safetySettings"], note, unsupported);
    noteUnknown(rest, knownRest, note, unsupported);
  }
  if (isRecord(generationConfig)) {
    noteDropped(generationConfig, steeringConfig, note, unsupported);
    noteUnknown(generationConfig, knownConfig, note, unsupported);
  }
  // Thoughts that stand alone are noted where they are left out; these are sealed into what goes on.
  const isSealed = (block: Block): boolean => {
    if (block.type !== "text" && block.type !== "tool-call") return false;
    return signatureIn(block.extras) !== null || extrasOf(block.extras)["signatureAfter"] !== undefined;
  };
  if (request.messages.some((message) => message.content.some(isSealed))) note(thinkingBlocksDropped);
}

/** The canonical form holds one plain answer, even between two ends of this format. */
export function refuseCandidates(request: ChatRequest): Failure | null {
  const { generationConfig } = extrasOf(request.extras);
  const count = isRecord(generationConfig) ? generationConfig["candidateCount"] : undefined;
  if (typeof count !== "number" || count <= 1) return null;
  return unsupported(
    "generationConfig.candidateCount",
    "generationConfig.candidateCount greater than 1 cannot be carried by the translation that this request needs. Send several requests instead.",
  );
}

function refuseConfig(config: Members): Failure | null {
  const at = "generationConfig";
  const modalities = config["responseModalities"];
  if (Array.isArray(modalities) && modalities.some((each) => each !== "TEXT"))
    return refusal(`${at}.responseModalities`, "output other than text");
  if (config["responseLogprobs"] === true) return refusal(`${at}.responseLogprobs`, "log probabilities");
  for (const key of ["responseMimeType", "responseSchema", "responseJsonSchema", "responseFormat"])
    if (config[key] !== undefined) return refusal(`${at}.${key}`, "this answer format");
  return null;
}

/** ANY with several names: other formats force one tool or all of them. */
function refuseNames(request: ChatRequest, ownExtras: Members): Failure | null {
  const config = isRecord(ownExtras["toolConfig"]) ? ownExtras["toolConfig"]["functionCallingConfig"] : null;
  const names: unknown = isRecord(config)
    ? (config["allowedFunctionNames"] ?? config["allowed_function_names"])
    : null;
  if (!Array.isArray(names) || names.length < 2) return null;
  if (request.tools.every((tool) => names.includes(tool.name))) return null;
  return refusal("toolConfig.functionCallingConfig.allowedFunctionNames", "a choice among some of the tools");
}

function refusal(param: string, what: string): Failure {
  return unsupported(param, `${param}: the chosen model's API has no equivalent for ${what}.`);
}
