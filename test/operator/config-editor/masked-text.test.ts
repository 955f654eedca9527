// The masked text of a config: no secret in it, every byte back when nothing moved, and a problem for every placeholder that did.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { secretFinder } from "../../../src/canon/redact.ts";
import { maskText, restoreText } from "../../../src/operator/config-editor/masked-text.ts";

const masking = (known: readonly string[] = []) => ({
  holdsSecret: secretFinder(known),
  tagKey: "of this test",
});

function masked(text: string, known: readonly string[] = []) {
  const found = maskText(text, masking(known));
  if (found === null) throw new Error("it cannot be masked");
  return found;
}
function restored(text: string, edit: (shown: string) => string) {
  const shown = masked(text);
  return restoreText(edit(shown.text), shown, masking());
}
const problemsOf = (result: ReturnType<typeof restoreText>) => ("problems" in result ? result.problems : []);
const hash = "ab".repeat(32);

const config = `# Main gateway
server: { port: 8090 } # keep
auth:
  keys:
    - "client-one-0123456789"
    - 'client-two-0123456789' # of the bot
    - \${THIRD_KEY}
  admin_key: sha256:${hash}
providers:
  openai:
    api_key: sk-proj-Zk93hf83hf83hf83hf # paid by Ada
    base_url: https://user:hunter2222@api.example.com/v1
    headers: { x-team: alpha-beta, authorization: "Bearer \${TOKEN}" }
  local:
    base_url: http://127.0.0.1:1234/v1
    api_key: "\${LOCAL_KEY:-}"
    #api_key: old-key-0123456789
cli:
  env: { TZ: UTC, MY_TOKEN: folded-secret }
tenants:
  - name: alice
    api_key: alice-key-0123456789
  - name: bob
    keys:
      - { key: bob-key-0123456789, expires: 2027-01-01 }
      - sha256: ${hash.replaceAll("ab", "cd")}
mcp_servers:
  search: { command: npx, args: [-y, --token, mcp-secret-0123] }
`;
const secrets = [
  "client-one-0123456789",
  "client-two-0123456789",
  hash,
  "sk-proj-Zk93hf83hf83hf83hf",
  "hunter2222",
  "old-key-0123456789",
  "folded-secret",
  "alpha-beta",
  "alice-key-0123456789",
  "bob-key-0123456789",
  hash.replaceAll("ab", "cd"),
  "mcp-secret-0123",
];

describe("masking", () => {
  test("hides every secret and nothing that an operator must see", () => {
    const { text } = masked(config);
    for (const secret of secrets) expect([secret, text.includes(secret)]).toEqual([secret, false]);
    for (const shown of [
      "# Main gateway",
      "port: 8090 } # keep",
      "# of the bot",
      "${THIRD_KEY}",
      "# paid by Ada",
      '"Bearer ${TOKEN}"',
      "${LOCAL_KEY:-}",
      "http://127.0.0.1:1234/v1",
      "expires: 2027-01-01",
      "name: alice",
      "command: npx",
      "TZ:",
    ])
      expect(text).toContain(shown);
    expect(text.split("\n").length).toBe(config.split("\n").length);
  });

  test.each([
    ["as it is", config],
    ["with CRLF and a mark at its start", `\uFEFF${config.replaceAll("\n", "\r\n")}`],
    [
      "as JSON",
      JSON.stringify({ auth: { keys: ["client-one-0123456789"] }, providers: { a: { api_key: "sk-1" } } }),
    ],
    ["without a last line end", config.trimEnd()],
    [
      "with blocks",
      "auth:\n  admin_key: |\n    block-secret-012345\n  keys:\n    - >-\n      folded-secret-0123\n    - x\n",
    ],
    [
      "with anchors",
      "providers:\n  a: &a\n    api_key: &k anchored-secret-0123\n  b:\n    <<: *a\n    api_key: *k\n",
    ],
    ["an anchor elsewhere", "default_model: &m hidden-by-alias-012\nauth: { admin_key: *m }\n"],
    ["numbers and words", "auth: { keys: [12345678, true, null, ''] }\n"],
    ["our example", readFileSync("config.example.yaml", "utf8")],
    ["nothing", ""],
  ])("%s: every byte comes back", (_name, text) => {
    expect(restored(text, (shown) => shown)).toEqual({ text });
    for (const secret of [
      "anchored-secret-0123",
      "hidden-by-alias-012",
      "block-secret-012345",
      "folded-secret-0123",
      "12345678",
    ])
      expect(masked(text).text).not.toContain(secret);
  });

  test("what is not YAML is not shown at all", () => {
    expect(maskText("auth: {keys: [secret-0123456789", masking())).toBeNull();
    expect(maskText("a: b: c", masking())).toBeNull();
  });

  test("a crowd of aliases ends", () => {
    const levels = Array.from(
      { length: 30 },
      (_, at) => `a${at + 1}: &a${at + 1} [*a${at},*a${at},*a${at},*a${at}]`,
    );
    expect(maskText(`a0: &a0 [x]\n${levels.join("\n")}\n`, masking())).toBeNull();
  });
});

