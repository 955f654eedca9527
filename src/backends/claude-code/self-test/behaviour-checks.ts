// The checks of the self-test in display order: what ClawGate relies on, and what happens without it. It must never
// claim more than was checked: a check that could not run is skipped, with the reason.

export const measuredVersions = ["2.1.197", "2.1.329", "2.1.332"] as const;

type Check = {
  readonly title: string;
  /** The title of a failed check. */
  readonly otherwise: string;
  /** What ClawGate does, or the user has to expect, when the check fails. */
  readonly fallback: string;
  /** Without it the provider cannot be used. */
  readonly isEssential: boolean;
};

export const checks = {
  program: {
    title: "the program is there and can be run",
    otherwise: "the program cannot be run",
    fallback: "the claude-cli provider is not served",
    isEssential: true,
  },
  version: {
    title: "its version is known to ClawGate",
    otherwise: "its version is older than any that was tested",
    fallback: "the checks below decide whether it can be used",
    isEssential: false,
  },
  login: {
    title: "it is logged in or has a key",
    otherwise: "nobody is logged in, and it has no key",
    fallback: "its requests go to the next provider, or are answered with 502 where there is none",
    isEssential: false,
  },
  start: {
    title: "it starts and answers initialize",
    otherwise: "it does not start as ClawGate needs it",
    fallback: "the claude-cli provider cannot answer",
    isEssential: true,
  },
  stream: {
    title: "answers stream word by word",
    otherwise: "answers do not stream word by word",
    fallback: "the claude-cli provider cannot answer",
    isEssential: true,
  },
  "system-prompt": {
    title: "the client's system prompt replaces its own",
    otherwise: "its own system prompt stays in place of the client's",
    fallback: "the model follows Claude Code's own instructions instead of the client's",
    isEssential: true,
  },
  surroundings: {
    title: "the working directory is not disclosed",
    otherwise: "it discloses its working directory to the vendor",
    fallback:
      "the vendor sees a folder, the system, the date and the model's name. With an API key in the provider's env it does not; else the folder's name is neutral, unless working_dir, tools or MCP servers are set",
    isEssential: false,
  },
  "own-tools": {
    title: "its own tools are off",
    otherwise: "its own tools stay on",
    fallback: "a client could make it work on this machine: do not use this version",
    isEssential: true,
  },
  "file-references": {
    title: "@path in a text does not read that file",
    otherwise: "@path in a text reads that file",
    fallback: "a client could read this machine's files: do not use this version",
    isEssential: true,
  },
  "slash-texts": {
    title: "a text that begins with / reaches the model",
    otherwise: "a text that begins with / does not reach the model",
    fallback: "the program answers such texts itself; they do not reach the model",
    isEssential: false,
  },
  history: {
    title: "earlier messages reach the model in order",
    otherwise: "earlier messages do not reach the model in order",
    fallback: "only conversations of one message work: do not use this version for chats",
    isEssential: true,
  },
  "tool-names": {
    title: "tools keep the client's names",
    otherwise: "tools do not keep the client's names",
    fallback: "ClawGate takes the program's prefix off again",
    isEssential: false,
  },
  "tool-schemas": {
    title: "tool schemas arrive unchanged",
    otherwise: "tool schemas are changed on their way",
    fallback: "the model sees other parameters than the client declared",
    isEssential: false,
  },
  "tool-descriptions": {
    title: "2,048 characters of a tool's description arrive",
    otherwise: "a tool's description is cut before 2,048 characters",
    fallback: "long descriptions are shortened",
    isEssential: false,
  },
  "tool-calls": {
    title: "a tool call comes to the client and its result goes back",
    otherwise: "a client's tools cannot be called, or their results do not arrive",
    fallback: "tools of clients do not work",
    isEssential: true,
  },
  "parallel-calls": {
    title: "calls of one message come together",
    otherwise: "calls of one message come one by one",
    fallback: "they are answered one after the other",
    isEssential: false,
  },
  "large-results": {
    title: "a tool result of 300 KB arrives whole",
    otherwise: "a tool result of 300 KB does not arrive whole",
    fallback: "the model sees only a note in place of large results",
    isEssential: false,
  },
  "extra-body": {
    title: "temperature, stop sequences and tool_choice reach the model",
    otherwise: "temperature, stop sequences or tool_choice do not reach the model",
    fallback: "they have no effect",
    isEssential: false,
  },
  "max-tokens": {
    title: "max_tokens reaches the model",
    otherwise: "max_tokens does not reach the model",
    fallback: "answers can be longer than the client allows",
    isEssential: false,
  },
  effort: {
    title: "the reasoning effort reaches the model",
    otherwise: "the reasoning effort does not reach the model",
    fallback: "the program's own effort is used",
    isEssential: false,
  },
  "thinking-off": {
    title: "thinking can be switched off",
    otherwise: "thinking cannot be switched off",
    fallback:
      "the model may think although the client did not want it, and a forced tool_choice is only asked for in the prompt",
    isEssential: false,
  },
  errors: {
    title: "an upstream error is reported as one, and the process lives on",
    otherwise: "an upstream error is not reported as one, or ends the process",
    fallback: "each error costs a new start of the program",
    isEssential: false,
  },
  "exit-codes": {
    title: "its exit code reports failure",
    otherwise: "its exit code does not report failure",
    fallback: "failures are detected from its output alone",
    isEssential: false,
  },
  stop: {
    title: "SIGTERM ends it in mid-answer and closes its connection",
    otherwise: "SIGTERM in mid-answer does not end it, or leaves its connection open",
    fallback: "it is killed by SIGKILL after a grace",
    isEssential: false,
  },
} as const satisfies Readonly<Record<string, Check>>;

export type CheckId = keyof typeof checks;
export type CheckState = "passed" | "failed" | "skipped";

export type CheckResult = {
  readonly id: CheckId;
  readonly title: string;
  readonly otherwise: string;
  readonly state: CheckState;
  /** What was observed: always set for failed and skipped. */
  readonly detail: string | null;
  readonly fallback: string;
  readonly isEssential: boolean;
};

export const checkIds = Object.keys(checks) as readonly CheckId[];

export type Verdicts = {
  passed(id: CheckId, detail?: string): void;
  failed(id: CheckId, detail: string): void;
  /** `problem` null is passed. The first verdict of a check counts. */
  say(id: CheckId, problem: string | null): void;
  skipped(id: CheckId, detail: string): void;
  hasFailed(id: CheckId): boolean;
  /** In table order; what was not checked is skipped for this reason. */
  results(unseenBecause: string): readonly CheckResult[];
};

/** `onVerdict` is called for each verdict. */
export function createVerdicts(onVerdict: (result: CheckResult) => void): Verdicts {
  const found = new Map<CheckId, CheckResult>();
  const put = (id: CheckId, state: CheckState, detail: string | null): void => {
    if (found.has(id)) return;
    const result = { id, ...checks[id], state, detail };
    found.set(id, result);
    onVerdict(result);
  };
  return {
    passed: (id, detail) => put(id, "passed", detail ?? null),
    failed: (id, detail) => put(id, "failed", detail),
    say: (id, problem) => put(id, problem === null ? "passed" : "failed", problem),
    skipped: (id, detail) => put(id, "skipped", detail),
    hasFailed: (id) => found.get(id)?.state === "failed",
    results(unseenBecause) {
      for (const id of checkIds) put(id, "skipped", unseenBecause);
      return checkIds.flatMap((id) => found.get(id) ?? []);
    },
  };
}
