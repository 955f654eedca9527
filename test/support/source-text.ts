// Source text for the architecture test: code without comments and the content of strings, and the imports of a file.
// It must never judge; the rules are in architecture-rules.ts and its neighbours.

/** The code with comments and string contents blanked; line breaks stay, so that line numbers hold. */
export function codeOnly(source: string): string {
  let code = "";
  let i = 0;
  // How many braces are open inside each `${`: a template literal can nest.
  const templates: number[] = [];
  const blank = (until: number): void => {
    code += source.slice(i, until).replace(/[^\n]/g, " ");
    i = until;
  };
  const endOfTemplate = (from: number): number => {
    for (let at = from; at < source.length; at++) {
      if (source[at] === "\\") at++;
      else if (source[at] === "`") return at + 1;
      else if (source[at] === "$" && source[at + 1] === "{") {
        templates.push(0);
        return at + 2;
      }
    }
    return source.length;
  };
  while (i < source.length) {
    const here = source[i] ?? "";
    const next = source[i + 1];
    if (here === "/" && next === "/") blank(endOr(source.indexOf("\n", i), source));
    else if (here === "/" && next === "*") blank(endOr(source.indexOf("*/", i + 2) + 2, source, 2));
    else if (here === '"' || here === "'") blank(endOfString(source, i, here));
    else if (here === "`") blank(endOfTemplate(i + 1));
    else if (here === "/" && startsPattern(code)) blank(endOfPattern(source, i));
    else {
      const depth = templates.at(-1);
      if (depth !== undefined && here === "}" && depth === 0) {
        templates.pop();
        blank(endOfTemplate(i + 1));
        continue;
      }
      if (depth !== undefined && here === "{") templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && here === "}") templates[templates.length - 1] = depth - 1;
      code += here;
      i++;
    }
  }
  return code;
}

function endOr(found: number, source: string, missing = 0): number {
  return found < missing ? source.length : found;
}

function endOfString(source: string, at: number, quote: string): number {
  let end = at + 1;
  while (end < source.length && source[end] !== quote && source[end] !== "\n")
    end += source[end] === "\\" ? 2 : 1;
  return Math.min(source.length, end + 1);
}

/** A slash starts a regular expression if no value precedes it. */
function startsPattern(code: string): boolean {
  const before = code.trimEnd();
  return (
    before === "" ||
    /(?:[(,=:[!&|?{};<>+*%~^-]|\b(?:return|typeof|case|in|of|yield|await))$/.test(before.slice(-12))
  );
}

function endOfPattern(source: string, at: number): number {
  let isInClass = false;
  for (let end = at + 1; end < source.length; end++) {
    const here = source[end];
    if (here === "\\") end++;
    else if (here === "\n") return end;
    else if (here === "[") isInClass = true;
    else if (here === "]") isInClass = false;
    else if (here === "/" && !isInClass) return end + 1;
  }
  return source.length;
}

// Formatted sources: an import or re-export starts its line, with no quote between it and its specifier.
const statements = /^(?:import|export)\b[^;"'=(]*?\bfrom\s*"([^"]+)"/gm;
const bareImports = /^import\s*"([^"]+)"/gm;
const dynamicImports = /\b(?:import|require)\(\s*["']([^"']+)["']/g;

/** Every specifier in the file, including type-only and dynamic ones. */
export function importsOf(source: string): string[] {
  const withoutComments = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, "");
  return [statements, bareImports, dynamicImports].flatMap((pattern) =>
    Array.from(withoutComments.matchAll(pattern), (found) => found[1] ?? ""),
  );
}
