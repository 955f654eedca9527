// One thing that `clawgate doctor` examined, and what it found. It must never contain a key or a login.

export const sections = {
  program: "This program",
  config: "Config",
  state: "State directory",
  database: "Database",
  gateway: "Gateway",
  providers: "Providers",
  cli: "Claude Code",
  memory: "Memory",
  clients: "Connected clients",
} as const;

export type SectionId = keyof typeof sections;

export type Finding = {
  readonly section: SectionId;
  readonly id: string;
  /** `failed`: something cannot work; `warning`: it works, but not as intended; `skipped`: not examined, or not requested. */
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly title: string;
  readonly detail: string | null;
  /** What to do about it, or what happens otherwise; null: nothing. */
  readonly advice: string | null;
};

/** Creates the findings of one section. */
export function findingsIn(section: SectionId) {
  return (
    state: Finding["state"],
    id: string,
    title: string,
    detail: string | null = null,
    advice: string | null = null,
  ): Finding => ({ section, id, state, title, detail, advice });
}
