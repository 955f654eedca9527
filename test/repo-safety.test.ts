// scripts/repo-safety.ts on repositories made for it: each holds one thing that must not be there, in the tree or only in its past.

import { afterAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const script = join(import.meta.dir, "..", "scripts", "repo-safety.ts");
const folder = mkdtempSync(join(tmpdir(), "clawgate-safety-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(cwd: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const said = Bun.spawnSync(["git", ...identity, ...args], { cwd, env: Object.fromEntries(kept) });
  if (!said.success) throw new Error(`git ${args.join(" ")}: ${said.stderr.toString()}`);
  return said.stdout.toString();
}

function repository(): string {
  const path = mkdtempSync(join(folder, "r-"));
  git(path, "init", "-q", "-b", "main");
  put(path, "README.md", "# A project\n");
  commit(path, "begin");
  return path;
}

function put(repo: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(repo, path)), { recursive: true });
  writeFileSync(join(repo, path), content);
}

function commit(repo: string, message: string): void {
  git(repo, "add", "-A", "-f");
  git(repo, "commit", "-q", "--allow-empty", "-m", message);
}

function check(repo: string, ...options: readonly string[]): { ok: boolean; out: string } {
  const argv = [process.execPath, "--no-env-file", script, "--repository", repo, ...options];
  const said = Bun.spawnSync(argv, { stdout: "pipe", stderr: "pipe" });
  return { ok: said.exitCode === 0, out: `${said.stdout.toString()}${said.stderr.toString()}` };
}

/** As random as a real one, and the same in every run. */
const random = (length: number): string =>
  createHash("sha512").update("a key").digest("hex").slice(0, length).padEnd(length, "9f3b71c");
const pem = (type: "ed25519" | "rsa"): string => {
  const { privateKey } =
    type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
};
const publicPem = (): string =>
  generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();

describe("what is found by its name", () => {
  const names = [
    ".ssh/config",
    "home/.ssh/known_hosts",
    "clawgate.db",
    "data/metrics.db-wal",
    "old/clawgate.db.bak",
    "a.sqlite3",
    "gateway.log",
    "gateway.log.1",
    ".env",
    "deploy/.env.production",
    "deploy/production.env",
    "id_ed25519",
    "tls/server.key",
    "tls/server.pem",
    ".netrc",
    "home/.claude/.credentials.json",
  ];
  test.each(names)("%s, in the tree and after its removal", (name) => {
    const repo = repository();
    put(repo, name, "nothing in particular\n");
    commit(repo, "add");
    const first = check(repo);
    expect(first.ok, first.out).toBe(false);
    expect(first.out).toContain(`In the tree`);
    expect(first.out).toContain(`${name} (commit `);
    rmSync(join(repo, name));
    commit(repo, "remove");
    const second = check(repo);
    expect(second.ok).toBe(false);
    expect(second.out).not.toContain("In the tree");
    expect(second.out).toContain(`${name} (commit `);
  });

  test("a name on a branch that was never merged, and one that a merge brought along", () => {
    const aside = repository();
    git(aside, "checkout", "-q", "-b", "aside");
    put(aside, "notes.sqlite", "");
    commit(aside, "aside");
    git(aside, "checkout", "-q", "main");
    expect(check(aside).out).toContain("notes.sqlite (commit ");

    const merged = repository();
    git(merged, "checkout", "-q", "-b", "other");
    commit(merged, "other");
    git(merged, "checkout", "-q", "main");
    commit(merged, "main");
    git(merged, "merge", "-q", "--no-ff", "--no-commit", "other");
    put(merged, "merge.log", "brought by the merge itself\n");
    commit(merged, "merge");
    rmSync(join(merged, "merge.log"));
    commit(merged, "remove");
    expect(check(merged).out).toContain("merge.log (commit ");
  });
});

