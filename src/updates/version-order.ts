// Which of two versions is the newer one, by the rules of semantic versioning (semver.org, section 11).

/** Negative: `a` is older than `b`; 0: they are of one age. */
export function compareVersions(a: string, b: string): number {
  const [numbersA, labelsA] = partsOf(a);
  const [numbersB, labelsB] = partsOf(b);
  for (const [at, number] of numbersA.entries()) {
    const difference = number - (numbersB[at] ?? 0);
    if (difference !== 0) return difference;
  }
  // A version without a label is newer than the same one with: 1.0.0-rc.1 came before 1.0.0.
  if (labelsA.length === 0 || labelsB.length === 0) return labelsB.length - labelsA.length;
  for (const [at, label] of labelsA.entries()) {
    const other = labelsB[at];
    if (other === undefined) return 1;
    const difference = compareLabels(label, other);
    if (difference !== 0) return difference;
  }
  return labelsA.length - labelsB.length;
}

function partsOf(version: string): readonly [readonly number[], readonly string[]] {
  const bare = version.replace(/\+.*$/, "");
  const hyphen = bare.indexOf("-");
  const numbers = (hyphen < 0 ? bare : bare.slice(0, hyphen)).split(".").map(Number);
  return [numbers, hyphen < 0 ? [] : bare.slice(hyphen + 1).split(".")];
}

function compareLabels(a: string, b: string): number {
  const isNumber = (label: string): boolean => /^\d+$/.test(label);
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
