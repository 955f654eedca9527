// Finds the known name nearest to a mistyped one, for "did you mean" in config problems and 404s. It must never guess
// wildly: without a close name it returns null.

/** Edits (insert, delete, replace, swap of neighbours) between two names; above `limit` any larger number. */
function distance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let twoBack: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let edits = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) edits = Math.min(edits, (twoBack[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    twoBack = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** Up to `count` names, nearest first, that are at most a third of their length away or contain `name`. */
export function nearestNames(name: string, names: Iterable<string>, count: number): readonly string[] {
  const wanted = name.toLowerCase().slice(0, 100);
  const found: { readonly name: string; readonly edits: number }[] = [];
  for (const candidate of new Set(names)) {
    const known = candidate.toLowerCase().slice(0, 100);
    const longer = Math.max(wanted.length, known.length);
    const limit = longer < 2 ? 0 : Math.max(1, Math.floor(longer / 3));
    const edits = distance(wanted, known, limit);
    const shorter = Math.min(wanted.length, known.length);
    const isPart = shorter >= 3 && (known.includes(wanted) || wanted.includes(known));
    if (edits <= limit) found.push({ name: candidate, edits });
    else if (isPart) found.push({ name: candidate, edits: limit + 1 });
  }
  return found
    .sort((left, right) => left.edits - right.edits)
    .slice(0, count)
    .map((hit) => hit.name);
}

/** The nearest name, or null when none is close. */
export function nearest(name: string, names: Iterable<string>): string | null {
  return nearestNames(name, names, 1)[0] ?? null;
}
