// What a request's prompt is made of, as hashes: enough to say where it differs from the turn before, without a word of it.

export type PromptOutline = {
  /** One hash for each tool, in order. */
  readonly tools: readonly number[];
  /** One for each block of the system prompt. */
  readonly system: readonly number[];
  /** One for each message after the system prompt. */
  readonly messages: readonly number[];
  /** Index in the client's list of the first of them. */
  readonly firstMessage: number;
  /** Of thinking, effort, the choice of tools and other members beside the prompt that a cached prefix depends on. */
  readonly options: number;
  /** How long the vendor keeps the prefix, as the request asks. */
  readonly cacheTtlMs: number;
  /** Names of the tools that the last turn of the model called, at most 16. */
  readonly toolCalls: readonly string[];
  /** Of all of it and the model's name. */
  readonly contentHash: string;
};

/** A prompt that may still be read. */
export type PendingOutline = {
  /** Null until it is read, and where it cannot be read. */
  readonly outline: PromptOutline | null;
  /** Calls back once it is read, immediately if it already is. */
  whenRead(listener: () => void): void;
};
