// `tenants[].models` in the spelling of the rest of the config. The config check ignores case, so a list in another case means the
// models of the config; an entry that matches exactly must never mean more than that.

import type { ProviderSettings } from "../../backends/settings.ts";
import { compileExactPattern, compileNamePattern } from "../../routing/name-pattern.ts";
import { foldText } from "../../routing/word-matcher.ts";

const isWild = (name: string): boolean => name.includes("*");

/** `known`: names that requests may use, besides the models that providers list. */
export function inConfigSpelling(
  listed: readonly string[],
  providers: Readonly<Record<string, Pick<ProviderSettings, "model" | "models">>>,
  known: readonly string[],
): readonly string[] {
  const bare = Object.values(providers).flatMap(({ model, models }) => [
    model,
    ...models.map(({ id }) => id),
  ]);
  const names = [...new Set([...known, ...bare])];
  return listed.flatMap((written) => {
    const entry = withKnownProvider(written.trim(), Object.keys(providers));
    return isWild(entry) ? [entry, ...otherSpellings(entry, names)] : [spelledPlain(entry, names)];
  });
}

/** `OpenAI/*` means the models of the provider `openai`. */
function withKnownProvider(entry: string, ids: readonly string[]): string {
  const slash = entry.indexOf("/");
  const head = entry.slice(0, Math.max(0, slash));
  if (head === "" || isWild(head) || ids.includes(head)) return entry;
  const id = ids.find((each) => foldText(each) === foldText(head));
  return id === undefined ? entry : id + entry.slice(slash);
}

function spelledPlain(entry: string, names: readonly string[]): string {
  if (names.includes(entry)) return entry;
  const folded = foldText(entry);
  return names.find((each) => foldText(each) === folded) ?? entry;
}

/** Names that match only when case is ignored, where none matches exactly. */
function otherSpellings(pattern: string, names: readonly string[]): readonly string[] {
  const exact = compileExactPattern(pattern);
  if (names.some((each) => exact.fits(each))) return [];
  const folded = compileNamePattern(pattern);
  return names.filter((each) => folded.fits(foldText(each)));
}
