// Turns an OpenClaw skill into one that Claude Code may load: a name, a description and text. Whatever would make the
// program run something when it reads the skill is removed; the result must never be more than text.

const maxCharacters = 256 * 1024;

export type Skill = {
  readonly name: string;
  /** One line, not longer than what is shown of it. */
  readonly description: string;
  readonly text: string;
};

const shownCharacters = 250;
const listCharacters = 16 * 1024;

/** Null when nothing is usable. `folder` names the skill when the text does not. */
export function skillOf(source: string, folder: string): Skill | null {
  const text = source.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  if (text.trim() === "" || text.length > maxCharacters) return null;
  const front = /^---\n([\s\S]*?)\n---(?:\n|$)/.exec(text);
  const head = front?.[1] ?? "";
  const body = front === null ? text : text.slice(front[0].length);
  const name = slug(member(head, "name") ?? folder) ?? slug(folder);
  if (name === null) return null;
  const description = member(head, "description") ?? `The skill ${name}.`;
  return {
    name,
    description: description
      .replaceAll(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .slice(0, shownCharacters),
    // `allowed-tools`, `hooks`, `model` and whatever else may come: an OpenClaw instance wrote them, not the operator.
    text: `---\nname: ${name}\ndescription: ${JSON.stringify(description.slice(0, 1_024))}\n---\n${withoutCommands(body)}`,
  };
}

/**
 * What the model must know to ask for a skill. The program's own list of them comes as an attachment, and attachments are off
 * (2.1.197: with them a client's text "@/path" shows that file): then the model has the tool but no skill name to call it
 * with.
 */
export function skillList(plugin: string, skills: readonly Pick<Skill, "name" | "description">[]): string {
  const lines: string[] = [];
  let room = listCharacters;
  for (const { name, description } of skills) {
    const line = `- ${plugin}:${name}: ${description}`;
    room -= line.length;
    if (room < 0) break;
    lines.push(line);
  }
  const left = skills.length - lines.length;
  const more = left === 0 ? "" : `\n(and ${left} more that are not listed)`;
  return `Skills that are here for this conversation. When one fits what is asked, load it with the Skill tool by its full name before you go on:\n${lines.join("\n")}${more}`;
}

/** Claude Code runs !`command` and puts its output in place, before any model sees the skill; the same for ```! blocks. */
function withoutCommands(body: string): string {
  return body.replaceAll(/!(?=`)/g, "! ").replaceAll(/^(\s*(?:`{3,}|~{3,}))\s*!/gm, "$1 ");
}

/** One line of a frontmatter: `name: text`, quoted or not, or a folded block. */
function member(head: string, key: string): string | null {
  const line = new RegExp(`^${key}:[ \\t]*(.*)$`, "m").exec(head);
  if (line === null) return null;
  const written = (line[1] ?? "").trim();
  if (/^[|>][+-]?$/.test(written)) {
    const below = head.slice(line.index + line[0].length + 1).split("\n");
    const end = below.findIndex((each) => each.trim() !== "" && !/^\s/.test(each));
    const words = below.slice(0, end < 0 ? undefined : end).map((each) => each.trim());
    return words.join(" ").trim() || null;
  }
  const quoted = /^(["'])(.*)\1$/.exec(written);
  return (quoted?.[2] ?? written) || null;
}

function slug(written: string): string | null {
  const name = written
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[-._]+|[-._]+$/g, "")
    .slice(0, 64);
  return name === "" ? null : name;
}
