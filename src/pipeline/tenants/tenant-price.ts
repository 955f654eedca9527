// The most that a tenant's request may use at a target, in tokens and money, before anything is sent. It may
// overestimate, never underestimate where prices and limits are known; it must never decode a body for it.

import type { ChatRequest } from "../../canon/request.ts";
import type { ClientDialectName } from "../../dialects/dialect-table.ts";
import { Failure } from "../../canon/failure.ts";
import type { Target } from "../../canon/decision.ts";
import { estimateTokens, estimateTokensOfBytes } from "../../canon/tokens.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import type { ClientHalf, SizeMembers, TargetFacts } from "../../dialects/dialect.ts";
import type { ModelFacts } from "../../routing/eligibility.ts";
import type { RequestedAmount } from "../../tenants/limit-store.ts";
import type { JsonMember } from "../../wire/json.ts";
import type { Endpoint } from "../endpoints.ts";
import type { Envelope } from "../body/envelope.ts";
import type { Provider } from "../dependencies.ts";
import { upperBoundRequirements } from "../requirements.ts";

/** What a request says about its own size. */
export type RequestSize = {
  /** Estimated tokens. */
  readonly input: number;
  /** The client's token limit for one answer; null: it sets none. */
  readonly limit: number | null;
  /** How many answers it requests. */
  readonly answers: number;
  readonly mayThink: boolean;
  readonly dialect: ClientDialectName;
  /** False: the answer is not text (embeddings). */
  readonly writes: boolean;
  /** The cost does not follow from its tokens (images, recordings). */
  readonly hasOwnPrice?: boolean;
};

/** The assumed length of an answer before it arrives: clients set limits that answers rarely reach. */
const expectedOutputTokens = 1_000;
/** For a model whose longest answer is unknown: few write more. */
const defaultMaxAnswerTokens = 128_000;
/** Input that a body only references, and what a vendor's own tools add. */
const unseenTokens = 100_000;
/** Sums of this size stay exact to the last nano-dollar. */
const maxNanoUsd = 1e15;
const maxTokens = 1e12;

const thoughtMembers = ["thinking", "reasoning", "reasoning_effort", "output_config"];

/**
 * Signs of content that the body only references. Quotes inside a client's text are escaped, so these are never text.
 */
const unseenWords = [
  '"file_id"',
  '"file_url"',
  '"file_uri"',
  '"fileUri"',
  '"web_search',
  '"web_fetch',
  '"googleSearch"',
  '"google_search"',
].map((word) => Buffer.from(word));

/** Members of a body that mean the same. */
const unseenMembers = ["previous_response_id", "conversation", "cachedContent", "cached_content"];

/** The part of an IncomingRequest that says how large it is. */
type SizedRequest = {
  readonly endpoint: Endpoint;
  readonly dialect: { readonly client: Pick<ClientHalf, "sizeMembers"> };
  readonly envelope: Envelope;
  decode(): ChatRequest;
};

export function requestSizeOf(request: SizedRequest): RequestSize {
  const { endpoint, envelope } = request;
  const { bytes, scan } = envelope;
  const isChat = endpoint.kind === "chat" || endpoint.kind === "compact";
  const writes = isChat || endpoint.forwarding?.writes === true;
  const flat = flatSize(envelope);
  const seen = isChat && upperBoundRequirements(envelope).images ? (estimateOf(request) ?? flat) : flat;
  const pointsElsewhere =
    scan.members.some((member) => isUnseen(member)) ||
    (envelope.form === undefined && unseenWords.some((word) => bytes.includes(word)));
  const input = pointsElsewhere ? seen + unseenTokens : seen;
  const limits: (number | null)[] = [];
  let answers = 1;
  let prompts = 1;
  let mayThink = false;
  const { limit: limitMembers = [], within } = request.dialect.client.sizeMembers ?? {};
  for (const member of scan.members) {
    if (limitMembers.includes(member.key)) {
      const limit = numberAt(bytes, member);
      if (limit !== null) limits.push(limit);
    } else if (member.key === "n" || member.key === "best_of")
      answers = Math.max(answers, numberAt(bytes, member) ?? 1);
    else if (member.key === "prompt" && member.kind === "array") prompts = promptsIn(bytes, member);
    else if (thoughtMembers.includes(member.key)) mayThink = true;
    else if (within?.members.includes(member.key) === true && member.kind === "object") {
      const config = parseLoosely(bytes.toString("utf8", member.start, member.end));
      const named = sizesIn(isRecord(config) ? config : {}, within);
      limits.push(named.limit);
      answers = Math.max(answers, named.answers);
      mayThink = true;
    }
  }
  // The vendor may obey any of several; a member without a number leaves it to the vendor.
  const known = limits.filter((limit) => limit !== null);
  const limit = known.length < limits.length || known.length === 0 ? null : Math.max(...known);
  return {
    input,
    limit,
    answers: answers * prompts,
    mayThink,
    dialect: endpoint.dialect,
    writes,
    hasOwnPrice: endpoint.forwarding?.hasOwnPrice === true,
  };
}

