import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Finding } from "../../src/operator/examination/finding.ts";
import { Failure } from "../../src/canon/failure.ts";
import { type Faults, type ScriptedClaude, scriptedClaude } from "../support/claude.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway } from "../support/gateway.ts";
import { type Home, ownHome, type Ran } from "./command-run.ts";

const cleanups = cleanupsAfterEach();
const newHome = (): Home => {
  const home = ownHome();
  cleanups.push(home.remove);
  return home;
};
const newClaude = (faults: Faults = {}): ScriptedClaude => {
  const made = scriptedClaude(faults);
  cleanups.push(made.remove);
  return made;
};

const provider = { base_url: "http://127.0.0.1:9", api_key: "k-0123456789", model: "m-1" };
const writeConfig = (home: Home, config: object): void =>
  writeFileSync(join(home.dir, "config.yaml"), JSON.stringify(config), { mode: 0o600 });
/** A port that nobody has: the usual one may be taken on the machine that runs the tests. */
const freePort = async (): Promise<number> => {
  const { server, port } = await listening();
  await new Promise((resolve) => server.close(resolve));
  return port;
};
async function listening() {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It listens nowhere.");
  return { server, port: address.port };
}

type Report = { readonly ok: boolean; readonly findings: readonly Finding[] };
const reportOf = ({ stdout }: Ran): Report => JSON.parse(stdout) as Report;
const find = (report: Report, section: string, id: string): Finding | undefined =>
  report.findings.find((each) => each.section === section && each.id === id);

test("all is well: every section, exit code 0, and nothing was made or asked", async () => {
  const home = newHome();
  const made = newClaude();
  writeConfig(home, { providers: { one: provider }, server: { port: await freePort() } });
  const before = readdirSync(home.dir);
  const ran = await home.run(["doctor"], { environment: { PATH: made.dir } });
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  for (const title of [
    "This program",
    "Config",
    "State directory",
    "Database",
    "Gateway",
    "Providers",
    "Claude Code",
  ])
    expect(ran.stdout).toContain(`${title}\n`);
  expect(ran.stdout).toContain("  ok    one: openai-compat, m-1\n");
  expect(ran.stdout).toContain("  ok    @path in a text does not read that file\n");
  expect(ran.stdout).toContain("clawgate providers test");
  expect(ran.stdout).toContain("Everything required works");
  expect(ran.stdout).not.toContain("k-0123456789");
  expect(ran.stdout).not.toContain("\u001b");
  // The stand-in's own runtime makes itself a folder.
  expect(readdirSync(home.dir).filter((name) => name !== ".bun")).toEqual(before);
  expect(existsSync(home.stateDir)).toBe(false);
});

test("--quick starts nothing but --version and auth status", async () => {
  const home = newHome();
  const made = newClaude();
  writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
  const ran = await home.run(["doctor", "--quick", "--json"], { environment: { PATH: made.dir } });
  expect(ran.code).toBe(0);
  expect(made.runs().map(({ argv }) => argv.join(" "))).toEqual(["--version", "auth status"]);
  expect(find(reportOf(ran), "cli", "history")).toMatchObject({
    state: "skipped",
    detail: "left out by --quick",
  });
});

describe("Claude Code that no provider uses", () => {
  test("what it cannot do is a warning", async () => {
    const home = newHome();
    const made = newClaude({ misbehaves: ["expands-paths"] });
    writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
    const ran = await home.run(["doctor", "--json"], { environment: { PATH: made.dir } });
    expect(ran.code).toBe(0);
    expect(find(reportOf(ran), "cli", "file-references")).toEqual({
      section: "cli",
      id: "file-references",
      state: "warning",
      title: "@path in a text reads that file",
      detail: "the file's text went upstream",
      advice: "a client could read this machine's files: do not use this version",
    });
  });

  test("CLAUDE_BIN makes it a provider: then it is a failure", async () => {
    const home = newHome();
    const made = newClaude({ misbehaves: ["expands-paths"] });
    writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
    const ran = await home.run(["doctor"], { environment: { CLAUDE_BIN: made.bin } });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain("  FAIL  @path in a text reads that file: the file's text went upstream\n");
    expect(ran.stdout).toContain("1 check failed");
  });

  test("what --quick leaves out is one line", async () => {
    const home = newHome();
    const made = newClaude();
    writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
    const { stdout } = await home.run(["doctor", "--quick"], { environment: { PATH: made.dir } });
    expect(stdout.match(/^ {2}skip .*$/gm)).toEqual(["  skip  21 checks: left out by --quick"]);
  });

  test("without a login it is a warning while somebody else can answer, and a failure when it is alone", async () => {
    const home = newHome();
    const made = newClaude();
    const environment = { CLAUDE_BIN: made.bin };
    writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
    const beside = await home.run(["doctor", "--quick"], { environment });
    expect(beside.code).toBe(0);
    expect(beside.stdout).toContain(
      '  warn  nobody is logged in, and it has no key: run "claude auth login"',
    );
    writeConfig(home, { providers: {}, server: { port: 0 } });
    const alone = await home.run(["doctor", "--quick"], { environment });
    expect(alone.code).toBe(1);
    expect(alone.stdout).toContain("  FAIL  nobody is logged in, and it has no key");
  });

  test("none is here", async () => {
    const home = newHome();
    writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
    const ran = await home.run(["doctor", "--json"]);
    expect(ran.code).toBe(0);
    expect(find(reportOf(ran), "cli", "program")).toMatchObject({ state: "skipped" });
  });
});

