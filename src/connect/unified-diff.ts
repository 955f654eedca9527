// Two texts as a unified diff, for a person who decides whether to write.

const contextLines = 3;
/** Above this many comparisons the middle is shown as replaced: only its beginning and end are compared then. */
const mostComparisons = 4_000_000;

type Line = { readonly sign: " " | "-" | "+"; readonly text: string };

/** Lines without their line breaks, headers included; empty: the texts are the same. */
export function unifiedDiff(name: string, before: string | null, after: string | null): readonly string[] {
  if (before === after) return [];
  const lines = comparedLines(linesOf(before ?? ""), linesOf(after ?? ""));
  const head = [`--- ${before === null ? "/dev/null" : name}`, `+++ ${after === null ? "/dev/null" : name}`];
  return [...head, ...hunksOf(lines)];
}

function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1) ?? ""}\n\\ No newline at end of file`];
}

function comparedLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ sign: " ", text }));
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

/** By the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const removed = (text: string): Line => ({ sign: "-", text });
  const added = (text: string): Line => ({ sign: "+", text });
  if (before.length * after.length > mostComparisons || before.length === 0 || after.length === 0)
    return [...before.map(removed), ...after.map(added)];
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      longest[i * width + j] =
        before[i] === after[j]
          ? (longest[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    const [left = "", right = ""] = [before[i], after[j]];
    if (left === right) {
      lines.push({ sign: " ", text: left });
      i += 1;
      j += 1;
    } else if ((longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0)) {
      lines.push(removed(left));
      i += 1;
    } else {
      lines.push(added(right));
      j += 1;
    }
  }
  return [...lines, ...before.slice(i).map(removed), ...after.slice(j).map(added)];
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const shown: string[] = [];
  let [old, fresh] = [1, 1];
  let last = -1;
  const isNear = (at: number): boolean =>
    lines.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(({ sign }) => sign !== " ");
  const near = lines.map((_, at) => isNear(at));
  for (const [at, { sign, text }] of lines.entries()) {
    if (near[at] === true) {
      if (last !== at - 1 || last < 0) {
        let end = at;
        while (near[end] === true) end += 1;
        const part = lines.slice(at, end);
        const count = (not: "+" | "-"): number => part.filter((each) => each.sign !== not).length;
        const from = (start: number, length: number): number => (length === 0 ? start - 1 : start);
        const [oldCount, freshCount] = [count("+"), count("-")];
        shown.push(`@@ -${from(old, oldCount)},${oldCount} +${from(fresh, freshCount)},${freshCount} @@`);
      }
      shown.push(...`${sign}${text}`.split("\n"));
      last = at;
    }
    if (sign !== "+") old += 1;
    if (sign !== "-") fresh += 1;
  }
  return shown;
}
