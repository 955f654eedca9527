// The canonical embedding request (texts) and answer (vectors).

export type EmbeddingRequest = {
  readonly texts: readonly string[];
  /** Length of the vectors; null: the model's own. */
  readonly dimensions: number | null;
};

export type Embeddings = {
  readonly vectors: readonly (readonly number[])[];
  /** Tokens of all texts; null: not reported. */
  readonly tokens: number | null;
};
