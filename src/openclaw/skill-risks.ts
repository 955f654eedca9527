// What in a skill's text would run something by itself, for the user to review before its first use. It must never decide:
// the Claude Code backend removes such parts when it loads a skill (backends/claude-code/skills/skill-text.ts), OpenClaw may not.

import type { SkillTree } from "./skill-tree.ts";

export function risksOf(tree: SkillTree): readonly string[] {
  const file = tree.files.find(({ path }) => path === "SKILL.md");
  if (file === undefined) return [];
  const text = Buffer.from(file.bytes)
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n");
  const front = /^---\n([\s\S]*?)\n---(?:\n|$)/.exec(text);
  const head = front?.[1] ?? "";
  const body = front === null ? text : text.slice(front[0].length);
  const keys = ["hooks", "allowed-tools", "command-dispatch"].filter((key) =>
    new RegExp(`^["']?${key}["']?[ \\t]*:`, "m").test(head),
  );
  const commands = body.match(/!`[^`\n]*`|^\s*(?:`{3,}|~{3,})\s*!/gm)?.length ?? 0;
  const programs = tree.files.filter(({ isExecutable }) => isExecutable).length;
  return [
    ...keys.map((key) => `it sets ${key}`),
    ...(commands === 0
      ? []
      : [`${commands} ${commands === 1 ? "command" : "commands"} marked ! to run when it is read`]),
    ...(programs === 0 ? [] : [`${programs} ${programs === 1 ? "file" : "files"} that can be run`]),
  ];
}
