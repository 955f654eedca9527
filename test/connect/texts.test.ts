// Edits of clients' config texts: what is written, that nothing else moves, and that it is taken back byte for byte, also where the user
// has edited the text in between.

import { describe, expect, test } from "bun:test";
import { applyEdits, type Edit, undoEdits } from "../../src/connect/texts/edit-text.ts";
import { type FormatName, formats } from "../../src/connect/texts/format-table.ts";
import { valueAt } from "../../src/connect/texts/text-format.ts";

const json: readonly Edit[] = [
  { path: ["env", "ANTHROPIC_BASE_URL"], value: "http://127.0.0.1:4000" },
  { path: ["env", "ANTHROPIC_AUTH_TOKEN"], value: "clawgate-claude-code" },
  { path: ["list", { where: "name", is: "A" }], value: { name: "A", value: "1" } },
  { path: ["statusLine"], value: { type: "command", command: "x" }, isOptional: true },
];
const toml: readonly Edit[] = [
  { path: ["model"], value: "auto" },
  { path: ["model_provider"], value: "clawgate" },
  {
    path: ["model_providers", "clawgate"],
    value: { name: "ClawGate", base_url: "http://127.0.0.1:4000/v1", supports_websockets: false },
  },
  { path: ["features", "x"], value: ["a", 'b "c"'] },
];
const yaml: readonly Edit[] = [
  { path: ["model"], value: "openai/auto" },
  {
    path: ["models", { where: "name", is: "ClawGate" }],
    value: { name: "ClawGate", roles: ["chat"], o: { k: 1 } },
  },
  { path: ["deep", "er", "key"], value: true },
];
const env: readonly Edit[] = [
  { path: ["GEMINI_API_KEY"], value: "clawgate-gemini-cli" },
  { path: ["GOOGLE_GEMINI_BASE_URL"], value: "http://127.0.0.1:4000" },
];

const cases: Readonly<
  Record<FormatName, { readonly edits: readonly Edit[]; readonly texts: readonly string[] }>
> = {
  json: {
    edits: json,
    texts: [
      "",
      "\n\n",
      "{}",
      "{}\n",
      "{ }",
      '{"a":1}',
      '{\n  "a": 1\n}\n',
      '{\r\n\t"a": 1,\r\n\t"env": {\r\n\t\t"MY": "1"\r\n\t}\r\n}\r\n',
      '// c\n{\n  // about env\n  "env": { "ANTHROPIC_BASE_URL": "https://old.test" /* mine */ },\n  "statusLine": {"type": "command", "command": "mine"}, // keep\n}\n',
      "{ env: {}, list: [], }",
      '{"list":[{"name":"B","value":"2"}],"env":{"Z":"1","ANTHROPIC_AUTH_TOKEN":"mine"}}',
      '{"list":[\n    {"name":"A","value":"old"}, // mine\n    {"name":"B","value":"2"}\n  ]}',
    ],
  },
  toml: {
    edits: toml,
    texts: [
      "",
      "# only a comment",
      'model = "gpt-5" # mine\n',
      '# head\n\n[projects."/x"]\ntrust_level = "trusted"\n',
      'a.b = 1\r\nmodel = "x"\r\n\r\n[model_providers.other]\r\nname = "o"\r\n\r\n# end\r\n',
      "[features]\ny = true # keep\n\n[[arr]]\nz = 1",
      'features = { y = 1 }\nmodel_provider = "other"\n',
      "features.y = true\n",
      '[model_providers.clawgate]\nname = "mine"\n# note\nbase_url = "http://x"\n\n[model_providers.clawgate.http_headers]\na = "b"\n\n[tail]\nq = 1\n',
    ],
  },
  yaml: {
    edits: yaml,
    texts: [
      "",
      "# only a comment\n",
      "model: gpt-5   # mine\n",
      "a:   1\nmodels:\n    - name: B   # b\n      v: 'x'\n\n# end\nz: {q: 1,   r: [1,2]}\n",
      "models: []\ndeep: {er: {x: 1}}\n",
      "models:\n- name: ClawGate\n  mine: 1\n- name: C\ndeep:\n  er:\n    # inside\n    key: false\n",
      "a: |\n  text\n\n  more\nmodels:\n",
      "model: >\n  folded\n  text\nb: 1",
      "deep:\r\n  er:\r\n    q: 1\r\nmodels:\r\n  - name: X\r\n",
      "---\na: 1\n",
    ],
  },
  env: {
    edits: env,
    texts: ["", "A=1", "A=1\r\n# c\r\nGEMINI_API_KEY='old value'\r\n", 'export GEMINI_API_KEY="x\ny"\nB=2\n'],
  },
};

