// Finds `[[name]]` and `[[name:argument]]` in a prompt: the way to control the fake vendor through any gateway.
// The full list of directives is in plan.ts.

export type Directive = { readonly name: string; readonly argument: string };

export type ReadPrompt = {
  readonly directives: readonly Directive[];
  /** The rest of the text without the directives. */
  readonly rest: string;
};

const opening = /\[\[([a-z]+)(:|\]\])/g;

/** The end of the argument that starts at `from`: the first "]]" outside JSON strings and brackets. */
function argumentEnd(text: string, from: number): number {
  let depth = 0;
  let isInString = false;
  for (let at = from; at < text.length; at += 1) {
    const letter = text[at];
    if (isInString) {
      if (letter === "\\") at += 1;
      else if (letter === '"') isInString = false;
    } else if (letter === '"' && depth > 0) isInString = true;
    else if (letter === "{" || (letter === "[" && depth > 0)) depth += 1;
    else if (letter === "}" || (letter === "]" && depth > 0)) depth -= 1;
    else if (depth === 0 && letter === "]" && text[at + 1] === "]") return at;
  }
  return text.length;
}

export function readDirectives(text: string): ReadPrompt {
  const directives: Directive[] = [];
  let rest = "";
  let at = 0;
  const finder = new RegExp(opening);
  for (let found = finder.exec(text); found; found = finder.exec(text)) {
    rest += text.slice(at, found.index);
    const name = found[1] ?? "";
    if (found[2] === ":") {
      const end = argumentEnd(text, finder.lastIndex);
      directives.push({ name, argument: text.slice(finder.lastIndex, end) });
      at = end + 2;
    } else {
      directives.push({ name, argument: "" });
      at = finder.lastIndex;
    }
    finder.lastIndex = at;
  }
  return { directives, rest: rest + text.slice(at) };
}

export type WantedCall = { readonly name: string; readonly input: string };

/** `a {...};b {...}` as calls. A name without arguments means `{}`. */
export function readCalls(argument: string): WantedCall[] {
  const calls: WantedCall[] = [];
  let at = 0;
  while (at < argument.length) {
    let end = at;
    let depth = 0;
    let isInString = false;
    for (; end < argument.length; end += 1) {
      const letter = argument[end];
      if (isInString) {
        if (letter === "\\") end += 1;
        else if (letter === '"') isInString = false;
      } else if (letter === '"') isInString = true;
      else if (letter === "{") depth += 1;
      else if (letter === "}") depth -= 1;
      else if (letter === ";" && depth === 0) break;
    }
    const one = argument.slice(at, end).trim();
    const space = one.search(/\s/);
    if (one !== "")
      calls.push(
        space < 0
          ? { name: one, input: "{}" }
          : { name: one.slice(0, space), input: one.slice(space).trim() },
      );
    at = end + 1;
  }
  return calls;
}
