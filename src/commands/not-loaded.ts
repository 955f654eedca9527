// Providers that are declared but not loaded, in few lines: those that only lack a key share one line, every other reason
// has its own.

export type NotLoaded = { readonly id: string; readonly reason: string };

const lacksKey = /(?:is|are) (?:not set|empty)$/;

/** Texts that follow "not loaded: ". */
export function notLoadedLines(skipped: readonly NotLoaded[]): string[] {
  const keyless = skipped.filter(({ reason }) => lacksKey.test(reason));
  const others = skipped.filter(({ reason }) => !lacksKey.test(reason));
  const lines = others.map(({ id, reason }) => `${id}, ${reason}`);
  const [only, ...more] = keyless;
  if (only === undefined) return lines;
  if (more.length === 0) return [...lines, `${only.id}, ${only.reason}`];
  return [...lines, `without a key: ${keyless.map(({ id }) => id).join(", ")}`];
}
