// Labels escaped for the text formats. Names come from configs and clients: whatever a name contains, it must never end its quotes
// or its line, or change the terminal that shows it.

/** Replaces a name that has no series of its own. */
export const otherName = "other";

const longestValue = 200;
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

function escaped(value: string): string {
  return value
    .slice(0, longestValue)
    .toWellFormed()
    .replace(control, "\ufffd")
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}

/** `a="1",b="2"`; "" without labels. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`).join(",");
}
