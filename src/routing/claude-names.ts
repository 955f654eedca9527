// Names for Claude Code, which shows only models whose ids hold `claude` or `anthropic`: `claude-auto`, and `claude-<alias>` for
// each alias that holds neither. Pure; such a name must never mean anything else than the one behind it.

const prefix = "claude-";
const isShown = (name: string): boolean => /claude|anthropic/i.test(name);

/** What Claude Code can be offered for a name of the config; null: it shows the name itself. */
export const claudeNameOf = (name: string): string | null => (isShown(name) ? null : prefix + name);

/** The name that such a name stands for; null: it is none. `isOurs`: is it `auto` or an alias without a wildcard? */
export function behindClaudeName(name: string, isOurs: (name: string) => boolean): string | null {
  if (!name.startsWith(prefix)) return null;
  const behind = name.slice(prefix.length);
  return !isShown(behind) && isOurs(behind) ? behind : null;
}
