// Skills of a tenant and of its instance brought together: who changed what, what is refused, and what is left after a kill.

import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cleanSkills,
  type SkillSyncOptions,
  localSkills,
  syncSkills,
} from "../../src/openclaw/skill-sync.ts";
import { type FakeContainer, fakeContainer, skillText, treeIn, writeTree } from "./skill-fixtures.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

type Kind = "local" | "container";
type World = {
  readonly folder: string;
  /** The instance's first folder of skills, on this machine. */
  readonly there: string;
  /** Its state directory, or what is the container's root. */
  readonly home: string;
  readonly box: FakeContainer;
  sync(mode: SkillSyncOptions["mode"], more?: Partial<SkillSyncOptions>): ReturnType<typeof syncSkills>;
};

function world(kind: Kind): World {
  const root = mkdtempSync(join(tmpdir(), "clawgate-skills-"));
  folders.push(root);
  const folder = join(root, "skills", "alice");
  const home = join(root, "instance");
  const state = kind === "local" ? home : join(home, "state");
  mkdirSync(folder, { recursive: true });
  mkdirSync(state, { recursive: true });
  const box = fakeContainer(home, "box");
  return {
    folder,
    home,
    there: join(state, "workspace", "skills"),
    box,
    sync: (mode, more = {}) =>
      syncSkills({
        folder,
        instance: kind === "local" ? { container: null, home } : { container: "box", home: "/state" },
        docker: box.docker,
        mode,
        ...more,
      }),
  };
}

const states = (report: Awaited<ReturnType<typeof syncSkills>>): readonly string[] =>
  report.rows.map(({ skill, relation, action, done }) => `${skill} ${relation} ${action} ${done}`);
const weather = { "weather/SKILL.md": skillText("weather"), "weather/data/towns.txt": "Bern\n" };

