// `clawgate run`: what the started client gets of the terminal's variables, and when it is not started at all.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, ownHome } from "./command-run.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

let home: Home;
let gateway: StandIn;
beforeEach(async () => {
  home = ownHome();
  mkdirSync(home.stateDir, { mode: 0o700 });
  home.put("clawgate.yaml", "providers: { demo: { backend: demo } }\n");
  gateway = await startStandIn({
    stateDir: home.stateDir,
    answer: ({ path }) =>
      path === "/v1/models" ? Response.json({ data: [{ id: "auto" }] }) : Response.json({}, { status: 404 }),
  });
});
afterEach(() => {
  gateway.stop();
  home.remove();
});

/** Starts a client that writes down its variables. */
async function started(client: string, program: string, args: readonly string[], variables = {}) {
  const path = home.at(join("bin", program));
  mkdirSync(home.at("bin"), { recursive: true });
  writeFileSync(path, `#!/bin/sh\nenv > ${home.at("seen")}\n`);
  chmodSync(path, 0o755);
  const environment = { PATH: `${home.at("bin")}:/usr/bin:/bin`, ...variables };
  const done = await home.run(["run", "--config", home.at("clawgate.yaml"), client, ...args], {
    environment,
  });
  const lines = existsSync(home.at("seen")) ? home.read("seen").split("\n") : null;
  return {
    done,
    valueOf: (name: string) => lines?.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1),
  };
}

test("a proxy of the terminal is kept for everything but the gateway, for whichever client", async () => {
  const proxied = { HTTPS_PROXY: "http://proxy.test:3128", NO_PROXY: "corp.test" };
  const { done, valueOf } = await started("aider", "aider", ["--yes"], proxied);
  expect(done).toMatchObject({ code: 0, stderr: "" });
  expect(["HTTPS_PROXY", "NO_PROXY", "no_proxy"].map(valueOf)).toEqual([
    "http://proxy.test:3128",
    "corp.test,127.0.0.1",
    "corp.test,127.0.0.1",
  ]);
});

test("where the gateway is excepted already, or there is no proxy, nothing is added", async () => {
  const excepted = { http_proxy: "http://proxy.test:3128", no_proxy: "localhost,127.0.0.1" };
  expect((await started("aider", "aider", [], excepted)).valueOf("no_proxy")).toBe("localhost,127.0.0.1");
  expect((await started("aider", "aider", [])).valueOf("NO_PROXY")).toBeUndefined();
});

test("connecting in a terminal with a proxy: told", async () => {
  const connect = (variables: Readonly<Record<string, string>>) =>
    home.run(["connect", "aider", "--dry-run", "--config", home.at("clawgate.yaml")], {
      environment: variables,
    });
  const words =
    "a proxy is set in this terminal, and aider would ask it for the gateway: add 127.0.0.1 to NO_PROXY";
  const HTTP_PROXY = "http://proxy.test:3128";
  expect((await connect({ HTTP_PROXY })).stdout).toContain(words);
  expect((await connect({ HTTP_PROXY, NO_PROXY: "127.0.0.1" })).stdout).not.toContain(words);
});

test("Claude Code with what would lead it elsewhere: its variables go, and what cannot be set aside refuses", async () => {
  const rival = { ANTHROPIC_API_KEY: "sk-1", CLAUDE_CODE_USE_BEDROCK: "1", ANTHROPIC_UNIX_SOCKET: "/x" };
  const { done, valueOf } = await started("claude-code", "claude", ["-p", "hello"], rival);
  expect(done.code).toBe(0);
  expect(Object.keys(rival).map(valueOf)).toEqual([undefined, undefined, undefined]);
  expect(valueOf("ANTHROPIC_BASE_URL")).toBe(gateway.url);
});

test.each([
  ["settings of the user's own", ["--settings", "x.json"], null, "`--settings`"],
  ["a socket", [], '{"env":{"ANTHROPIC_UNIX_SOCKET":"/x"}}', "ANTHROPIC_UNIX_SOCKET"],
])("Claude Code with %s is not started", async (_name, args, settings, words) => {
  if (settings !== null) home.put(".claude/settings.json", settings);
  const { done, valueOf } = await started("claude-code", "claude", args);
  expect(done.code).toBe(1);
  expect(done.stderr).toContain("Claude Code cannot be started connected");
  expect(done.stderr).toContain(words);
  expect(valueOf("PATH")).toBeUndefined();
});
