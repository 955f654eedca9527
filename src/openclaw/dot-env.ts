// A state directory's `.env`: sets or removes our own variables and keeps every other byte.
// It must never touch a name that it was not given, nor write a value that another parser would read differently.

type Line = { readonly from: number; readonly to: number; readonly name: string | null };

const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;

/** Lines as dotenv parses them: a quoted value may span several, and a name inside it does not count. */
function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\n", at);
    const lineEnd = end < 0 ? text.length : end + 1;
    const source = text.slice(at, lineEnd).replace(/^\uFEFF/, "");
    const skipped = lineEnd - at - source.length;
    const found = assignment.exec(source);
    const to = found === null ? lineEnd : (valueEnd(text, at + skipped + found[0].length) ?? lineEnd);
    lines.push({ from: at + skipped, to, name: found?.[1] ?? null });
    at = to;
  }
  return lines;
}

/** The end of the line on which a quoted value closes; null if it is not quoted or never closes. */
function valueEnd(text: string, at: number): number | null {
  const quote = text[at];
  if (quote !== '"' && quote !== "'" && quote !== "`") return null;
  for (let index = at + 1; index < text.length; index++) {
    if (text[index] === "\\" && quote === '"') index += 1;
    else if (text[index] === quote) {
      const end = text.indexOf("\n", index);
      return end < 0 ? text.length : end + 1;
    }
  }
  return null;
}

/** Throws an Error for a value that not every `.env` parser reads literally. */
export function setInDotEnv(text: string, values: Readonly<Record<string, string>>): string {
  for (const value of Object.values(values))
    if (!/^[\x21\x24-\x26\x28-\x5b\x5d-\x5f\x61-\x7e]*$/.test(value))
      throw new Error("a value for .env may contain only plain visible characters");
  const lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
  const missing = new Map(Object.entries(values));
  let result = "";
  let at = 0;
  const lines = linesOf(text);
  for (const [index, { from, to, name }] of lines.entries()) {
    const value = name === null ? undefined : values[name];
    if (name === null || value === undefined || !Object.hasOwn(values, name)) continue;
    missing.delete(name);
    // Of two entries, some parsers use the first and others the last: both are set.
    const hasBreak = text[to - 1] === "\n" || index < lines.length - 1;
    result += `${text.slice(at, from)}${name}=${value}${hasBreak ? lineBreak : ""}`;
    at = to;
  }
  result += text.slice(at);
  if (missing.size === 0) return result;
  const gap = result === "" || result.endsWith("\n") ? "" : lineBreak;
  return `${result}${gap}${[...missing].map(([name, value]) => `${name}=${value}${lineBreak}`).join("")}`;
}

export function removeFromDotEnv(text: string, names: readonly string[]): string {
  let result = "";
  let at = 0;
  for (const { from, to, name } of linesOf(text)) {
    if (name === null || !names.includes(name)) continue;
    result += text.slice(at, from);
    at = to;
  }
  return result + text.slice(at);
}

/** The value of a name as dotenv reads it, of several the last; null: it is not there or empty. */
export function valueInDotEnv(text: string, name: string): string | null {
  const line = linesOf(text).findLast((each) => each.name === name);
  if (line === undefined) return null;
  const written = text
    .slice(line.from, line.to)
    .replace(/^\uFEFF/, "")
    .replace(assignment, "")
    .trim();
  const quoted = /^(["'`])([\s\S]*?)\1/.exec(written);
  const value = quoted === null ? written.replace(/\s+#.*$/, "").trim() : (quoted[2] ?? "");
  return value === "" ? null : value;
}
