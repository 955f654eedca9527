// Texts that are to become vectors, and the vectors: what embeddings are in every format.

export type EmbeddingRequest = {
  readonly texts: readonly string[];
  /** Length of the vectors; null: the model's own. */
  readonly dimensions: number | null;
};

export type Embeddings = {
  readonly vectors: readonly (readonly number[])[];
  /** Tokens of all texts; null: the vendor does not say. */
  readonly tokens: number | null;
};
