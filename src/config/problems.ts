// The errors of a config, each with the place and the wrong word.
// It must never contain a value that may be a secret.

export type Problem = {
  /** The file, variable or flag that the value came from; null if there is no file. */
  readonly path: string | null;
  readonly line: number | null;
  /** Dotted key such as `providers.openai.base_url`; empty for the file as a whole. */
  readonly key: string;
  readonly message: string;
  /** What to do about it, or null. */
  readonly hint: string | null;
};

/** One line: where, what, and what to do about it. */
export function problemText(problem: Problem): string {
  const place = [problem.path, problem.line].filter((part) => part !== null).join(":");
  const where = [place, problem.key].filter((part) => part !== "").join(" ");
  const hint = problem.hint === null ? "" : `; ${problem.hint}`;
  return `${where === "" ? "" : `${where}: `}${problem.message}${hint}`;
}

/** Thrown by `loadConfig`; the message is the whole printable text, one line per problem. */
export class ConfigProblem extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`The config has ${count}:`, ...problems.map((problem) => `  ${problemText(problem)}`)].join("\n"));
    this.name = "ConfigProblem";
    this.problems = problems;
  }
}

export function didYouMean(name: string | null): string | null {
  return name === null ? null : `did you mean "${name}"?`;
}
