// Editing the config file on the whole app with a real file: what is shown, checked, written, kept and taken back, and by whom.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createConfigEditor } from "../../../src/app/config-port.ts";
import { createConfigSource } from "../../../src/app/config-source.ts";
import { redact } from "../../../src/canon/redact.ts";
import type { LoadedConfig } from "../../../src/config/load.ts";
import { changesBetween, needsRestart, type ReloadReport } from "../../../src/config/changes.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

const newKey = {
  do: "add",
  tenant: "alice",
  key: { key: `sha256:${"ab".repeat(32)}`, created: "2026-11-01" },
} as const;

const first = `# The gateway of the place
providers:
  one: { backend: demo } # never remove
auth: { admin_key: admin-key-0123456789 }
`;

async function open(
  text: string | null = first,
  more: { flags?: { port?: number }; place?: (dir: string) => string } = {},
) {
  const dir = cleanups.folder("clawgate-editor-");
  const path = more.place?.(dir) ?? join(dir, "config.yaml");
  if (text !== null) writeFileSync(path, text, { mode: 0o640 });
  const source = createConfigSource(
    {
      argvConfigPath: text === null ? undefined : path,
      environment: { HOME: dir },
      workingDirectory: join(dir, "."),
      homeDirectory: dir,
      readFile: (each) => (existsSync(each) ? readFileSync(each, "utf8") : null),
      isDemo: text === null,
      ...(more.flags === undefined ? {} : { flags: more.flags }),
    },
    systemClock,
  );
  const started = await source.load();
  let active: LoadedConfig = started;
  const reloads: string[] = [];
  const editor = createConfigEditor({
    active: () => active,
    source,
    started,
    redact,
    secrets: () => [],
    async reload(): Promise<ReloadReport> {
      const before = active;
      active = await source.load();
      reloads.push(active.config.default_model ?? "");
      return {
        ok: true,
        reason: "api",
        config: path,
        changed: changesBetween(before, active),
        needsRestart: needsRestart(started, active),
        notices: [],
        error: null,
      };
    },
  });
  const shown = async () => {
    const file = await editor.file();
    if (file?.text == null || file.etag === null) throw new Error(file?.problem ?? "there is no file");
    return { ...file, text: file.text, etag: file.etag };
  };
  return { dir, path, editor, shown, reloads, onDisk: () => readFileSync(path, "utf8") };
}

/** The status and the word of a Conflict. */
const refusalOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no conflict",
    (thrown: { status: number; code: string }) => [thrown.status, thrown.code],
  );

