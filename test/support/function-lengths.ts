// The lengths of a source's functions, found in its text without a parser: the input is code from source-text.ts, formatted, with
// comments and strings blanked. It must never judge; the rule is in form-rules.ts.

export type FunctionLength = { readonly name: string; readonly line: number; readonly lines: number };

const keywords = /^(?:if|for|while|switch|catch|with|await|return|typeof|super|new|in|of)$/;
const closing: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** For every opening bracket the position of its closing one. */
function pairsOf(code: string): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < code.length; at++) {
    const here = code[at] ?? "";
    if ("([{".includes(here)) open.push(at);
    else if (closing[here] !== undefined && code[open.at(-1) ?? -1] === closing[here])
      pairs.set(open.pop() ?? 0, at);
  }
  return pairs;
}

const skipSpace = (code: string, from: number): number => {
  let at = from;
  while (at < code.length && /\s/.test(code[at] ?? "")) at++;
  return at;
};

/** The end of a return type: at the body's brace, at the arrow that is not part of the type, or where there is no body. */
function endOfType(code: string, from: number, pairs: ReadonlyMap<number, number>, isArrow: boolean): number {
  let last = ":";
  for (let at = from; at < code.length; at++) {
    const here = code[at] ?? "";
    if (/\s/.test(here)) continue;
    if (here === "=" && code[at + 1] === ">") {
      // The formatter puts parentheses around a function type that an arrow function returns.
      if (isArrow) return at;
      at++;
      last = ":";
      continue;
    }
    if (here === "{" && !/[:|&<,?]/.test(last)) return at;
    if (";=)]}".includes(here) || (here === "," && !isInGenerics(code, from, at))) return at;
    if (here === "(" || here === "[" || here === "{") at = pairs.get(at) ?? at;
    last = here;
  }
  return code.length;
}

function isInGenerics(code: string, from: number, to: number): boolean {
  let depth = 0;
  for (const here of code.slice(from, to).replaceAll("=>", "  "))
    if (here === "<") depth++;
    else if (here === ">") depth--;
  return depth > 0;
}

/** The end of an expression: a separator or bracket that is not part of it. */
function endOfExpression(code: string, from: number, pairs: ReadonlyMap<number, number>): number {
  for (let at = from; at < code.length; at++) {
    const here = code[at] ?? "";
    if (",;)]}".includes(here)) return at - 1;
    if ("([{".includes(here)) at = pairs.get(at) ?? at;
  }
  return code.length;
}

/** The text before the parameters, without type parameters. */
function headBefore(code: string, parameters: number): string {
  let head = code.slice(Math.max(0, parameters - 400), parameters).trimEnd();
  if (head.endsWith(">") && !head.endsWith("=>")) {
    let depth = 0;
    for (let at = head.length - 1; at >= 0; at--) {
      if (head[at] === ">" && head[at - 1] !== "=") depth++;
      else if (head[at] === "<" && --depth === 0) {
        head = head.slice(0, at).trimEnd();
        break;
      }
    }
  }
  return head;
}

function nameOf(head: string): string {
  const assigned = /([\w$]+)(?:\s*:[^=;{}]*)?\s*=\s*(?:async\s*)?$/.exec(head)?.[1];
  const member = /([\w$]+)\s*:\s*(?:async\s*)?$/.exec(head)?.[1];
  return assigned ?? member ?? "(anonymous)";
}

/** Every function with a body of at least `least` lines, in the order of the text. */
export function functionLengths(code: string, least: number): readonly FunctionLength[] {
  const pairs = pairsOf(code);
  const found: FunctionLength[] = [];
  const add = (name: string, from: number, to: number): void => {
    const lines = code.slice(from, to).split("\n").length;
    if (lines >= least) found.push({ name, line: code.slice(0, from).split("\n").length, lines });
  };
  let typeEnd = 0;
  for (const [open, close] of [...pairs].toSorted(([one], [other]) => one - other)) {
    if (code[open] !== "(" || open < typeEnd) continue;
    const head = headBefore(code, open);
    const word = /(#?[\w$]+)$/.exec(head)?.[1] ?? "";
    const isArrow = word === "" || word === "async" || keywords.test(word);
    let next = skipSpace(code, close + 1);
    if (code[next] === ":") next = endOfType(code, next + 1, pairs, isArrow);
    if (isArrow && code.startsWith("=>", next)) {
      const body = skipSpace(code, next + 2);
      const end = code[body] === "{" ? pairs.get(body) : endOfExpression(code, body, pairs);
      add(nameOf(head), open, end ?? body);
    } else if (!isArrow && code[next] === "{") {
      if (code[skipSpace(code, close + 1)] === ":") typeEnd = next;
      add(word === "function" ? "(anonymous)" : word, open, pairs.get(next) ?? next);
    }
  }
  return found;
}
