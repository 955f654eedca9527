// A connected client some time later: the gateway has another port or other keys, the client was upgraded, moved or uninstalled, a
// project is gone. `connect --list` and `doctor` say so, and `disconnect` takes back what there is.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJournal } from "../../src/connect/journal.ts";
import { type Home, ownHome } from "./command-run.ts";

let home: Home;
beforeEach(() => {
  home = ownHome();
  mkdirSync(home.stateDir, { mode: 0o700 });
  config("");
});
afterEach(() => home.remove());

const config = (more: string, port = 4567): void =>
  home.put("clawgate.yaml", `server: { port: ${port} }\nproviders: { demo: { backend: demo } }\n${more}`);

type Options = Parameters<Home["run"]>[1];
const run = (args: readonly string[], options?: Options) =>
  home.run([...args, "--config", home.at("clawgate.yaml")], options);

async function changesOf(id: string, options?: Options): Promise<readonly string[]> {
  const list = await run(["connect", "--list", "--json", id], options);
  const { clients } = JSON.parse(list.stdout) as {
    clients: readonly { readonly changes: string[]; readonly state: string }[];
  };
  const connected = clients.filter(({ state }) => state !== "not connected");
  for (const { state, changes } of connected)
    expect(state).toBe(changes.length === 0 ? "connected" : "changed");
  return connected.flatMap(({ changes }) => changes);
}

type Finding = {
  readonly section: string;
  readonly state: string;
  readonly detail: string;
  readonly advice: string;
};

async function findingsOf(options?: Options, ...more: readonly string[]): Promise<readonly Finding[]> {
  const doctor = await run(["doctor", "--json", ...more], options);
  const { findings } = JSON.parse(doctor.stdout) as { findings: readonly Finding[] };
  return findings.filter(({ section }) => section === "clients");
}

function stub(name: string, script: string): Options {
  mkdirSync(home.at("bin"), { recursive: true });
  writeFileSync(home.at(join("bin", name)), `#!/bin/sh\n${script}\n`);
  chmodSync(home.at(join("bin", name)), 0o755);
  return { environment: { PATH: `${home.at("bin")}:/usr/bin:/bin` } };
}

describe("the gateway", () => {
  test("on another port: said with both addresses, repaired by connecting again", async () => {
    await run(["connect", "claude-code", "--yes"]);
    expect(await changesOf("claude-code")).toEqual([]);
    config("", 4600);
    expect(await changesOf("claude-code")).toEqual([
      "it is told http://127.0.0.1:4567, and the gateway is at http://127.0.0.1:4600",
    ]);
    const [finding] = await findingsOf(undefined, "--quick");
    expect(finding?.state).toBe("warning");
    expect(finding?.advice).toContain("clawgate connect claude-code writes it again");
    await run(["connect", "claude-code", "--yes"]);
    expect(await changesOf("claude-code")).toEqual([]);
    expect((await run(["disconnect", "claude-code", "--yes"])).code).toBe(0);
    expect(existsSync(home.at(".claude"))).toBe(false);
  });

  test("over IPv6: an address that is one", async () => {
    home.put(
      "clawgate.yaml",
      "server: { port: 4567, host: '::1' }\nproviders: { demo: { backend: demo } }\n",
    );
    await run(["connect", "codex", "--yes"]);
    expect(home.read(".codex/config.toml")).toContain('base_url = "http://[::1]:4567/v1"');
    const printed = await run(["setup", "--print"]);
    expect(printed.stdout).toContain("http://[::1]:4567/v1");
  });

  test("asks for keys now; or has lost the client's", async () => {
    await run(["connect", "claude-code", "--yes"]);
    config("auth: { keys: [a-key-of-the-operator-1] }\n");
    expect(await changesOf("claude-code")).toEqual(["the gateway asks for keys now, and it has none"]);
    await run(["connect", "claude-code", "--yes"]);
    expect(await changesOf("claude-code")).toEqual([]);
    config("auth: { keys: [a-key-of-the-operator-1] }\n");
    expect(await changesOf("claude-code")).toEqual(["its key is no longer in auth.clients"]);
    await run(["connect", "claude-code", "--yes"]);
    expect(await changesOf("claude-code")).toEqual([]);
  });

  test("with a config that is broken: the files are compared all the same", async () => {
    await run(["connect", "claude-code", "--yes"]);
    home.put("clawgate.yaml", "providers: 5\n");
    expect(await changesOf("claude-code")).toEqual([]);
    expect((await run(["disconnect", "claude-code", "--yes"])).code).toBe(0);
  });
});

