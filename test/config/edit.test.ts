import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { readDocument } from "../../src/config/document.ts";
import { editConfig, EditProblem, newConfig, writeConfig } from "../../src/config/edit.ts";

const key = "0a".repeat(32);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-edit-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function valueOf(text: string): unknown {
  const read = readDocument(text);
  if ("problem" in read) throw new Error(read.problem.message);
  return read.document.value;
}

function added(text: string): string {
  const edit = editConfig(text);
  edit.addTenant({ name: "bob", api_key: key });
  return edit.text();
}

const bob = `  - name: bob\n    api_key: "${key}"\n`;

test("a file without tenants gets the section at its end; the example's bytes stay", () => {
  const example = readFileSync(join(import.meta.dir, "..", "..", "config.example.yaml"), "utf8");
  expect(added(example)).toBe(`${example}\ntenants:\n${bob}`);
});

test.each([
  ["", `tenants:\n${bob}`],
  ["# only words", `# only words\n\ntenants:\n${bob}`],
  ["a: 1   # odd", `a: 1   # odd\n\ntenants:\n${bob}`],
  ["tenants: []\nb:   2\n", `tenants:\n${bob}b:   2\n`],
  ["tenants:\n# nobody\nb:   2\n", `tenants:\n${bob}# nobody\nb:   2\n`],
  [
    "# top\ntenants:\n  # the first\n  - name: a # me\n    api_key: ${A}\n\n# next\nserver:  {port: 1}   # odd\n",
    `# top\ntenants:\n  # the first\n  - name: a # me\n    api_key: \${A}\n${bob}\n# next\nserver:  {port: 1}   # odd\n`,
  ],
])("%j", (before, after) => {
  expect(added(before)).toBe(after);
});

test("JSON is YAML too", () => {
  const before = { server: { port: 1 }, tenants: [{ name: "a", api_key: "x" }] };
  expect(valueOf(added(JSON.stringify(before)))).toEqual({
    ...before,
    tenants: [...before.tenants, { name: "bob", api_key: key }],
  });
});

test("more keys; values that look like variables are no variables", () => {
  const edit = editConfig("");
  edit.addTenant({
    name: "1e5",
    api_key: "1".repeat(64),
    working_dir: "/a b",
    env: { A: "${HOME}" },
    tools: "none",
  });
  expect(valueOf(edit.text())).toEqual({
    tenants: [
      { name: "1e5", api_key: "1".repeat(64), working_dir: "/a b", env: { A: "$${HOME}" }, tools: "none" },
    ],
  });
  expect(edit.tenants()).toEqual([
    { name: "1e5", apiKey: "1".repeat(64), workingDir: "/a b", container: null },
  ]);
});

test.each([
  ["[a, b] # whose", "[ b ] # whose"],
  ["[a]", "[]"],
  ["\n    - b # stays\n    - a", "\n    - b # stays"],
  ['["*"]', '["*"]'],
])("a tenant that is taken away is no longer one whose texts are kept: %j", (before, after) => {
  const edit = editConfig(
    `tenants:\n  - { name: a, api_key: one }\nrequest_log:\n  enabled: true # texts\n  tenants: ${before}\nz: 1\n`,
  );
  expect(edit.removeTenant("a")).toBe(true);
  expect(edit.text().replace("tenants: \n", "tenants:\n")).toBe(
    `tenants: []\nrequest_log:\n  enabled: true # texts\n  tenants: ${after}\nz: 1\n`.replace(": \n", ":\n"),
  );
});

test("a key is replaced, a tenant taken away, its neighbours' comments stay", () => {
  const edit = editConfig(
    "tenants:\n  - name: a # one\n    api_key: old # key\n  - { name: b, api_key: two } # b\nz: 1\n",
  );
  expect(edit.setTenantKey("a", "new")).toBe(true);
  expect(edit.text()).toBe(
    'tenants:\n  - name: a # one\n    api_key: "new" # key\n  - { name: b, api_key: two } # b\nz: 1\n',
  );
  expect(edit.removeTenant("a")).toBe(true);
  expect(edit.text()).toBe("tenants:\n  - { name: b, api_key: two } # b\nz: 1\n");
  expect([edit.removeTenant("a"), edit.setTenantKey("a", "x")]).toEqual([false, false]);
  expect(edit.removeTenant("b")).toBe(true);
  expect(valueOf(edit.text())).toEqual({ tenants: [], z: 1 });
});

test.each(["tenants: [", "- a\n", "tenants: 5\n", "a: 1\na: 2\n"])("%j is refused", (text) => {
  expect(() => editConfig(text)).toThrow(EditProblem);
});

test.each([
  [
    "server: # ours\n  host: 127.0.0.1 # here\n  port: 1\nz: 1\n",
    "server:\n  # ours\n  host: 10.0.0.1 # here\n  port: 1\nz: 1\n",
  ],
  ["server: { port: 1 } # odd\nz: 1\n", "server: { port: 1, host: 10.0.0.1 } # odd\nz: 1\n"],
  ["z: 1 # last\n", "z: 1 # last\n\nserver:\n  host: 10.0.0.1\n"],
  ["server:\nz: 1\n", "server:\n  host: 10.0.0.1\nz: 1\n"],
  ["server:\n  host: ${H:-x}\n", "server:\n  host: 10.0.0.1\n"],
])("the host alone changes: %j", (before, after) => {
  const edit = editConfig(before);
  edit.setHost("10.0.0.1");
  expect(edit.text()).toBe(after);
});

test("a name that is taken is refused", () => {
  expect(() => added(added(""))).toThrow("already");
});

test("whatever the names: what is outside stays byte for byte, what is inside reads as meant", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}$/), {
    minLength: 1,
    maxLength: 4,
  });
  const outside = fc.constantFrom(
    "",
    "# words\n",
    "a:   [1,  2] # odd\n",
    "b: |\n  tenants:\n    - x\n",
    "\n\n",
  );
  fc.assert(
    fc.property(outside, names, outside, (before, all, after) => {
      const rest = after.replace(/^a:/, "c:").replace(/^b:/, "d:");
      const edit = editConfig(`${before}tenants: []\n${rest}`);
      for (const name of all) edit.addTenant({ name, api_key: key });
      expect(edit.text().startsWith(before)).toBe(true);
      expect(edit.text().endsWith(rest)).toBe(true);
      expect(edit.tenants().map(({ name }) => name)).toEqual(all);
      for (const name of all) expect(edit.removeTenant(name)).toBe(true);
      expect(valueOf(edit.text())).toEqual(valueOf(`${before}tenants: []\n${rest}`));
    }),
  );
});

test("writing keeps the mode and the old text; a new file is private; a folder in its place is said", async () => {
  const path = join(dir, "config.yaml");
  writeFileSync(path, "old\n", { mode: 0o640 });
  await writeConfig(path, "new\n");
  expect([readFileSync(path, "utf8"), readFileSync(`${path}.bak`, "utf8")]).toEqual(["new\n", "old\n"]);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  const fresh = join(dir, "fresh.yaml");
  await writeConfig(fresh, "a: 1\n");
  expect(statSync(fresh).mode & 0o777).toBe(0o600);
  expect(existsSync(`${fresh}.bak`)).toBe(false);
  await expect(writeConfig(dir, "a: 1\n")).rejects.toThrow("cannot be written (EISDIR)");
});

test("a new file says why it is there", () => {
  expect(newConfig(["one", "two"], { a: { b: 1 } })).toBe("# one\n# two\n\na:\n  b: 1\n");
});
