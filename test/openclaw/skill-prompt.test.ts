// skills/openclaw/SKILL.md against the recorded help of the real program: every command and flag that it teaches is one.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const prompt = readFileSync(join(import.meta.dir, "..", "..", "skills", "openclaw", "SKILL.md"), "utf8");
const recorded = readFileSync(join(import.meta.dir, "recorded", "command-line.txt"), "utf8");

/** Command ("cron add", "" for the program itself) -> its options, short ones too. */
const known = new Map(
  recorded
    .split(/^=== openclaw ?/m)
    .slice(1)
    .map((part): [string, ReadonlySet<string>] => {
      const end = part.indexOf("\n");
      const options = [...part.slice(end).matchAll(/^ {2}(-[^\n]*?)(?: {2}|$)/gm)].flatMap(([, words = ""]) =>
        Array.from(words.matchAll(/(?:^|[\s,])(--?[A-Za-z][A-Za-z0-9-]*)/g), ([, option = ""]) => option),
      );
      return [part.slice(0, end).trim(), new Set(options)];
    }),
);

type Taught = { readonly command: string; readonly flags: readonly string[] };

/** `a b|c X | d` without what is in quotes; brackets only mark what may be left out. */
function taughtBy(span: string): readonly Taught[] {
  const bare = span.replaceAll(/"[^"]*"/g, "TEXT");
  const joined = bare.replaceAll(/[([][^)\]]*[)\]]/g, (inside) => inside.replaceAll("|", " "));
  const parts = joined.replaceAll(/[()[\]]/g, " ").split(/\s\|\s/);
  let group: readonly string[] = [];
  return parts.flatMap((part) => {
    const words = part.trim().split(/\s+/);
    const flags = words.filter((word) => /^--?[A-Za-z]/.test(word));
    const found = [...prefixesOf(group), []].flatMap((prefix) => {
      const commands = alternatives(words).map((own) => longest([...prefix, ...own], prefix.length));
      return commands.every((each) => each !== null) ? [{ prefix, commands }] : [];
    })[0];
    if (found === undefined) return [{ command: `${group.join(" ")} ${part}`.trim(), flags: [] }];
    const [first = ""] = found.commands;
    if (found.prefix.length === 0) group = first?.split(" ").slice(0, -1) ?? [];
    return found.commands.map((command) => ({ command: command ?? "", flags }));
  });
}

function prefixesOf(group: readonly string[]): readonly (readonly string[])[] {
  return group.map((_, at) => group.slice(0, group.length - at));
}

/** `message read|search` is two commands. */
function alternatives(words: readonly string[]): readonly (readonly string[])[] {
  const at = words.findIndex((word) => /^[a-z-]+(?:\|[a-z-]+)+$/.test(word));
  if (at < 0 || words.slice(0, at).some((word) => !/^[a-z-]+$/.test(word))) return [words];
  return (words[at] ?? "").split("|").map((each) => [...words.slice(0, at), each]);
}

/** The longest recorded command that these words begin with, longer than the prefix; all lower-case words before a flag must be in it. */
function longest(words: readonly string[], least: number): string | null {
  const stop = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const command = words.slice(0, stop < 0 ? undefined : stop).join(" ");
  return command.split(" ").length > least && command !== "" && known.has(command) ? command : null;
}

const bullets = prompt
  .split("\n- ")
  .slice(1)
  .map((each) => each.split("\n\n")[0] ?? "");
const spansOf = (text: string): readonly string[] =>
  Array.from(text.matchAll(/`([^`]+)`/g), ([, span = ""]) => span);

describe("the OpenClaw skill prompt", () => {
  test("the recording holds the program's commands", () => {
    expect(known.size).toBeGreaterThan(50);
    expect(known.get("")).toContain("--container");
    expect(known.get("cron add")).toContain("--cron");
  });

  test("what is no command or no flag is found", () => {
    expect(taughtBy("cron frobnicate X").every(({ command }) => known.has(command))).toBe(false);
    expect(taughtBy("cron list | shuffle ID").every(({ command }) => known.has(command))).toBe(false);
    expect(taughtBy("message read|shout --channel C").every(({ command }) => known.has(command))).toBe(false);
    expect(taughtBy("cron add --name N | rm ID").map(({ command }) => command)).toEqual([
      "cron add",
      "cron rm",
    ]);
    expect(taughtBy("cron add --nome N")[0]?.flags).toEqual(["--nome"]);
    expect(known.get("cron add")).not.toContain("--nome");
  });

  test.each(bullets.map((bullet) => [/^\*\*(\w+)/.exec(bullet)?.[1] ?? bullet, bullet] as const))(
    "%s: every command and flag is real",
    (_title, bullet) => {
      let last: readonly Taught[] = [];
      const wrong: string[] = [];
      for (const span of spansOf(bullet)) {
        if (span.startsWith("-")) {
          const flag = span.split(" ")[0] ?? "";
          if (!last.some(({ command }) => known.get(command)?.has(flag))) wrong.push(flag);
          continue;
        }
        const taught = taughtBy(span);
        for (const { command, flags } of taught)
          wrong.push(
            ...(known.has(command) ? [] : [command]),
            ...flags.filter((flag) => !known.get(command)?.has(flag)).map((flag) => `${command} ${flag}`),
          );
        last = [...last, ...taught];
      }
      expect(last.length).toBeGreaterThan(0);
      expect(wrong).toEqual([]);
    },
  );

  test("twelve categories, at most 3 KB", () => {
    const titles = bullets.map((bullet) => /^\*\*([A-Za-z]+)\*\*:/.exec(bullet)?.[1]);
    expect(titles).toEqual([
      "Schedule",
      "Messages",
      "Agents",
      "Sessions",
      "Memory",
      "Models",
      "Channels",
      "Nodes",
      "Directory",
      "Skills",
      "Config",
      "System",
    ]);
    expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(3 * 1024);
  });

  test("no time zone, no id of anybody and no channel is written into it", () => {
    expect(prompt).not.toMatch(/\b(?:Africa|America|Asia|Europe|Australia|Pacific)\/[A-Z]/);
    expect(prompt).not.toMatch(/\bUTC\b|\b(?:ou|oc|om)_[0-9a-z]{6,}|@\w+bot\b|\+\d{7,}|\b\d{8,}\b/);
    expect(prompt).not.toMatch(/\b(?:feishu|telegram|whatsapp|discord|slack)\b/i);
  });
});
