// What differs between generations of Google's models, told by their names alone.
// An unknown name gets what the API documents today; it must never be a reason to refuse.

/** Gemini 1.x and 2.0 and Gemma: "Thinking is not enabled for this model". */
export function knowsThinking(model: string): boolean {
  return !/gemini-(?:1|2\.0)|gemma/i.test(model);
}

/** From Gemini 3 on thinking has levels; before, and for names that say nothing, budgets, which newer models accept too. */
export function hasThinkingLevels(model: string): boolean {
  return /gemini-(?:[3-9]|\d\d)(?!\d)/i.test(model);
}

export function isPro(model: string): boolean {
  return /gemini-[\d.]+-pro|gemini-pro/i.test(model);
}

/** Budgets as documented (ai.google.dev/gemini-api/docs/thinking): the least that thinks, and the most. */
export function budgetRange(model: string): { readonly least: number; readonly most: number } {
  if (/gemini-2\.5-pro/i.test(model)) return { least: 128, most: 32_768 };
  if (/gemini-2\.5-flash-lite/i.test(model)) return { least: 512, most: 24_576 };
  if (/gemini-2\.5-flash/i.test(model)) return { least: 1, most: 24_576 };
  return { least: 1, most: Number.MAX_SAFE_INTEGER };
}

/** From Gemini 3 on calls of the running turn must carry their signature (ai.google.dev/gemini-api/docs/thought-signatures). */
export function demandsSignatures(model: string): boolean {
  return !/gemini-[12](?!\d)|gemma/i.test(model);
}

/** Pictures inside a function's response came with Gemini 3; before, they stand beside it. */
export function takesMediaInResults(model: string): boolean {
  return demandsSignatures(model);
}