describe.each(["local", "container"] as const)("an instance that is %s", (kind) => {
  test("a pull brings new skills whole, with their modes, and a second one finds nothing to do", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, { ...weather, "weather/run.sh": "#!/bin/sh\n" });
    chmodSync(join(there, "weather", "run.sh"), 0o755);
    const first = await sync("pull");
    expect(states(first)).toEqual(["weather only-there pull true"]);
    expect(first.rows[0]?.risks).toEqual(["1 file that can be run"]);
    expect(treeIn(join(folder, "weather"))).toEqual(treeIn(join(there, "weather")));
    expect(states(await sync("bisync"))).toEqual(["weather same none false"]);
  });

  test("a push does the same the other way", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(folder, weather);
    expect(states(await sync("push"))).toEqual(["weather only-here push true"]);
    expect(treeIn(there)).toEqual(weather);
    writeFileSync(join(folder, "weather", "SKILL.md"), skillText("weather", "Newer.\n"));
    rmSync(join(folder, "weather", "data"), { recursive: true });
    expect(states(await sync("push"))).toEqual(["weather changed-here push true"]);
    expect(treeIn(there)).toEqual({ "weather/SKILL.md": skillText("weather", "Newer.\n") });
  });

  test("bisync takes each change to the other side", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, { ...weather, "notes/SKILL.md": skillText("notes") });
    await sync("pull");
    writeTree(folder, { "weather/SKILL.md": skillText("weather", "Changed here.\n") });
    writeTree(there, { "notes/SKILL.md": skillText("notes", "Changed there.\n") });
    expect(states(await sync("bisync"))).toEqual([
      "notes changed-there pull true",
      "weather changed-here push true",
    ]);
    expect(treeIn(there)).toEqual({
      ...weather,
      "weather/SKILL.md": skillText("weather", "Changed here.\n"),
      "notes/SKILL.md": skillText("notes", "Changed there.\n"),
    });
    expect(treeIn(join(folder, "notes"))).toEqual(treeIn(join(there, "notes")));
  });

  test("changed on both sides: neither is overwritten until somebody says whose counts", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, weather);
    await sync("pull");
    writeTree(folder, { "weather/SKILL.md": "mine" });
    writeTree(there, { "weather/SKILL.md": "theirs" });
    for (const mode of ["pull", "push", "bisync"] as const)
      expect(states(await sync(mode))).toEqual(["weather conflict conflict false"]);
    expect(readFileSync(join(folder, "weather", "SKILL.md"), "utf8")).toBe("mine");
    expect(readFileSync(join(there, "weather", "SKILL.md"), "utf8")).toBe("theirs");
    expect(states(await sync("bisync", { preference: "push" }))).toEqual(["weather conflict push true"]);
    expect(readFileSync(join(there, "weather", "SKILL.md"), "utf8")).toBe("mine");
  });

  test("never synced and different is a conflict as well", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, weather);
    writeTree(folder, { "weather/SKILL.md": "mine" });
    expect(states(await sync("bisync"))).toEqual(["weather conflict conflict false"]);
    expect(states(await sync("bisync", { preference: "pull" }))).toEqual(["weather conflict pull true"]);
    expect(treeIn(join(folder, "weather"))).toEqual(treeIn(join(there, "weather")));
  });

  test("what one side removed is neither deleted nor brought back by itself", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, { ...weather, "notes/SKILL.md": skillText("notes") });
    await sync("pull");
    rmSync(join(folder, "weather"), { recursive: true });
    rmSync(join(there, "notes"), { recursive: true });
    expect(states(await sync("bisync"))).toEqual([
      "notes removed-there none false",
      "weather removed-here none false",
    ]);
    expect(existsSync(join(folder, "notes", "SKILL.md"))).toBe(true);
    await sync("bisync", { preference: "pull" });
    expect(treeIn(join(folder, "weather"))).toEqual(treeIn(join(there, "weather")));
  });

  test("a dry run changes nothing", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, weather);
    expect(states(await sync("pull", { isDryRun: true }))).toEqual(["weather only-there pull true"]);
    expect(treeIn(folder)).toEqual({});
  });

  test("links are refused by name and never read or replaced; the others go on", async () => {
    const { folder, there, sync } = world(kind);
    writeTree(there, { ...weather, "evil/SKILL.md": skillText("evil") });
    symlinkSync("/etc/passwd", join(there, "evil", "passwords"));
    symlinkSync("/etc", join(there, "etc"));
    writeTree(folder, { "weather2/SKILL.md": skillText("weather2") });
    symlinkSync("/etc", join(folder, "weather3"));
    const report = await sync("bisync");
    expect(states(report)).toEqual(["weather only-there pull true", "weather2 only-here push true"]);
    expect(report.refused.map(({ name, side }) => `${side} ${name}`)).toEqual([
      "here weather3",
      "there etc",
      "there evil",
    ]);
    expect(JSON.stringify(report.refused)).toContain("passwords is a link or a device");
    expect(existsSync(join(folder, "evil"))).toBe(false);
    expect(existsSync(join(there, "weather3"))).toBe(false);
  });

  test("a kill at any step of a pull or push leaves the old skill or the new one, and the next run ends it", async () => {
    for (const mode of ["pull", "push"] as const) {
      for (let at = 1; ; at++) {
        const { folder, there, home, sync } = world(kind);
        const [from, to] = mode === "pull" ? [there, folder] : [folder, there];
        const before = { "weather/SKILL.md": "old", "weather/gone.txt": "old" };
        writeTree(from, before);
        await sync(mode);
        rmSync(join(from, "weather"), { recursive: true });
        writeTree(from, weather);
        const child = join(import.meta.dir, "skill-sync-child.ts");
        const killed = Bun.spawnSync([process.execPath, child, folder, home, kind, mode, String(at)]);
        const seen = existsSync(join(to, "weather")) ? treeIn(join(to, "weather")) : null;
        const inFolder = (files: Record<string, string>) =>
          Object.fromEntries(
            Object.entries(files).map(([path, text]) => [path.slice("weather/".length), text]),
          );
        // Between two renames it is nowhere to be seen, and set aside whole.
        if (seen !== null) expect([inFolder(before), inFolder(weather)]).toContainEqual(seen);
        expect(treeIn(join(from, "weather"))).toEqual(inFolder(weather));
        expect((await sync(mode)).rows.map(({ error }) => error)).toEqual([null]);
        expect(treeIn(join(to, "weather"))).toEqual(inFolder(weather));
        expect(Object.keys(treeIn(to)).filter((path) => /new--|old--/.test(path))).toEqual([]);
        if (killed.exitCode === 0) {
          expect(at).toBeGreaterThan(4);
          break;
        }
      }
    }
  }, 60_000);
});