describe("restoring", () => {
  const line = (shown: string, word: string): string =>
    shown.split("\n").find((each) => each.includes(word)) ?? "";
  const placeholder = (shown: string, word: string): string =>
    /"(\*\*\*[^"]*)"/.exec(line(shown, word))?.[1] ?? "";

  test("edits around secrets keep them, and new secrets are taken as written", () => {
    const result = restored(config, (shown) =>
      shown
        .replace("port: 8090", "port: 9000")
        .replace(/api_key: "\*\*\*[^"]*" # paid/, "api_key: brand-new-key-01234 # paid")
        .replace("# Main gateway", "# Second gateway"),
    );
    expect(result).toEqual({
      text: config
        .replace("port: 8090", "port: 9000")
        .replace("sk-proj-Zk93hf83hf83hf83hf", "brand-new-key-01234")
        .replace("# Main gateway", "# Second gateway"),
    });
  });

  test("entries of a list may go, and others move up", () => {
    const result = restored(config, (shown) =>
      shown
        .split("\n")
        .filter((each) => each !== line(shown, "name: alice") && !/^ {4}api_key.*6789/.test(each))
        .filter((each, at, all) => !(all[at - 1] === "  keys:" && each.includes("***")))
        .join("\n"),
    );
    expect("text" in result && result.text).toContain("    - 'client-two-0123456789' # of the bot");
    expect("text" in result && result.text).not.toContain("client-one");
    expect("text" in result && result.text).toContain("bob-key-0123456789");
  });

  test.each([
    [
      "moved to another provider",
      (shown: string) =>
        shown
          .replace('"${LOCAL_KEY:-}"', `"${placeholder(shown, "# paid")}"`)
          .replace(/ {4}api_key.*# paid.*\n/, ""),
      "only at its own place",
      "providers.local.api_key",
    ],
    [
      "its provider renamed",
      (shown: string) => shown.replace("  openai:", "  other:"),
      "only at its own place",
      "providers.other.api_key",
    ],
    [
      "twice in a list",
      (shown: string) => shown.replace("- ${THIRD_KEY}", `- "${placeholder(shown, "of the bot")}"`),
      "stands here twice",
      "auth.keys[]",
    ],
    [
      "cut",
      (shown: string) => shown.replace(placeholder(shown, "# paid"), "***"),
      "was changed",
      "providers.openai.api_key",
    ],
    [
      "typed on",
      (shown: string) => shown.replace(placeholder(shown, "# paid"), "sk-***#123456"),
      "was changed",
      "providers.openai.api_key",
    ],
    [
      "as a name",
      (shown: string) => shown.replace("  local:", `  "${placeholder(shown, "# paid")}":`),
      "only at its own place",
      "providers",
    ],
    [
      "in a comment",
      (shown: string) => shown.replace(/( {4})(api_key: "\*\*\*[^"]*" # paid)/, "$1#$2"),
      "cannot become a comment",
      "",
    ],
    [
      "the hidden comment, changed",
      (shown: string) => shown.replace(/(# \(hidden[^\n]*)/, "$1 more"),
      "cannot become a comment",
      "",
    ],
  ])("%s: a problem with its line, and no text", (_name, edit, message, path) => {
    const result = restored(config, edit);
    expect("text" in result).toBe(false);
    expect(problemsOf(result)).toContainEqual({
      path,
      line: expect.any(Number),
      message: expect.stringContaining(message),
    });
    expect(JSON.stringify(result)).not.toContain("Zk93hf83");
  });

  test("a value that always held our sign may stay, and not appear elsewhere", () => {
    const text = 'default_model: "a***b"\nauth: { admin_key: admin-key-0123456789 }\n';
    expect(restored(text, (shown) => shown)).toEqual({ text });
    expect(
      problemsOf(restored(text, (shown) => `${shown}fallback_chain: ["a***b"]\n`))[0]?.message,
    ).toContain("was changed");
  });

  test("a block under another indentation that would not read the same is refused", () => {
    const text = "auth:\n  admin_key: |\n    line-one-0123\n    line-two-0123\n";
    const result = restored(text, (shown) => shown.replace("auth:\n  ", "auth:\n          "));
    expect(problemsOf(result)[0]?.message).toContain("could not be put back");
  });
});

test("a text whose aliases nobody can follow still has its placeholders, and says so", () => {
  const shown = masked(config);
  const list = Array.from({ length: 300 }, () => "1").join(", ");
  const aliases = Array.from({ length: 200 }, () => "*list").join(", ");
  const edited = `${shown.text}more: [&list [${list}], ${aliases}]\n`;
  expect(restoreText(edited, shown, masking())).toEqual({ text: edited, isUnread: true });
});

describe("names", () => {
  const known = ["search-key-0123456789"];
  const text = `tenants:
  - name: team-search
    api_key: search-key-0123456789 # of search
  - name: other-search # search
    api_key: another-key-0123456789
`;

  test("that end like a known secret begins are shown, and their entries can be edited", () => {
    const shown = masked(text, known);
    expect(shown.text).toContain("- name: team-search\n");
    expect(shown.text).toContain("- name: other-search # search\n");
    expect(shown.text).not.toContain("search-key");
    const edited = restoreText(shown.text.replace("# of search", "# of ours"), shown, masking(known));
    expect(edited).toEqual({ text: text.replace("# of search", "# of ours") });
  });

  test("that hold a secret are masked, and what stands below them is still put back at its place", () => {
    const odd = `tenants:
  - name: for search-key-0123456789
    api_key: search-key-0123456789
  - { name: "sk-ant-0123456789abcdef", api_key: another-key-0123456789, keys: [{ key: third-key-0123456789 }] }
providers:
  sk-ant-0123456789abcdef: { api_key: fourth-key-0123456789 }
`;
    const shown = masked(odd, known);
    for (const secret of ["search-key", "sk-ant", "another-key", "third-key", "fourth-key"])
      expect(shown.text).not.toContain(secret);
    expect(restoreText(`${shown.text}# more\n`, shown, masking(known))).toEqual({ text: `${odd}# more\n` });
  });
});