describe("what is found by its content", () => {
  const contents: readonly (readonly [string, () => string | Uint8Array, string])[] = [
    ["an Ed25519 key", () => pem("ed25519"), "private key"],
    ["an RSA key", () => pem("rsa"), "private key"],
    ["a key in a JSON string", () => JSON.stringify({ key: pem("rsa") }), "private key"],
    ["an Anthropic key", () => `key: ${"sk-ant-"}api03-${random(93)}AA\n`, "Anthropic key"],
    ["an OpenAI key", () => `key: ${"sk-"}proj-${random(60)}\n`, "OpenAI key"],
    ["an OpenRouter key", () => `key: ${"sk-or-"}v1-${random(64)}\n`, "OpenRouter key"],
    ["a Google key", () => `key: ${"AI"}za${random(35)}\n`, "Google key"],
    ["a GitHub token", () => `token: ${"gh"}p_${random(36)}\n`, "GitHub token"],
    ["a vendor's key behind its name", () => `MISTRAL_API_KEY=${random(32)}\n`, "key behind its name"],
    [
      "a database",
      () => {
        const database = new Database(":memory:");
        database.run("CREATE TABLE a (b)");
        return database.serialize();
      },
      "database",
    ],
  ];
  test.each(contents)("%s, and never shown", (_name, make, what) => {
    const repo = repository();
    const content = make();
    put(repo, "notes/innocent.txt", content);
    const untracked = check(repo);
    expect(untracked.out, "before it is added").toContain(`${what}: notes/innocent.txt:`);
    commit(repo, "add");
    rmSync(join(repo, "notes"), { recursive: true });
    commit(repo, "remove");
    const past = check(repo);
    expect(past.ok).toBe(false);
    expect(past.out).toContain(`${what}: notes/innocent.txt:`);
    expect(past.out).not.toContain("In the tree");
    const longest = typeof content === "string" ? (/[\w+/-]{32,}/.exec(content)?.[0] ?? "none") : "SQLite";
    expect(past.out).not.toContain(longest);
  });

  test("a key in the message of a commit", () => {
    const repo = repository();
    commit(repo, `try with ${"gh"}p_${random(36)}`);
    const { ok, out } = check(repo);
    expect(ok).toBe(false);
    expect(out).toContain("GitHub token: the message of commit ");
  });
});

describe("what may be there", () => {
  test("examples, made-up keys, public keys, and words that only look like a name", () => {
    const repo = repository();
    put(repo, ".env.example", "OPENAI_API_KEY=\nANTHROPIC_API_KEY=your-key-which-is-long-enough-to-be-one\n");
    put(repo, "scripts/packaging/release-key.pem", publicPem());
    put(repo, "src/log.ts", `const key = "sk-ant-0123456789abcdef";\n`);
    put(repo, "src/database.ts", `const a = "${"AKIA"}IOSFODNN7EXAMPLE";\n`);
    put(repo, "src/ssh.md", `-----BEGIN ${"PRIVATE"} KEY-----\n...\n-----END PRIVATE KEY-----\n`);
    put(repo, "package.json", `{"integrity": "sha512-${randomBytes(64).toString("base64")}"}\n`);
    commit(repo, "all of it");
    const { ok, out } = check(repo);
    expect(out).toContain("No key, database, log or environment file");
    expect(ok, out).toBe(true);
  });

  test("what git ignores, as long as nobody adds it", () => {
    const repo = repository();
    put(repo, ".gitignore", "*.log\n");
    commit(repo, "ignore");
    put(repo, "gateway.log", "a line\n");
    expect(check(repo).ok).toBe(true);
  });

  test("a private key under the name of the public one is still found", () => {
    const repo = repository();
    put(repo, "scripts/packaging/release-key.pem", pem("ed25519"));
    expect(check(repo).out).toContain("private key: scripts/packaging/release-key.pem:1");
  });
});

test("a shallow clone proves nothing of the history: it fails unless that is accepted", () => {
  const repo = repository();
  put(repo, "gone.log", "");
  commit(repo, "add");
  rmSync(join(repo, "gone.log"));
  commit(repo, "remove");
  const clone = join(folder, "clone");
  git(folder, "clone", "-q", "--depth=1", `file://${repo}`, clone);
  const refused = check(clone);
  expect(refused.ok).toBe(false);
  expect(refused.out).toContain("--allow-shallow");
  const accepted = check(clone, "--allow-shallow");
  expect(accepted.ok, accepted.out).toBe(true);
  expect(accepted.out).toContain("the part of the history that was fetched");
});