describe("the config", () => {
  test("each problem with its place, exit code 1, and the rest is looked at all the same", async () => {
    const home = newHome();
    writeFileSync(join(home.dir, "config.yaml"), "server:\n  prot: 80\nprovders: {}\n");
    const ran = await home.run(["doctor", "--json"]);
    expect(ran.code).toBe(1);
    const problems = reportOf(ran).findings.filter((each) => each.section === "config");
    expect(problems.map(({ state }) => state)).toEqual(["failed", "failed"]);
    expect(problems.map(({ title }) => title).join("\n")).toMatch(/config\.yaml:2 server\.prot: unknown key/);
    expect(find(reportOf(ran), "state", "directory")?.state).toBe("ok");
  });

  test("a named file that is not there", async () => {
    const ran = await newHome().run(["doctor", "--config", "nowhere.yaml"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/ {2}FAIL {2}.*nowhere\.yaml.*there is no such file/);
  });

  test("other machines reach it: a warning", async () => {
    const home = newHome();
    const server = { host: "0.0.0.0", port: 0 };
    writeConfig(home, { providers: { one: provider }, server, auth: { keys: ["a-key-of-a-client-0123"] } });
    const ran = await home.run(["doctor", "--json"]);
    expect(find(reportOf(ran), "config", "exposure")).toMatchObject({
      state: "warning",
      detail: "1 key is known",
    });
    expect(ran.stdout).not.toContain("a-key-of-a-client");
  });

  test("no provider is loaded: exit code 1", async () => {
    const home = newHome();
    writeConfig(home, {
      providers: { one: { ...provider, api_key: "${NO_SUCH_KEY}" } },
      server: { port: 0 },
    });
    const ran = await home.run(["doctor"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain("  FAIL  no provider is loaded\n        -> set a key");
    expect(ran.stdout).toContain("not loaded: one, ");
  });
});

describe("state directory and database", () => {
  const withConfig = (): Home => {
    const home = newHome();
    writeConfig(home, { providers: { one: provider }, server: { port: 0 } });
    return home;
  };

  test("a link in its place, and one that others may look into", async () => {
    const home = withConfig();
    mkdirSync(join(home.dir, "elsewhere"));
    symlinkSync(join(home.dir, "elsewhere"), home.stateDir);
    const linked = await home.run(["doctor", "--json"]);
    expect(linked.code).toBe(1);
    expect(find(reportOf(linked), "state", "directory")?.detail).toBe("it is not a plain directory");
    const open = join(home.dir, "open");
    mkdirSync(open);
    chmodSync(open, 0o755);
    const seen = await home.run(["doctor", "--json"], { environment: { CLAWGATE_STATE_DIR: open } });
    expect(seen.code).toBe(0);
    expect(find(reportOf(seen), "state", "directory")).toMatchObject({ state: "warning" });
  });

  test("a file that is no database", async () => {
    const home = withConfig();
    const path = join(home.dir, "records.db");
    writeFileSync(path, "x".repeat(10_000));
    const ran = await home.run(["doctor", "--json"], { environment: { CLAWGATE_DB_PATH: path } });
    expect(ran.code).toBe(1);
    expect(find(reportOf(ran), "database", "database")).toMatchObject({
      state: "failed",
      title: path,
      detail: expect.stringContaining("it is damaged"),
    });
  });
});

describe("the gateway", () => {
  test("one that runs is asked how it is", async () => {
    const home = newHome();
    const gateway = cleanups.stopAtEnd(
      await startTestGateway({
        config: { providers: { one: provider } },
        environment: { CLAWGATE_STATE_DIR: home.stateDir },
      }),
    );
    const ran = await home.run(["doctor", "--json"]);
    expect(find(reportOf(ran), "gateway", "running")).toMatchObject({
      state: "ok",
      title: `running at ${gateway.url} (process ${process.pid})`,
      detail: "healthy",
    });
  });

  test("one without a healthy provider: exit code 1, and what to look at", async () => {
    const home = newHome();
    const gateway = cleanups.stopAtEnd(
      await startTestGateway({
        config: { providers: { one: provider } },
        environment: { CLAWGATE_STATE_DIR: home.stateDir },
      }),
    );
    for (let count = 0; count < 5; count++)
      gateway.app.services.health.failed("one", "m-1", new Failure("overloaded", "busy"));
    const ran = await home.run(["doctor"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(
      / {2}FAIL {2}running at .*: no provider is healthy\n {8}-> clawgate providers shows/,
    );
  });

  test("a port that another program has", async () => {
    const home = newHome();
    const { server, port } = await listening();
    cleanups.push(() => server.close());
    writeConfig(home, { providers: { one: provider }, server: { port } });
    const ran = await home.run(["doctor"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(
      `  FAIL  port ${port} on 127.0.0.1: another program listens there\n        -> `,
    );
  });
});

test("an unknown option is refused", async () => {
  expect(await newHome().run(["doctor", "--quik"])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("did you mean --quick?"),
  });
});
