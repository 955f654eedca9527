// The difference of two texts as a unified diff. It must end in bounded time for any two texts: what differs too much is shown as one
// block.

const context = 3;
/** Pairs of lines that are compared; beyond this the whole middle counts as replaced. */
const maxPairs = 4_000_000;
const maxCharacters = 300_000;

type Line = { readonly sign: " " | "-" | "+"; readonly text: string };

/** "" if they are equal. Lines end with "\n"; what else ends a line is part of it. */
export function unifiedDiff(before: string, after: string, name: string): string {
  if (before === after) return "";
  const lines = changedLines(linesOf(before), linesOf(after));
  const body = hunks(lines).join("");
  const whole = `--- ${name}\n+++ ${name} (edited)\n${body}`;
  return whole.length <= maxCharacters
    ? whole
    : `${whole.slice(0, maxCharacters)}\n(the rest is not shown)\n`;
}

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  else lines.push(`${lines.pop() ?? ""}\n\\ No newline at end of file`);
  return lines;
}

function changedLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const signed = (sign: Line["sign"]) => (text: string) => ({ sign, text });
  return [
    ...before.slice(0, head).map(signed(" ")),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(signed(" ")),
  ];
}

/** By the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const [rows, columns] = [before.length, after.length];
  const lines: Line[] = [];
  if (rows * columns <= maxPairs) {
    const width = columns + 1;
    const longest = new Uint32Array((rows + 1) * width);
    for (let row = rows - 1; row >= 0; row--)
      for (let column = columns - 1; column >= 0; column--)
        longest[row * width + column] =
          before[row] === after[column]
            ? (longest[(row + 1) * width + column + 1] ?? 0) + 1
            : Math.max(longest[(row + 1) * width + column] ?? 0, longest[row * width + column + 1] ?? 0);
    let [row, column] = [0, 0];
    while (row < rows && column < columns) {
      const below = longest[(row + 1) * width + column] ?? 0;
      const right = longest[row * width + column + 1] ?? 0;
      if (before[row] === after[column]) {
        lines.push({ sign: " ", text: before[row] ?? "" });
        row += 1;
        column += 1;
      } else if (below >= right) lines.push({ sign: "-", text: before[row++] ?? "" });
      else lines.push({ sign: "+", text: after[column++] ?? "" });
    }
    for (const text of before.slice(row)) lines.push({ sign: "-", text });
    for (const text of after.slice(column)) lines.push({ sign: "+", text });
    return lines;
  }
  for (const text of before) lines.push({ sign: "-", text });
  for (const text of after) lines.push({ sign: "+", text });
  return lines;
}

function hunks(lines: readonly Line[]): readonly string[] {
  const texts: string[] = [];
  let [oldLine, newLine] = [1, 1];
  let at = 0;
  while (at < lines.length) {
    const first = lines.findIndex(({ sign }, index) => index >= at && sign !== " ");
    if (first < 0) break;
    const from = Math.max(at, first - context);
    let to = first;
    for (let quiet = 0; to < lines.length && quiet <= 2 * context; to++)
      quiet = lines[to]?.sign === " " ? quiet + 1 : 0;
    // A run of equal lines at the end is cut to the context.
    let end = to;
    while (end > from && lines[end - 1]?.sign === " ") end--;
    end = Math.min(lines.length, end + context);
    oldLine += from - at;
    newLine += from - at;
    const part = lines.slice(from, end);
    const olds = part.filter(({ sign }) => sign !== "+").length;
    const news = part.filter(({ sign }) => sign !== "-").length;
    const range = (start: number, count: number): string => `${count === 0 ? start - 1 : start},${count}`;
    texts.push(
      `@@ -${range(oldLine, olds)} +${range(newLine, news)} @@\n`,
      ...part.map(({ sign, text }) => `${sign}${text}\n`),
    );
    oldLine += olds;
    newLine += news;
    at = end;
  }
  return texts;
}