describe("what an instance may send", () => {
  test.each([["a hard link"], ["a FIFO"]])("%s is refused", async (kind) => {
    const { there, sync, folder } = world("container");
    writeTree(there, weather);
    const path = join(there, "weather", "odd");
    const words = kind === "a FIFO" ? ["mkfifo", path] : ["ln", join(there, "weather", "SKILL.md"), path];
    expect(Bun.spawnSync(words).exitCode).toBe(0);
    const report = await sync("pull");
    expect(report.refused[0]?.why).toContain("is a link or a device");
    expect(Object.keys(treeIn(folder)).filter((each) => each.startsWith("weather"))).toEqual([]);
  });

  test("a path that leads out, an archive that is cut, damaged or none: nothing is written", async () => {
    const { folder, there, sync, box } = world("container");
    writeTree(there, weather);
    const sent = (name: string): Uint8Array => {
      const made = Bun.spawnSync([
        "tar",
        "-cf",
        "-",
        "--transform",
        `s,^skills/weather/data,${name},`,
        "-P",
        "-C",
        join(there, ".."),
        "skills",
      ]);
      return made.stdout;
    };
    const answers: readonly Uint8Array[] = [
      sent("skills/weather/../../out"),
      sent("/skills/weather"),
      sent("skills/weather").subarray(0, 1200),
      new TextEncoder().encode("no archive".repeat(100)),
      new Uint8Array(),
    ];
    for (const answer of answers) {
      box.intercept = (args) =>
        args[0] === "cp" && args[1]?.endsWith("workspace/skills") ? { code: 0, stdout: answer } : null;
      const outcome = await sync("pull").then(
        (report) => ({ refused: report.refused.length, pulled: report.rows.length }),
        (error: unknown) => ({ problem: error instanceof Error ? error.name : "?" }),
      );
      expect([{ refused: 1, pulled: 0 }, { problem: "SkillProblem" }]).toContainEqual(outcome);
      expect(Object.keys(treeIn(folder)).filter((path) => !path.startsWith(".clawgate"))).toEqual([]);
    }
  });

  test("docker that does not answer, or says no, is named; names that are flags reach nobody", async () => {
    const { sync, box } = world("container");
    box.intercept = () => ({ code: 1, stderr: "permission denied\n" });
    await expect(sync("pull")).rejects.toThrow("box:/state/workspace/skills: permission denied");
    const asked = box.asked.length;
    await expect(sync("pull", { instance: { container: "--privileged", home: "/state" } })).rejects.toThrow(
      "is not a valid container name",
    );
    expect(box.asked.length).toBe(asked);
  });

  test("names that are no names, too many bytes, names that differ in case only", async () => {
    const { there, sync } = world("local");
    for (const name of ["CON", "with space", "-rf"]) writeTree(there, { [`${name}/SKILL.md`]: "x" });
    writeTree(there, {
      "big/SKILL.md": "x".repeat(3 * 1024 * 1024),
      "bare/README.md": "x",
      "Weather/SKILL.md": "a",
      "weather/SKILL.md": "b",
    });
    const report = await sync("pull");
    expect(report.rows.map(({ skill }) => skill)).toEqual(["Weather"]);
    expect(report.refused.map(({ name }) => name).toSorted()).toEqual([
      "-rf",
      "CON",
      "bare",
      "big",
      "weather",
      "with space",
    ]);
  });
});

describe("beside the sync", () => {
  test("the folder swapped for a link between look and write: nothing is written through it", async () => {
    const { folder, there, home, sync } = world("local");
    writeTree(there, weather);
    const outside = join(home, "outside");
    mkdirSync(outside);
    await sync("pull", {
      onStep(step) {
        if (step !== "put in place") return;
        rmSync(folder, { recursive: true });
        symlinkSync(outside, folder);
      },
    }).catch((error: unknown) => expect(error).toBeInstanceOf(Error));
    expect(Object.keys(treeIn(outside)).filter((path) => path.startsWith("weather"))).toEqual([]);
  });

  test("what changes during the sync is not overwritten", async () => {
    const { folder, there, sync } = world("local");
    writeTree(there, weather);
    await sync("pull");
    writeTree(there, { "weather/SKILL.md": "newer" });
    const report = await sync("pull", {
      onStep: (step) => step === "write SKILL.md" && writeTree(folder, { "weather/SKILL.md": "just now" }),
    });
    expect(report.rows[0]?.error).toContain("was changed in");
    expect(readFileSync(join(folder, "weather", "SKILL.md"), "utf8")).toBe("just now");
  });

  test("hooks and ! commands are told", async () => {
    const { there, sync } = world("local");
    writeTree(there, {
      "odd/SKILL.md": "---\nname: odd\nhooks:\n  Stop: []\n---\nNow !`rm -rf x` runs.\n```!\nls\n```\n",
    });
    expect((await sync("pull")).rows[0]?.risks).toEqual([
      "it sets hooks",
      "2 commands marked ! to run when it is read",
    ]);
  });

  test("one command at a time; a lock of a dead process is no lock", async () => {
    const { folder, there, sync } = world("local");
    writeTree(there, weather);
    writeTree(folder, { ".clawgate/lock": String(process.pid) });
    await expect(sync("pull")).rejects.toThrow("another command");
    writeTree(folder, { ".clawgate/lock": "999999999" });
    expect((await sync("pull")).rows[0]?.done).toBe(true);
  });

  test("clean removes what the instance has, and keeps what was changed here", async () => {
    const { folder, there, sync } = world("local");
    writeTree(there, { ...weather, "notes/SKILL.md": skillText("notes") });
    await sync("pull");
    writeTree(folder, { "notes/SKILL.md": "mine", "own/SKILL.md": skillText("own") });
    expect(await cleanSkills({ folder, isAll: false, isDryRun: true })).toEqual({
      removed: ["weather"],
      kept: ["notes", "own"],
    });
    expect(await cleanSkills({ folder, isAll: false, isDryRun: false })).toEqual({
      removed: ["weather"],
      kept: ["notes", "own"],
    });
    expect([...(await localSkills(folder)).skills.keys()]).toEqual(["notes", "own"]);
    expect((await cleanSkills({ folder, isAll: true, isDryRun: false })).removed).toEqual(["notes", "own"]);
  });

  test("what is read from a lower folder goes back to it", async () => {
    const { folder, there, home, sync } = world("local");
    writeTree(home, { "skills/weather/SKILL.md": skillText("weather") });
    await sync("pull");
    writeTree(folder, { "weather/SKILL.md": "mine" });
    await sync("push");
    expect(readFileSync(join(home, "skills", "weather", "SKILL.md"), "utf8")).toBe("mine");
    expect(existsSync(join(there, "weather"))).toBe(false);
  });
});