for (const [name, { edits, texts }] of Object.entries(cases) as [FormatName, (typeof cases)[FormatName]][])
  describe(name, () => {
    const format = formats[name];
    test.each([...texts])("%j: everything is there afterwards, and comes back byte for byte", (before) => {
      const { text, applied } = applyEdits(format, before, edits);
      const value = format.read(text);
      for (const edit of edits)
        if ("value" in edit && edit.isOptional !== true)
          expect(valueAt(value, edit.path)).toEqual(edit.value);
      // Every line of the user that no edit replaces is still there.
      if (name !== "json" && !before.startsWith("[model_providers.clawgate]"))
        for (const line of before.split("\n").filter((each) => each.includes("#")))
          expect(text).toContain(line.split("#").at(-1) ?? "");
      if (before.includes("\r\n")) expect(text.replaceAll("\r\n", "")).not.toContain("\n");
      expect(undoEdits(format, text, applied)).toEqual({ text: before, left: [] });
      expect(applyEdits(format, text, edits).applied).toEqual([]);
    });

    test.each([...texts])(
      "%j: what the user appends or prepends in between stays, all else comes back",
      (before) => {
        const { text, applied } = applyEdits(format, before, edits);
        const comment = name === "json" ? "// mine\n" : "# mine\n";
        const appended = (each: string): string => `${each}${each.endsWith("\n") ? "" : "\n"}${comment}`;
        for (const edit of [(each: string) => comment + each, appended]) {
          if (before.trim() === "" || before.startsWith("---")) continue;
          const undone = undoEdits(format, edit(text), applied);
          expect(undone.left).toEqual([]);
          expect(undone.text).toBe(edit(before));
        }
      },
    );

    test.each([...texts])("%j: a changed value is left and said, the others are taken back", (before) => {
      const { text, applied } = applyEdits(format, before, edits);
      const [first] = applied;
      if (first === undefined) return;
      const changed = format.set(
        text,
        first.path,
        typeof first.put === "string" ? "the-users-own" : { mine: 1 },
      );
      const { text: undone, left } = undoEdits(format, changed, applied);
      expect(left).toHaveLength(1);
      expect(left[0]?.why).toBe("changed");
      const [now, then] = [format.read(undone), format.read(before)];
      expect(valueAt(now, first.path)).toBe("the-users-own");
      for (const { path } of applied.slice(1)) expect(valueAt(now, path)).toEqual(valueAt(then, path));
    });
  });

test("YAML: two edits of one list are taken back in either order, and no key is left without a value", () => {
  const format = formats.yaml;
  const entry = (name: string): Edit => ({
    path: ["auth", "clients", { where: "name", is: name }],
    value: { name, key: "sha256:1" },
  });
  for (const before of ['# c\nauth:\n  keys: ["a"] # mine\nb: 1\n', "auth:\n  clients: []\n", "a: 1\n"]) {
    const one = applyEdits(format, before, [entry("one")]);
    const two = applyEdits(format, one.text, [entry("two")]);
    const without = undoEdits(format, two.text, one.applied).text;
    expect(format.read(without)).toEqual(format.read(applyEdits(format, before, [entry("two")]).text));
    const last = undoEdits(format, without, two.applied).text;
    expect(valueAt(format.read(last), ["auth", "clients"]) ?? []).toEqual([]);
    expect(last).not.toMatch(/clients:\s*$/m);
    expect(undoEdits(format, undoEdits(format, two.text, two.applied).text, one.applied).text).toBe(before);
  }
});

test.each(["null\n", "~\n", "# c\nnull"])("YAML: %j has no place for keys, and is told so", (before) => {
  const edit: Edit = { path: ["model"], value: "m" };
  expect(() => applyEdits(formats.yaml, before, [edit])).toThrow("it is not a map of keys");
});

test.each(["", "# c\n", "---\n"])("YAML: %j is as good as a missing file", (before) => {
  const { text, applied } = applyEdits(formats.yaml, before, [{ path: ["model"], value: "m" }]);
  expect(formats.yaml.read(text)).toEqual({ model: "m" });
  expect(undoEdits(formats.yaml, text, applied).text).toBe(before);
});

test("what becomes of a value may depend on what it was", () => {
  const edit: Edit = { path: ["a"], change: (old) => (old === 1 ? "" : undefined) };
  expect(applyEdits(formats.json, '{"a":2}', [edit])).toMatchObject({ text: '{"a":2}', applied: [] });
  expect(applyEdits(formats.json, "{}", [edit])).toMatchObject({ text: "{}", applied: [] });
  const { text, applied } = applyEdits(formats.json, '{ "a": 1 /* mine */ }', [edit]);
  expect(text).toBe('{ "a": "" /* mine */ }');
  expect(undoEdits(formats.json, text, applied).text).toBe('{ "a": 1 /* mine */ }');
});