describe("the client", () => {
  const bundled = JSON.stringify({
    models: [{ slug: "x", visibility: "list", base_instructions: "You are X." }],
  });
  const codexOf = (version: string, models = bundled): Options =>
    stub(
      "codex",
      `[ "$1" = --version ] && echo "codex-cli ${version}" && exit
[ "$3" = --bundled ] || { [ -e "${home.at("refuses")}" ] && echo "unknown variant" >&2 && exit 1; }
cat <<'END'
${models}
END`,
    );

  test("was upgraded, and what is written for it depends on its version", async () => {
    const old = codexOf("1.2.3");
    expect((await run(["connect", "codex", "--yes"], old)).code).toBe(0);
    expect(await changesOf("codex", old)).toEqual([]);
    const fresh = codexOf("1.3.0");
    expect(await changesOf("codex", fresh)).toEqual([
      "it was written for version 1.2.3, and 1.3.0 is installed",
    ]);
    expect((await findingsOf(fresh))[0]?.detail).toContain("1.3.0 is installed");
    await run(["connect", "codex", "--yes"], fresh);
    expect(await changesOf("codex", fresh)).toEqual([]);
  });

  test("does not take its config any more: its own words, from doctor, but not from a quick one", async () => {
    const options = codexOf("1.2.3");
    await run(["connect", "codex", "--yes"], options);
    expect((await findingsOf(options))[0]).toMatchObject({ state: "ok" });
    home.put("refuses", "");
    expect((await findingsOf(options))[0]).toMatchObject({
      state: "warning",
      detail: "Codex itself says: unknown variant",
    });
    expect((await findingsOf(options, "--quick"))[0]).toMatchObject({ state: "ok" });
  });

  test("was uninstalled: said, and taken back without it", async () => {
    home.put(".codex/config.toml", "# mine\n");
    const options = codexOf("1.2.3");
    await run(["connect", "codex", "--yes"], options);
    rmSync(home.at("bin/codex"));
    expect(await changesOf("codex", options)).toEqual(["its program is not found any more"]);
    expect((await run(["disconnect", "codex", "--yes"])).code).toBe(0);
    expect(home.read(".codex/config.toml")).toBe("# mine\n");
    expect(existsSync(home.at(".codex/clawgate-models.json"))).toBe(false);
  });

  test("has its config elsewhere now: said, and taken back at the old place", async () => {
    home.put(".codex/config.toml", "# mine\n");
    await run(["connect", "codex", "--yes"]);
    const moved = { environment: { CODEX_HOME: home.at("codex-home") } };
    expect(await changesOf("codex", moved)).toEqual([
      `its config is ${home.at("codex-home/config.toml")} now, and nothing was written there`,
    ]);
    expect((await run(["disconnect", "codex", "--yes"], moved)).code).toBe(0);
    expect(home.read(".codex/config.toml")).toBe("# mine\n");
  });

  test("was moved with its config: taken back at the new place", async () => {
    home.put(".codex/config.toml", "# mine\n");
    await run(["connect", "codex", "--yes"]);
    renameSync(home.at(".codex"), home.at("codex-home"));
    const moved = { environment: { CODEX_HOME: home.at("codex-home") } };
    expect(await changesOf("codex", moved)).toEqual([
      `${home.at(".codex/config.toml")} is gone`,
      `its config is ${home.at("codex-home/config.toml")} now, and nothing was written there`,
    ]);
    const done = await run(["disconnect", "codex", "--yes"], moved);
    expect(done.stdout).toContain(`${home.at("codex-home/config.toml")} holds what was written there`);
    expect(home.read("codex-home/config.toml")).toBe("# mine\n");
    expect(await readJournal(home.stateDir)).toEqual([]);
  });
});

describe("a project", () => {
  const keyed = "auth: { keys: [a-key-of-the-operator-1] }\n";
  const inFolder = (folder: string): Options => ({ workingDirectory: home.at(folder) });
  beforeEach(() => {
    mkdirSync(home.at("one"));
    config(keyed);
  });

  test("connected elsewhere: told where", async () => {
    await run(["connect", "claude-code", "--scope", "project", "--yes"], inFolder("one"));
    const done = await run(["disconnect", "claude-code", "--yes"]);
    expect(done.stdout).toContain(`is not connected. It is in ${home.at("one")}`);
    const json = await run(["disconnect", "claude-code", "--yes", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ connected: false, projects: [home.at("one")] });
  });

  test("that is gone: its key can be taken out from anywhere", async () => {
    await run(["connect", "claude-code", "--scope", "project", "--yes"], inFolder("one"));
    expect(home.read("clawgate.yaml")).toContain("sha256:");
    rmSync(home.at("one"), { recursive: true });
    expect(await changesOf("claude-code")).toEqual([`${home.at("one")} is gone`]);
    expect((await findingsOf(undefined, "--quick"))[0]?.advice).toContain(
      "clawgate disconnect claude-code --scope project takes back",
    );
    expect((await run(["disconnect", "claude-code", "--scope", "project", "--yes"])).code).toBe(0);
    expect(home.read("clawgate.yaml")).not.toContain("sha256:");
    expect(await readJournal(home.stateDir)).toEqual([]);
  });

  test("that was moved: taken back in its new folder", async () => {
    home.put("one/.claude/settings.local.json", '{ "a": 1 }\n');
    await run(["connect", "claude-code", "--scope", "project", "--yes"], inFolder("one"));
    renameSync(home.at("one"), home.at("two"));
    const done = await run(["disconnect", "claude-code", "--scope", "project", "--yes"], inFolder("two"));
    expect(done.code).toBe(0);
    expect(home.read("two/.claude/settings.local.json")).toBe('{ "a": 1 }\n');
    expect(home.read("clawgate.yaml")).not.toContain("sha256:");
  });
});
