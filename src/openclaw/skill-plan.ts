// Which side changed a skill, and what a command does about it: the content here, the content there, and the content of both when they
// were last equal. Pure. It must never plan to overwrite a change without the user's choice, nor to delete.

export type SkillRelation =
  | "same"
  | "only-here"
  | "only-there"
  | "changed-here"
  | "changed-there"
  | "removed-here"
  | "removed-there"
  | "conflict";

export type SkillAction = "pull" | "push" | "none" | "conflict";

export type SkillMode = "pull" | "push" | "bisync";
/** The side that wins if both changed, or one removed what the other has. Null: neither. */
export type SkillPreference = "pull" | "push" | null;

export type SkillHashes = {
  readonly here: string | null;
  readonly there: string | null;
  /** The content when they were last equal; null: they never were. */
  readonly last: string | null;
};

/** Null: the skill is on neither side. */
export function relationOf({ here, there, last }: SkillHashes): SkillRelation | null {
  if (here === there) return here === null ? null : "same";
  if (here === null) {
    if (last === null) return "only-there";
    return last === there ? "removed-here" : "conflict";
  }
  if (there === null) {
    if (last === null) return "only-here";
    return last === here ? "removed-there" : "conflict";
  }
  if (last === there) return "changed-here";
  return last === here ? "changed-there" : "conflict";
}

export function actionOf(
  hashes: SkillHashes,
  relation: SkillRelation,
  mode: SkillMode,
  preference: SkillPreference,
): SkillAction {
  if (relation === "same") return "none";
  const mayPull = mode !== "push";
  const mayPush = mode !== "pull";
  if (relation === "only-there" || relation === "changed-there") {
    if (preference === "push" && hashes.here !== null) return "push";
    return mayPull ? "pull" : "none";
  }
  if (relation === "only-here" || relation === "changed-here") {
    if (preference === "pull" && hashes.there !== null) return "pull";
    return mayPush ? "push" : "none";
  }
  // Nothing is ever deleted: a removed skill may be restored from the side that has it.
  if (preference === "pull") return hashes.there === null ? "none" : "pull";
  if (preference === "push") return hashes.here === null ? "none" : "push";
  return relation === "conflict" ? "conflict" : "none";
}
