// Several files changed together: fault points, races and the way back.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyChanges, type FileChange, keptText, undoLast } from "../../src/openclaw/applied-changes.ts";
import { type FileAccess, hostFileAccessFor, type LocatedFile } from "../../src/openclaw/file-access.ts";

const hostPlace = hostFileAccessFor({ kind: "openclaw" });

let dir: string;
let folder: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-files-"));
  folder = join(dir, "setup");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function changes(): FileChange[] {
  const paths = ["one", "two", "three"].map((name) => join(dir, name));
  for (const path of paths.slice(0, 2)) writeFileSync(path, `before ${path}`, { mode: 0o640 });
  return paths.map((path, index) => ({
    path,
    kind: "env",
    before: index < 2 ? `before ${path}` : null,
    after: `after ${path}`,
  }));
}

const contents = (all: readonly FileChange[]) =>
  all.map(({ path }) => (existsSync(path) ? readFileSync(path, "utf8") : null));

test("written, and every byte and mode is given back", async () => {
  const all = changes();
  await applyChanges({ changes: all, folder, id: "1" });
  expect(contents(all)).toEqual(all.map(({ after }) => after));
  expect(statSync(all[0]?.path ?? "").mode & 0o777).toBe(0o640);
  expect(statSync(all[2]?.path ?? "").mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const undone = await undoLast(folder, () => "never asked");
  expect(undone?.map(({ how }) => how)).toEqual(["removed", "restored", "restored"]);
  expect(contents(all)).toEqual(all.map(({ before }) => before));
  expect(statSync(all[0]?.path ?? "").mode & 0o777).toBe(0o640);
  expect(readdirSync(folder)).toEqual(["manifest.json"]);
  expect(await undoLast(folder, () => "")).toBeNull();
});

test("a file that others changed since loses only what the caller takes out", async () => {
  const all = changes();
  await applyChanges({ changes: all, folder, id: "1" });
  writeFileSync(all[0]?.path ?? "", "mine");
  rmSync(all[1]?.path ?? "");
  const undone = await undoLast(folder, (text, { before }) => `${text}, before: ${before}`);
  expect(undone?.map(({ how }) => how)).toEqual(["removed", "unchanged", "our keys taken out"]);
  expect(contents(all)).toEqual([`mine, before: ${all[0]?.before}`, null, null]);
});

test("a file that changed since it was read stops everything", async () => {
  const all = changes();
  writeFileSync(all[1]?.path ?? "", "mine");
  await expect(applyChanges({ changes: all, folder, id: "1" })).rejects.toThrow("changed by another program");
  expect(contents(all)).toEqual([all[0]?.before ?? null, "mine", null]);
});

test.each([0, 1, 2])("a disk that fails at replacement %d: everything is as before", async (at) => {
  const all = changes();
  let count = 0;
  const failing: FileAccess = {
    ...hostPlace,
    async replace(path, text) {
      if (count++ === at) throw Object.assign(new Error("full"), { code: "ENOSPC" });
      await hostPlace.replace(path, text);
    },
  };
  await expect(applyChanges({ changes: all, folder, id: "1", accessFor: () => failing })).rejects.toThrow(
    "(ENOSPC); nothing was changed",
  );
  expect(contents(all)).toEqual(all.map(({ before }) => before));
  expect(await undoLast(folder, () => "")).toBeNull();
});

test.each([0, 1, 2, 3])("killed after %d replacements: --undo gives all of it back", async (survivors) => {
  const all = changes();
  const script = join(dir, "killed.ts");
  const source = join(import.meta.dir, "..", "..", "src");
  writeFileSync(
    script,
    `import { applyChanges } from ${JSON.stringify(join(source, "openclaw", "applied-changes.ts"))};
import { hostFileAccessFor } from ${JSON.stringify(join(source, "openclaw", "file-access.ts"))};
const hostFileAccess = hostFileAccessFor({ kind: "openclaw" });
let count = 0;
const place = {
  ...hostFileAccess,
  async replace(path, text) {
    if (count++ === ${survivors}) process.kill(process.pid, "SIGKILL");
    await hostFileAccess.replace(path, text);
  },
};
await applyChanges({
  changes: ${JSON.stringify(all)},
  folder: ${JSON.stringify(folder)},
  id: "1",
  accessFor: () => place,
});
process.kill(process.pid, "SIGKILL");
`,
  );
  const child = Bun.spawnSync([process.execPath, script], { timeout: 10_000 });
  expect(child.signalCode).toBe("SIGKILL");
  expect(contents(all)).toEqual(all.map(({ before, after }, index) => (index < survivors ? after : before)));
  expect(await undoLast(folder, () => "never asked")).not.toBeNull();
  expect(contents(all)).toEqual(all.map(({ before }) => before));
});

test("a folder in whose place a file stands: nothing changes", async () => {
  const all = changes();
  const blocked = {
    path: join(all[0]?.path ?? "", "inside"),
    kind: "env",
    before: null,
    after: "x",
  } as const;
  await expect(applyChanges({ changes: [...all, blocked], folder, id: "1" })).rejects.toThrow(
    "nothing was changed",
  );
  expect(contents(all)).toEqual(all.map(({ before }) => before));
});

test("a file that OpenClaw writes while the others are replaced keeps what it wrote, and the others go back", async () => {
  const all = changes();
  let count = 0;
  const racing: FileAccess = {
    ...hostPlace,
    async replace(path, text) {
      await hostPlace.replace(path, text);
      if (count++ === 0) writeFileSync(all[1]?.path ?? "", "written meanwhile");
    },
  };
  await expect(applyChanges({ changes: all, folder, id: "1", accessFor: () => racing })).rejects.toThrow(
    "changed by another program",
  );
  expect(contents(all)).toEqual([all[0]?.before ?? null, "written meanwhile", null]);
  expect(await undoLast(folder, () => "")).toBeNull();
});

test.each([
  ["the file", "state/file"],
  ["its folder", "state"],
])(
  "%s swapped for a link between the last look and the writing: refused by name, nothing behind it is touched",
  async (_name, swapped) => {
    mkdirSync(join(dir, "state"));
    mkdirSync(join(dir, "victim"));
    writeFileSync(join(dir, "victim", "file"), "kept");
    const path = join(dir, "state", "file");
    writeFileSync(path, "old");
    const change = { path, kind: "env", below: dir, before: "old", after: "new" } as const;
    const accessFor = (file: LocatedFile): FileAccess => {
      const place = hostFileAccessFor(file);
      return {
        ...place,
        async replace(each, text) {
          rmSync(join(dir, swapped), { recursive: true });
          symlinkSync(join(dir, swapped === "state" ? "victim" : "victim/file"), join(dir, swapped));
          await place.replace(each, text);
        },
      };
    };
    await expect(applyChanges({ changes: [change], folder, id: "1", accessFor })).rejects.toThrow(
      `${join(dir, swapped)} is a link, and links are not followed here`,
    );
    expect(readdirSync(join(dir, "victim"))).toEqual(["file"]);
    expect(readFileSync(join(dir, "victim", "file"), "utf8")).toBe("kept");
  },
);

test("a link in place of what is kept, of the list and of the lock is not read", async () => {
  const [change] = changes();
  if (change === undefined) throw new Error("there is no change");
  await applyChanges({ changes: [change], folder, id: "1" });
  writeFileSync(join(dir, "secret"), "canary");
  for (const name of ["1-0.before", "manifest.json", "lock"]) {
    const path = join(folder, name);
    const text = name === "lock" ? "" : readFileSync(path, "utf8");
    rmSync(path, { force: true });
    symlinkSync(join(dir, "secret"), path);
    await expect(undoLast(folder, () => "")).rejects.toThrow(
      `${path} is a link, and links are not followed here`,
    );
    rmSync(path);
    if (text !== "") writeFileSync(path, text);
  }
  expect(contents([change])).toEqual([change.after]);
  await undoLast(folder, () => "");
  expect(contents([change])).toEqual([change.before]);
  expect(readFileSync(join(dir, "secret"), "utf8")).toBe("canary");
});

test("one at a time: while another process is at work nothing is begun", async () => {
  const [change] = changes();
  if (change === undefined) throw new Error("there is no change");
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "lock"), String(process.ppid));
  const started = applyChanges({ changes: [change], folder, id: "1" });
  await expect(started).rejects.toThrow(`another command (process ${process.ppid}) is working in`);
  expect(contents([change])).toEqual([change.before]);
  writeFileSync(join(folder, "lock"), "999999999");
  await applyChanges({ changes: [change], folder, id: "1" });
  expect(contents([change])).toEqual([change.after]);
  expect(readdirSync(folder).filter((name) => name.includes("lock"))).toEqual([]);
});

test("the newest 20 runs are kept; the text before a key of ours is found again", async () => {
  const path = join(dir, "one");
  writeFileSync(path, "0");
  for (let run = 0; run < 25; run++)
    await applyChanges({
      changes: [{ path, kind: "env", before: String(run), after: String(run + 1) }],
      folder,
      id: `run-${run}`,
    });
  expect(readdirSync(folder).length).toBe(1 + 2 * 20);
  expect(await keptText(folder, { path }, (text) => Number(text) < 10)).toBe("9");
  expect(await keptText(folder, { path, container: "box" }, () => true)).toBeNull();
  for (let run = 0; run < 20; run++) await undoLast(folder, () => "");
  expect(readFileSync(path, "utf8")).toBe("5");
});
