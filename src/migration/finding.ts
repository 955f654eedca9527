// What became of one setting of another program: a line for its owner. It must never contain a value: it may be a key.

export type Verdict = "kept" | "changed" | "left out" | "refused";

export type Finding = {
  readonly verdict: Verdict;
  /** Its name in the other program: a key, a variable, a file. */
  readonly what: string;
  /** What it is here, or why it is not. A sentence without its full stop. */
  readonly why: string;
};

/** The programs whose settings are read. */
export type Program = "clawgate-py" | "cc-gateway" | "claude-proxy" | "cliproxyapi";

export const programNames: Readonly<Record<Program, string>> = {
  "clawgate-py": "ClawGate (Python)",
  "cc-gateway": "openclaw-cc-gateway",
  "claude-proxy": "claude-code-proxy",
  cliproxyapi: "CLIProxyAPI",
};

/** The message is for the owner: the files are not understood, or hold something that only a person can decide. */
export class MigrationProblem extends Error {
  override readonly name = "MigrationProblem";
}
