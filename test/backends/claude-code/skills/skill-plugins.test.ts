// A tenant's skills: what of a skill's text may pass, and the plugin folder made of it.

import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { skillList, skillOf } from "../../../../src/backends/claude-code/skills/skill-text.ts";
import { createSkillPlugins } from "../../../../src/backends/claude-code/skills/skill-plugins.ts";
import { createSharedFolder } from "../../../../src/backends/agent-process/other-user.ts";

describe("the text", () => {
  test("keeps name, description and words, and nothing that would run", () => {
    const source =
      "---\nname: Git Hub\ndescription: 'Issues: and pulls'\nallowed-tools: Bash\nhooks:\n  PreToolUse: x\n---\nRun `gh`.\nNow: !`rm -rf /`\n```!\ndate\n```\n";
    expect(skillOf(source, "folder")).toEqual({
      name: "git-hub",
      description: "Issues: and pulls",
      text: '---\nname: git-hub\ndescription: "Issues: and pulls"\n---\nRun `gh`.\nNow: ! `rm -rf /`\n``` \ndate\n```\n',
    });
  });

  test("the list says each by its full name, in a line, and what it leaves out", () => {
    const one = skillOf("---\ndescription: |\n  two\n  lines\u0007 x\n---\nbody", "weather");
    if (one === null) throw new Error("it is no skill");
    expect(skillList("openclaw", [one])).toEndWith("\n- openclaw:weather: two lines x");
    const many = Array.from({ length: 200 }, (_, at) => ({ name: `s${at}`, description: "d".repeat(250) }));
    const list = skillList("openclaw", many);
    expect(list.length).toBeLessThan(17_000);
    expect(list).toMatch(/\(and \d+ more that are not listed\)$/);
  });

  test.each([
    ["plain words", "My Skill", "my-skill", "The skill my-skill."],
    ["---\ndescription: |\n  two\n  lines\nname: x\n---\n", "f", "x", "two lines"],
    ["---\r\nname: ../../up\r\ndescription: d\r\n---\r\nbody", "f", "up", "d"],
    ['---\nname: "$(touch x)"\n---\nb', "f", "touch-x", "The skill touch-x."],
    ["---\nname: 天気\n---\nb", "weather", "weather", "The skill weather."],
  ])("%p in %s is called %s", (source, folder, name, description) => {
    const skill = skillOf(source, folder);
    expect(skill?.name).toBe(name);
    expect(skill?.text).toContain(`description: ${JSON.stringify(description)}\n`);
  });

  test.each([
    ["", "a"],
    ["  \n", "a"],
    ["x".repeat(300_000), "a"],
    ["b", "…"],
  ])("%#: nothing usable", (source, folder) => expect(skillOf(source, folder)).toBeNull());
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function world() {
  const root = mkdtempSync(join(tmpdir(), "clawgate-skills-"));
  folders.push(root);
  const warnings: string[] = [];
  const plugins = createSkillPlugins({
    skillsDirectory: () => join(root, "skills"),
    pluginsDirectory: join(root, "plugins"),
    sharedFolder: createSharedFolder(join(root, "open"), () => Promise.resolve()),
    warn: (message) => void warnings.push(message),
  });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, "skills", path)), { recursive: true });
    writeFileSync(join(root, "skills", path), text);
  };
  return { root, warnings, plugins, write };
}

describe("the plugin folder", () => {
  test("holds the tenant's skills in the layout that the program loads, and no other tenant's", async () => {
    const { plugins, write, warnings } = world();
    write("alice/github/SKILL.md", "---\nname: github\ndescription: d\n---\nwords");
    write("alice/github/more/page.md", "page");
    write("alice/notes/README.md", "no skill");
    write("alice/loose.md", "no skill");
    write("bob/secret/SKILL.md", "---\nname: secret\n---\nwords");
    const path = (await plugins.of("alice"))?.path ?? "";
    expect(JSON.parse(readFileSync(join(path, ".claude-plugin", "plugin.json"), "utf8"))).toEqual({
      name: "openclaw",
      version: "1.0.0",
      description: "Skills of alice",
    });
    expect(readdirSync(join(path, "skills"))).toEqual(["github"]);
    expect(readFileSync(join(path, "skills/github/SKILL.md"), "utf8")).toContain("words");
    expect(readFileSync(join(path, "skills/github/more/page.md"), "utf8")).toBe("page");
    expect(warnings).toEqual([]);
  });

  test("is the same while nothing changes, another after a change, and the one in use stays one more time", async () => {
    const { plugins, write } = world();
    write("alice/a/SKILL.md", "one");
    const [first, again] = await Promise.all([plugins.of("alice"), plugins.of("alice")]);
    expect(again).toBe(first);
    expect(await plugins.of("alice")).toBe(first);
    write("alice/b/SKILL.md", "two");
    const second = await plugins.of("alice");
    expect([second === first, existsSync(first?.path ?? "")]).toEqual([false, true]);
    write("alice/b/SKILL.md", "three words");
    const third = await plugins.of("alice");
    expect([
      existsSync(first?.path ?? ""),
      existsSync(second?.path ?? ""),
      existsSync(third?.path ?? ""),
    ]).toEqual([false, true, true]);
  });

  test("links, devices and too much are left out, each with one warning", async () => {
    const { root, plugins, write, warnings } = world();
    write("alice/good/SKILL.md", "words");
    write("alice/linked/SKILL.md", "words");
    symlinkSync("/etc/passwd", join(root, "skills/alice/linked/leak.md"));
    symlinkSync("/etc", join(root, "skills/alice/whole"));
    write("alice/large/SKILL.md", "words");
    write("alice/large/data", "x".repeat(2 * 1024 * 1024));
    write("alice/deep/1/2/3/4/5/SKILL.md", "words");
    const path = (await plugins.of("alice"))?.path ?? "";
    await plugins.of("alice");
    expect(readdirSync(join(path, "skills"))).toEqual(["good"]);
    expect(warnings.toSorted()).toEqual([
      "skills of alice: deep is left out, its folders are nested too deeply",
      "skills of alice: large is left out, it is too large",
      "skills of alice: linked is left out, it holds a link or a device",
      "skills of alice: whole is left out, it is a link",
    ]);
  });

  test("who has none gets none", async () => {
    const { root, plugins, write } = world();
    write("alice/a/SKILL.md", " ");
    mkdirSync(join(root, "skills", "empty"));
    symlinkSync("alice", join(root, "skills", "eve"));
    for (const tenant of ["alice", "empty", "eve", "nobody", "../skills/alice", "..", ""])
      expect(await plugins.of(tenant)).toBeNull();
  });
});
