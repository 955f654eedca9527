import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  applyChanges,
  type FileChange,
  keyInEntry,
  type Replace,
  undoLast,
  variablesOf,
  withGateway,
  withoutGateway,
} from "../../src/openclaw/instance-files.ts";
import { readJson5 } from "../../src/openclaw/json5-text.ts";
import { replaceFile } from "../../src/system/files.ts";

let dir: string;
let folder: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-files-"));
  folder = join(dir, "setup");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const provider = { baseUrl: "http://127.0.0.1:8090/v1", apiKey: "0123456789abcdef", models: [] };
const edit = { provider, isPrimary: false, variables: { CLAWGATE_API_KEY: "0123456789abcdef" } };

describe("openclaw.json", () => {
  test("other providers, and the main model, stay as they are", () => {
    const before = `{ models: { providers: { openai: { apiKey: 'theirs' } } }, agents: { defaults: { model: 'openai/x' } } }`;
    const after = withGateway(before, edit);
    expect(readJson5(after)).toEqual({
      models: { providers: { openai: { apiKey: "theirs" }, clawgate: provider } },
      agents: { defaults: { model: "openai/x" } },
    });
    expect(keyInEntry(after)).toBe("0123456789abcdef");
    expect(withGateway(after, edit)).toBe(after);
  });

  test.each([
    ["{}", "clawgate/auto"],
    ["{agents:{defaults:{model:'openai/x'}}}", "clawgate/auto"],
    [
      "{agents:{defaults:{model:{primary:'openai/x',fallbacks:['a/b']}}}}",
      { primary: "clawgate/auto", fallbacks: ["a/b"] },
    ],
  ])("the main model when asked for, and back: %s", (before, model) => {
    const after = withGateway(before, { ...edit, isPrimary: true });
    expect(readJson5(after)).toMatchObject({ agents: { defaults: { model } } });
    const changed = after.replace("{", "{ added: 1, ");
    expect(readJson5(withoutGateway(changed, before))).toEqual({ ...readJson5(before), added: 1 });
  });

  test("both forms of `env` are read, `env.vars` is written", () => {
    const flat = `{ env: { A: 'flat', B: 'flat', CLAWGATE_API_KEY: 'old', vars: { B: 'vars' }, shellEnv: { enabled: true } } }`;
    expect(variablesOf(flat)).toEqual({ A: "flat", B: "vars", CLAWGATE_API_KEY: "old" });
    expect(readJson5(withGateway(flat, edit))).toMatchObject({
      env: { A: "flat", B: "flat", vars: { B: "vars", CLAWGATE_API_KEY: "0123456789abcdef" } },
    });
    expect(withGateway(flat, edit)).not.toContain("'old'");
    expect(withGateway("{ env: { vars: {} } }", edit)).not.toContain("CLAWGATE_API_KEY");
  });
});

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
  await applyChanges(all, folder, "1");
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
  await applyChanges(all, folder, "1");
  writeFileSync(all[0]?.path ?? "", "mine");
  rmSync(all[1]?.path ?? "");
  const undone = await undoLast(folder, (text, { before }) => `${text}, before: ${before}`);
  expect(undone?.map(({ how }) => how)).toEqual(["removed", "unchanged", "our keys taken out"]);
  expect(contents(all)).toEqual([`mine, before: ${all[0]?.before}`, null, null]);
});

test("a file that changed since it was read stops everything", async () => {
  const all = changes();
  writeFileSync(all[1]?.path ?? "", "mine");
  await expect(applyChanges(all, folder, "1")).rejects.toThrow("changed by somebody else");
  expect(contents(all)).toEqual([all[0]?.before ?? null, "mine", null]);
});

test.each([0, 1, 2])("a disk that fails at replacement %d: everything is as before", async (at) => {
  const all = changes();
  let count = 0;
  const failing: Replace = async (path, data, options) => {
    if (count++ === at) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    await replaceFile(path, data, options);
  };
  await expect(applyChanges(all, folder, "1", failing)).rejects.toThrow("(ENOSPC); nothing was changed");
  expect(contents(all)).toEqual(all.map(({ before }) => before));
  expect(await undoLast(folder, () => "")).toBeNull();
});

test.each([0, 1, 2, 3])("killed after %d replacements: --undo gives all of it back", async (survivors) => {
  const all = changes();
  const script = join(dir, "killed.ts");
  const source = join(import.meta.dir, "..", "..", "src");
  writeFileSync(
    script,
    `import { applyChanges } from ${JSON.stringify(join(source, "openclaw", "instance-files.ts"))};
import { replaceFile } from ${JSON.stringify(join(source, "system", "files.ts"))};
let count = 0;
await applyChanges(${JSON.stringify(all)}, ${JSON.stringify(folder)}, "1", async (path, data) => {
  if (count++ === ${survivors}) process.kill(process.pid, "SIGKILL");
  await replaceFile(path, data);
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
  await expect(applyChanges([...all, blocked], folder, "1")).rejects.toThrow("nothing was changed");
  expect(contents(all)).toEqual(all.map(({ before }) => before));
});
