// Named rewrites for vendors that deviate from the format they claim to speak. A deviation is a function here with a name
// in the vendor's row, never an `if` in the middle of the road.

export type Quirk = {
  /** Top-level members whose presence calls for the rewrite: a body without any of them may pass as bytes. */
  readonly touches: readonly string[];
  /** Changes the parsed body of a request before it goes out. */
  readonly rewrite: (body: Record<string, unknown>) => Record<string, unknown>;
  /** Why it exists: the vendor and what it did. */
  readonly reason: string;
};

const without = (body: Record<string, unknown>, key: string): Record<string, unknown> => {
  const { [key]: _dropped, ...rest } = body;
  return rest;
};

export const quirks = {
  "no-stream-options": {
    touches: ["stream", "stream_options"],
    rewrite: (body) => without(body, "stream_options"),
    reason: "Servers of before 2024 refuse the unknown member stream_options.",
  },
  "max-completion-tokens": {
    touches: ["max_tokens"],
    rewrite(body) {
      if (body["max_tokens"] === undefined) return body;
      const { max_tokens: limit, ...rest } = body;
      return { ...rest, max_completion_tokens: body["max_completion_tokens"] ?? limit };
    },
    reason: "OpenAI's reasoning models refuse max_tokens (since o1).",
  },
} as const satisfies Record<string, Quirk>;

export type QuirkName = keyof typeof quirks;

export function applyQuirks(
  names: readonly QuirkName[],
  body: Record<string, unknown>,
): Record<string, unknown> {
  return names.reduce((current, name) => quirks[name].rewrite(current), body);
}
