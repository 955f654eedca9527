// Names for Claude Code, which shows only models whose ids contain `claude` or `anthropic`: `claude-auto`, and `claude-<alias>`
// for each alias that contains neither. Pure; such a name must always mean the same as the original one.

const prefix = "claude-";
const isShown = (name: string): boolean => /claude|anthropic/i.test(name);

/** The name to list to Claude Code for a name of the config; null: Claude Code shows the name itself. */
export const claudeNameOf = (name: string): string | null => (isShown(name) ? null : prefix + name);

/**
 * The original of such a name; null: it is not such a name. `isOurs`: whether a name is `auto` or an alias without a
 * wildcard.
 */
export function behindClaudeName(name: string, isOurs: (name: string) => boolean): string | null {
  if (!name.startsWith(prefix)) return null;
  const behind = name.slice(prefix.length);
  return !isShown(behind) && isOurs(behind) ? behind : null;
}