describe("saving", () => {
  test("replaces the file as a whole: comments, secrets and mode stay, the old one is kept, and it is in force", async () => {
    const { path, editor, shown, reloads, onDisk } = await open();
    const { text, etag, writable, problem, backups } = await shown();
    expect({ writable, problem, backups }).toEqual({ writable: true, problem: null, backups: 0 });
    expect(text).not.toContain("admin-key");
    const report = await editor.save(`${text}default_model: one # by hand\n`, etag);
    expect(report).toMatchObject({ ok: true, needs_restart: [], isWritten: true });
    expect(report.diff).toContain("+default_model: one # by hand");
    expect(report.diff).not.toContain("admin-key");
    expect(onDisk()).toBe(`${first}default_model: one # by hand\n`);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect([readFileSync(`${path}.bak`, "utf8"), statSync(`${path}.bak`).mode & 0o777]).toEqual([
      first,
      0o640,
    ]);
    expect(reloads).toEqual(["one"]);
    const next = await shown();
    expect(next.etag).toBe(report.etag);
    expect(next.etag).not.toBe(etag);
    expect(await editor.save(next.text, next.etag)).toMatchObject({ ok: true, isWritten: false, diff: "" });
    expect(reloads).toEqual(["one"]);
  });

  test("is refused when the file changed in between, and of two at once one wins", async () => {
    const { path, editor, shown, onDisk } = await open();
    const { text, etag } = await shown();
    const both = await Promise.allSettled([
      editor.save(`${text}default_model: one\n`, etag),
      editor.save(`${text}aliases: { a: one }\n`, etag),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    writeFileSync(path, `${first}# by another hand\n`);
    expect(await refusalOf(editor.save(text, etag))).toEqual([412, "config_changed"]);
    expect(onDisk()).toBe(`${first}# by another hand\n`);
  });

  test.each([
    ["no YAML", (text: string) => `${text}  - [`, 5],
    ["an unknown key", (text: string) => `${text}nothing: 1\n`, 5],
    ["a wrong value in the middle", (text: string) => text.replace("demo }", "demo, weight: x }"), 3],
    ["a duplicate", (text: string) => `${text}providers: {}\n`, 5],
    ["an alias of nothing", (text: string) => `${text}default_model: *gone\n`, 5],
    ["empty", () => " \n", null],
    ["no map", () => "- 1\n", 1],
    [
      "a placeholder elsewhere",
      (text: string) => text.replace("admin_key", "keys").replace(/"(\*[^"]*)"/, '["$1"]'),
      4,
    ],
  ])("%s: nothing is written, and the line is named", async (_name, edit, line) => {
    const { dir, editor, shown, onDisk, reloads } = await open();
    const { text, etag } = await shown();
    const checked = await editor.check(edit(text));
    const saved = await editor.save(edit(text), etag);
    for (const { ok, problems } of [checked, saved]) {
      expect(ok).toBe(false);
      expect(problems.filter(({ severity }) => severity === "error").map((each) => each.line)).toContain(
        line,
      );
    }
    expect([onDisk(), reloads, readdirSync(dir).filter((each) => each.includes("bak"))]).toEqual([
      first,
      [],
      [],
    ]);
  });

  test("tells what needs a restart, and what a flag overrides", async () => {
    const { editor, shown } = await open(`${first}server: { port: 8090 }\n`, { flags: { port: 8111 } });
    const { text } = await shown();
    const report = await editor.check(text.replace("8090 }", "8099, host: '::1' }"));
    expect(report.needs_restart).toEqual(["server.host"]);
    expect(report.problems).toContainEqual({
      path: "server.port",
      line: 5,
      message: "has no effect: --port overrides it",
      severity: "warning",
    });
  });

  test("CRLF and the mark at the start outlive a browser's text field", async () => {
    const crlf = `\uFEFF${first.replaceAll("\n", "\r\n")}`;
    const { editor, shown, onDisk } = await open(crlf);
    const { text, etag } = await shown();
    const typed = text.replaceAll("\r\n", "\n").slice(1);
    expect((await editor.check(typed)).diff).toBe("");
    await editor.save(`${typed}default_model: one\n`, etag);
    expect(onDisk()).toBe(`${crlf}default_model: one\r\n`);
  });
});

test("a change that is not typed keeps line ends and comments, and gives nothing to a broken file", async () => {
  const crlf = first.replaceAll("\n", "\r\n");
  const { path, editor, onDisk } = await open(
    crlf.replace(
      "auth:",
      "tenants:\r\n  - name: alice # the owner\r\n    api_key: alice-key-0123456789\r\nauth:",
    ),
  );
  const before = onDisk();
  const add = (): Promise<unknown> => editor.changeKeys(() => [newKey]);
  expect(await add()).toMatchObject({ ok: true, isWritten: true });
  const lines = onDisk().split("\r\n");
  expect(onDisk().replaceAll("\r\n", "")).not.toContain("\n");
  expect(lines.filter((line) => !before.split("\r\n").includes(line)).join(" ")).toContain("sha256:abab");
  expect(lines.filter((line) => line.includes("#"))).toEqual(
    before.split("\r\n").filter((line) => line.includes("#")),
  );
  writeFileSync(path, "nothing: 1\n");
  expect(await refusalOf(add())).toEqual([409, "config_invalid"]);
  expect(onDisk()).toBe("nothing: 1\n");
});

describe("going back", () => {
  test("takes back one version after the other, and loses nothing", async () => {
    const { path, editor, shown, onDisk, reloads } = await open();
    const versions = [first];
    for (const model of ["a", "b", "c", "d", "e", "f", "g"]) {
      const { text, etag } = await shown();
      await editor.save(`${text}aliases: { ${model}: one }\n`.replace(/aliases.*\n(?=aliases)/, ""), etag);
      versions.push(onDisk());
    }
    expect((await shown()).backups).toBe(5);
    expect(existsSync(`${path}.bak.6`)).toBe(false);
    for (const version of versions.slice(2, -1).toReversed()) {
      const now = onDisk();
      expect(await editor.undo(null)).toMatchObject({ ok: true, isWritten: true });
      expect([onDisk(), readFileSync(`${path}.undone`, "utf8")]).toEqual([version, now]);
    }
    expect(await refusalOf(editor.undo(null))).toEqual([409, "no_backup"]);
    expect(reloads.length).toBe(12);
  });

  test("a gap that a failed write left among the versions costs none of them", async () => {
    const { path, editor, shown } = await open();
    for (const at of [2, 3, 5]) writeFileSync(`${path}.bak.${at}`, `${first}# ${at}\n`);
    const { text, etag } = await shown();
    await editor.save(`${text}default_model: one\n`, etag);
    const kept = [".bak", ".bak.2", ".bak.3", ".bak.5"].map((end) => readFileSync(`${path}${end}`, "utf8"));
    expect(kept).toEqual([first, `${first}# 2\n`, `${first}# 3\n`, `${first}# 5\n`]);
  });

  test("only to a version that is valid, and only from the version that was seen", async () => {
    const { path, editor, shown, onDisk } = await open();
    const { etag } = await shown();
    writeFileSync(`${path}.bak`, "nothing: 1\n");
    expect(await editor.undo(null)).toMatchObject({ ok: false, isWritten: false });
    writeFileSync(`${path}.bak`, "providers: { two: { backend: demo } }\n");
    expect(await refusalOf(editor.undo('"another"'))).toEqual([412, "config_changed"]);
    expect(await editor.undo(etag)).toMatchObject({ ok: true });
    expect(onDisk()).toContain("two");
  });

  test("from a file that is no YAML any more", async () => {
    const { path, editor, shown, onDisk } = await open();
    const { text, etag } = await shown();
    await editor.save(`${text}default_model: one\n`, etag);
    writeFileSync(path, "providers: [sk-secret-0123456789");
    const file = await editor.file();
    expect([file?.text, file?.problem]).toEqual([null, expect.stringContaining("not YAML")]);
    expect(await editor.undo(null)).toMatchObject({ ok: true, diff: "" });
    expect(onDisk()).toBe(first);
  });
});

describe("the file", () => {
  test("behind a link of the operator's own stays where it is", async () => {
    const { dir, path, editor, shown } = await open(first, {
      place(folder) {
        mkdirSync(join(folder, "real"));
        symlinkSync("real/own.yaml", join(folder, "config.yaml"));
        return join(folder, "config.yaml");
      },
    });
    const { text, etag } = await shown();
    await editor.save(`${text}default_model: one\n`, etag);
    expect(readdirSync(join(dir, "real")).toSorted()).toEqual(["own.yaml", "own.yaml.bak"]);
    expect(readFileSync(join(dir, "real", "own.yaml"), "utf8")).toContain("default_model");
    expect(readdirSync(dir).filter((each) => each.startsWith("config.yaml"))).toEqual(["config.yaml"]);
    await editor.undo(null);
    expect(readFileSync(path, "utf8")).toBe(first);
  });

  test("that is gone, no text, too large or a folder is told, and nothing is written", async () => {
    const { path, editor, shown } = await open();
    const { text, etag } = await shown();
    const trouble = async (): Promise<unknown> => [
      (await editor.file())?.text ?? null,
      (await editor.file())?.writable,
      await refusalOf(editor.save(text, etag)),
    ];
    const unreadable = [null, false, [409, "config_unreadable"]];
    renameSync(path, `${path}.away`);
    expect(await trouble()).toEqual(unreadable);
    writeFileSync(path, new Uint8Array([0xff, 0xfe, 0x61]));
    expect(await trouble()).toEqual(unreadable);
    writeFileSync(path, `#${"x".repeat(600_000)}`);
    expect(await trouble()).toEqual(unreadable);
    renameSync(path, `${path}.large`);
    mkdirSync(path);
    expect(await trouble()).toEqual(unreadable);
  });

  test("that is marked read-only is shown, and neither written nor taken back", async () => {
    const { path, editor, shown, onDisk } = await open(
      `${first}tenants: [{ name: alice, api_key: alice-key-0123456789 }]\n`,
    );
    const { text, etag } = await shown();
    await editor.save(`${text}default_model: one\n`, etag);
    chmodSync(path, 0o444);
    const now = await shown();
    expect([now.writable, now.problem]).toEqual([false, expect.stringContaining("read-only")]);
    const before = onDisk();
    for (const work of [editor.save(text, now.etag), editor.undo(null), editor.changeKeys(() => [newKey])])
      expect(await refusalOf(work)).toEqual([409, "config_not_writable"]);
    expect(onDisk()).toBe(before);
  });

  test("is absent when the gateway runs with what it found", async () => {
    const { editor } = await open(null);
    expect(await editor.file()).toBeNull();
    expect(await refusalOf(editor.check("a: 1"))).toEqual([409, "no_config_file"]);
  });
});