/** A file is not text: a recording or an image counts about a thousandth of its bytes. */
function flatSize({ bytes, form }: Envelope): number {
  if (form === undefined) return estimateTokensOfBytes(bytes.length);
  return form.fields.reduce((sum, { isFile, start, end }) => {
    return sum + (isFile ? Math.ceil((end - start) / 1_000) : estimateTokensOfBytes(end - start));
  }, 0);
}

/** A template that the vendor stores; for text completions and images `prompt` is the text itself. */
function isUnseen({ key, kind }: JsonMember): boolean {
  if (key === "prompt") return kind === "object";
  return kind !== "null" && unseenMembers.includes(key);
}

/** Each text of a list gets an answer; a list of tokens is one text. */
function promptsIn(bytes: Buffer, { start, end }: JsonMember): number {
  const list = parseLoosely(bytes.toString("utf8", start, end));
  return Array.isArray(list) && typeof list[0] !== "number" ? Math.max(1, list.length) : 1;
}

function numberAt(bytes: Buffer, { kind, start, end }: JsonMember): number | null {
  return kind === "number" ? usable(Number(bytes.toString("latin1", start, end))) : null;
}

/** To some vendors 0 and -1 mean that there is no limit. */
const usable = (count: number): number | null => (count > 0 ? Math.ceil(count) : null);

function sizesIn(
  config: Record<string, unknown>,
  { limit, answers }: NonNullable<SizeMembers["within"]>,
): { limit: number | null; answers: number } {
  const countOf = (names: readonly string[]): number | null =>
    names.reduce<number | null>((largest, name) => {
      const count = usable(Number(config[name] ?? 0));
      return count === null ? largest : Math.max(largest ?? 0, count);
    }, null);
  return {
    limit: countOf(limit),
    answers: countOf(answers) ?? 1,
  };
}

/** Null where only the upstream understands the request. */
function estimateOf(request: SizedRequest): number | null {
  try {
    return estimateTokens(request.decode());
  } catch (thrown) {
    if (thrown instanceof Failure) return null;
    throw thrown;
  }
}

/** What an answer rarely exceeds. */
export function expectedOutput({ writes, limit }: Pick<RequestSize, "writes" | "limit">): number {
  return writes ? Math.min(limit ?? expectedOutputTokens, expectedOutputTokens) : 0;
}

/** The part of a provider that says how much its models may write. */
type AnswerLimits = {
  readonly backend: Pick<Provider["backend"], "dialect"> & {
    targetFacts(model: string): Pick<TargetFacts, "maxOutput" | "defaultMaxTokens">;
  };
  modelFacts(model: string): Pick<ModelFacts, "maxOutput" | "contextWindow">;
  readonly price: Pick<Provider["price"], "longestExceeding">;
};

/** The longest answer that the target will be asked for; longer where it was seen to exceed its limit. */
export function longestAnswer(requestSize: RequestSize, provider: AnswerLimits, model: string): number {
  if (!requestSize.writes) return 0;
  const beyond = provider.price.longestExceeding(model);
  const asked = longestAsked(requestSize, provider, model);
  return beyond === null ? asked : Math.max(beyond, asked);
}

function longestAsked(
  requestSize: RequestSize,
  { backend, modelFacts }: AnswerLimits,
  model: string,
): number {
  const facts = modelFacts(model);
  const target = backend.targetFacts(model);
  const known = target.maxOutput ?? facts.maxOutput;
  const unlimited = known ?? Math.min(defaultMaxAnswerTokens, facts.contextWindow ?? defaultMaxAnswerTokens);
  // A CLI program may ask its model more than once.
  if (backend.dialect === null) return unlimited;
  // Only there, thinking comes on top of another format's limit.
  const isForeign = backend.dialect === "anthropic-messages" && backend.dialect !== requestSize.dialect;
  if (requestSize.mayThink && isForeign) return unlimited;
  const limit =
    requestSize.limit ?? (backend.dialect === "anthropic-messages" ? target.defaultMaxTokens : null);
  if (limit === null) return unlimited;
  return known === null ? limit : Math.min(limit, known);
}

export type Ceiling = RequestedAmount & {
  /** False: the model's price there is unknown. */
  readonly isPriced: boolean;
};

export function ceilingAt(
  requestSize: RequestSize,
  provider: Provider,
  model: string,
  atMs: number,
): Ceiling {
  const { input, answers, hasOwnPrice } = requestSize;
  const output = Math.min(maxTokens, longestAnswer(requestSize, provider, model) * answers);
  const nanoUsd = hasOwnPrice === true ? null : provider.price.maxCostOf(model, input, output, atMs);
  return {
    tokens: Math.min(maxTokens, input + output),
    expectedTokens: input + expectedOutput(requestSize),
    nanoUsd: Math.min(maxNanoUsd, nanoUsd ?? 0),
    isPriced: nanoUsd !== null,
  };
}

/** For a budget that counts only money. */
export function unpricedFailure({ provider, model }: Target): Failure {
  return new Failure(
    "unsupported",
    `The price of ${provider}/${model} is not known, and this request has a budget in dollars (of its tenant, tenants[].limits.unknown_price: refuse, or by x-clawgate-budget).`,
    { param: "model", code: "unknown_price" },
  );
}
