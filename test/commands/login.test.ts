// `clawgate login`: the program's own sign-in with the folders of a tenant. The program here is a script that says what it
// was given; it never holds a login.

import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInTerminal } from "../../src/system/process.ts";
import { type Home, ownHome } from "./command-run.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

function home(more = ""): Home & { readonly bin: string } {
  const own = ownHome();
  cleanups.push(own.remove);
  const bin = join(own.dir, "claude");
  writeFileSync(
    bin,
    `#!${process.execPath}
const { HOME, CLAUDE_CONFIG_DIR, OPENAI_API_KEY } = process.env;
const isIn = CLAUDE_CONFIG_DIR?.endsWith("logins/alice") === true;
console.log(JSON.stringify({ loggedIn: isIn, authMethod: isIn ? "claude.ai" : "none", email: CLAUDE_CONFIG_DIR, args: process.argv.slice(2), leaked: OPENAI_API_KEY }));
process.exit(isIn ? 0 : 1);
`,
  );
  chmodSync(bin, 0o755);
  writeFileSync(
    join(own.dir, "config.yaml"),
    `providers:
  claude: { backend: claude-cli, bin: ${bin}, jail: off }
tenants:
  - { name: alice, api_key: key-of-alice-0123456789, config_dir: ${own.dir}/logins/alice }
  - { name: bob, api_key: key-of-bob-0123456789ab }
${more}`,
    { mode: 0o600 },
  );
  return { ...own, bin };
}

test("--status asks the program with the tenant's own folder", async () => {
  const { run, dir } = home();
  const alice = await run(["login", "alice", "--status"], {
    environment: { OPENAI_API_KEY: "not-for-it-0123456789" },
  });
  expect(alice).toEqual({
    code: 0,
    stderr: "",
    stdout: `alice: signed in (claude.ai, ${dir}/logins/alice), ${dir}/logins/alice\n`,
  });
  const bob = await run(["login", "bob", "--status", "--json"]);
  expect(bob.code).toBe(1);
  expect(JSON.parse(bob.stdout)).toMatchObject({
    tenant: "bob",
    logged_in: false,
    method: "none",
    shared_with: [],
  });
  expect(JSON.parse(bob.stdout).config_dir).toContain("/cli/tenants/bob-");
});

test("without a terminal: whose login it becomes, the terms, and the command to run", async () => {
  const { run, dir, bin } = home();
  const { code, stdout, stderr } = await run(["login", "alice"]);
  expect(code).toBe(1);
  expect(stderr).toContain(`the Claude Code of the tenant alice; its login is kept in ${dir}/logins/alice`);
  expect(stderr).toContain("ordinary use of Claude Code");
  expect(stdout).toMatch(/^HOME=\S+ CLAUDE_CONFIG_DIR=\S+\/logins\/alice /);
  expect(stdout).toEndWith(`${bin} auth login\n`);
  expect((await run(["login", "alice", "--console"])).stdout).toEndWith("auth login --console\n");
  expect((await run(["login", "alice", "--setup-token"])).stdout).toEndWith("claude setup-token\n");
});

test("a folder that others use, and a key that goes before a login, are said", async () => {
  const { run, dir } = home();
  writeFileSync(
    join(dir, "config.yaml"),
    `providers:
  claude: { backend: claude-cli, bin: ${dir}/claude, jail: off }
tenants:
  - { name: alice, api_key: key-of-alice-0123456789, config_dir: ${dir}/logins/alice }
  - { name: carol, api_key: key-of-carol-0123456789, config_dir: ${dir}/logins/alice, env: { ANTHROPIC_API_KEY: dummy } }
`,
    { mode: 0o600 },
  );
  expect((await run(["login", "alice"])).stderr).toContain("It becomes the login of carol too");
  const carol = await run(["login", "carol"]);
  expect(carol.stderr).toContain("ANTHROPIC_API_KEY is set for it and takes precedence over any login.");
  expect(carol.stdout + carol.stderr).not.toContain("dummy");
});

test("wrong words, an unknown tenant, no such provider", async () => {
  const { run, dir } = home();
  expect((await run(["login"])).code).toBe(64);
  expect((await run(["login", "alice", "--status", "--console"])).code).toBe(64);
  expect((await run(["login", "alice", "--no-tenant"])).code).toBe(64);
  const unknown = await run(["login", "alcie"]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('Did you mean "alice"?');
  writeFileSync(join(dir, "config.yaml"), "providers: { one: { backend: demo } }\n", { mode: 0o600 });
  const none = await run(["login", "default"]);
  expect(none.code).toBe(1);
  expect(none.stderr).toContain("no provider of the config is the Claude Code program");
});

test("a program in the terminal gets exactly its variables and gives back its exit code", async () => {
  const words = [
    process.execPath,
    "-e",
    "process.exit(process.env.ONLY === 'this' && !process.env.PATH ? 7 : 1)",
  ];
  expect(await runInTerminal(words, { env: { ONLY: "this" }, cwd: "/" })).toBe(7);
  const killed = [process.execPath, "-e", "process.kill(process.pid, 'SIGKILL')"];
  expect(await runInTerminal(killed, { env: {}, cwd: "/" })).toBeNull();
});

test("a tenant that is another user of the machine: signed in as that user, or told why not; the others are not held up", async () => {
  const { run, dir } = home(
    "  - { name: carol, api_key: key-of-carol-0123456789, uid: no-such-user-here }\n",
  );
  const carol = await run(["login", "carol", "--status"]);
  expect(carol.code).toBe(1);
  expect(carol.stderr).toContain("carol cannot run as user no-such-user-here: this machine has no such user");
  expect((await run(["login", "alice", "--status"])).code).toBe(0);

  if (process.getuid?.() !== 0) return;
  const dora = home(
    `  - { name: dora, api_key: key-of-dora-0123456789, uid: nobody, config_dir: ${dir}/dora, working_dir: /tmp }\n`,
  );
  for (const path of [dora.dir, dora.bin]) chmodSync(path, 0o755);
  writeFileSync(dora.bin, '#!/bin/sh\necho "{\\"loggedIn\\": true, \\"email\\": \\"$(id -un)\\"}"\n');
  const asked = await dora.run(["login", "dora", "--status"], { environment: { PATH: "/usr/bin:/bin" } });
  expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining("dora: signed in (nobody)") });
  const printed = await dora.run(["login", "dora"], { environment: { PATH: "/usr/bin:/bin" } });
  expect(printed.stdout).toMatch(/^sudo -u '#\d+' HOME=/);
});

test("a tenant called default is signed in for itself; --no-tenant is for requests without one", async () => {
  const without = home();
  for (const word of ["default", "--no-tenant"]) {
    const { stderr } = await without.run(["login", word]);
    expect(stderr).toContain(`the Claude Code of requests without a tenant; its login is kept in`);
    expect(stderr).not.toContain("/cli/tenants/");
  }
  const { run } = home("  - { name: default, api_key: key-of-default-0123456 }\n");
  const own = await run(["login", "default", "--status", "--json"]);
  expect(JSON.parse(own.stdout)).toMatchObject({ tenant: "default", shared_with: [] });
  expect(JSON.parse(own.stdout).config_dir).toContain("/cli/tenants/default-");
  const nobodys = await run(["login", "--no-tenant", "--status", "--json"]);
  expect(JSON.parse(nobodys.stdout)).toMatchObject({ tenant: null, shared_with: [] });
  expect(JSON.parse(nobodys.stdout).config_dir).not.toContain("/cli/tenants/");
});
