// The many spellings of a model's name -> the maker's own, without vendor, region, date, revision and variant.
// It must never decide what the model can do.

/** The start of the maker's name: after a vendor, a region or a deployment (`us.anthropic.claude-…`, `databricks-claude-…`). */
const prefixes: readonly RegExp[] = [
  /(?:^|[/.~:@_-])(claude-.+)$/,
  /(?:^|[/.~:])(gpt-\d.*)$/,
  /(?:^|[/.~:])(o\d(?:-.*)?)$/,
  /(?:^|[/.~:])(codex-.+)$/,
  /(?:^|[/.~:])(gem(?:ini|ma)-.+)$/,
];

/** Some vendors put the version first: `claude-4.5-sonnet`. */
function tierFirst(name: string): string {
  return name.replace(/^claude-([4-9](?:-\d{1,2})?)-([a-z]+)/, "claude-$2-$1");
}

/** Null for a name of none of the families above. */
export function vendorModelName(model: string): string | null {
  const written = model
    .toLowerCase()
    .replace(/\[[^\]]*\]$/, "")
    .replace(/:(?:free|beta|nitro|floor|exacto|online|extended|thinking|high|medium|low)$/, "");
  for (const beginning of prefixes) {
    const found = beginning.exec(written)?.[1];
    if (found === undefined) continue;
    const bare = withoutRevision(found);
    // OpenRouter writes 4.5 where Anthropic writes 4-5.
    return bare.startsWith("claude-") ? tierFirst(bare.replaceAll(".", "-").replaceAll("_", "-")) : bare;
  }
  return null;
}

/** `-v1:0` (Bedrock), `@20260101` (Vertex), `-20260101`, `-2026-01-01`, `-latest`, `-preview`. */
function withoutRevision(name: string): string {
  let bare = name;
  for (;;) {
    const shorter = bare
      .replace(/@[\w.-]*$/, "")
      .replace(/-v\d+(?::\d+)*(?::\d+k)?$/, "")
      .replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2})$/, "")
      .replace(/-(?:latest|preview|exp)$/, "");
    // Anthropic's second model is called claude-v2.
    if (shorter === bare || shorter === "claude") return bare;
    bare = shorter;
  }
}

/** Whether `longer` is the model `shorter` with a variant suffix (`-fast`), and not a later version of it (`-5`). */
export function isVariantOf(longer: string, shorter: string): boolean {
  if (!longer.startsWith(shorter)) return false;
  const rest = longer.slice(shorter.length);
  if (rest === "") return true;
  if (shorter.startsWith("claude-")) return /^(?::|-(?!\d{1,2}(?:-|$)))/.test(rest);
  return /^[-:]/.test(rest);
}
