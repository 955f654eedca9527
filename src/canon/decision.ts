// What routing decided for a request, and why. Plain data: it is stored with the record and shown to people.

export type Layer = "direct" | "static" | "heuristic" | "llm-classify" | "fallback";

/** One provider and one of its models. `model` is the id sent upstream; `configured` is how the config names the pair. */
export type Target = { readonly provider: string; readonly model: string };

export type Candidate = Target & {
  /** Why it has its place: "chosen", "fallback", or the reason it was dropped. */
  readonly note: string;
  readonly kept: boolean;
};

/** What routing saw of a request: numbers and booleans, never text. Stored with the record. */
export type RequestFacts = {
  /** Estimated input tokens of the whole request (canon/tokens.ts). */
  readonly estimatedTokens: number;
  readonly hasTools: boolean;
  readonly hasImages: boolean;
  /** The last user turn contains a fenced code block. */
  readonly hasCodeBlock: boolean;
  /** The answer must follow a JSON schema. */
  readonly wantsJsonSchema: boolean;
  /** The request sets a thinking budget. "Adaptive" and an effort are hints that a model may ignore. */
  readonly wantsThinking: boolean;
  /** The client's output limit; null: none. */
  readonly maxTokens: number | null;
  /** OpenClaw's own periodic turn, recognised by its user turn. */
  readonly isHeartbeat: boolean;
};

export type Decision = {
  readonly layer: Layer;
  /** The rule's name, `explicit-model`, or `no-match`; a diversion is written with `->` (ASCII: header values). */
  readonly rule: string;
  /** 0..1 */
  readonly confidence: number;
  readonly reason: string;
  /** In the order of attempts; never empty. */
  readonly targets: readonly Target[];
  readonly candidates: readonly Candidate[];
  /** Null where the request was not examined. */
  readonly facts: RequestFacts | null;
};
