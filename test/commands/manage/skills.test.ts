// `clawgate manage skills` in a home with an OpenClaw of its own, and with a scripted docker.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { fakeDocker } from "../../support/docker.ts";
import { skillText, treeIn, writeTree } from "../../openclaw/skill-fixtures.ts";
import { type Home, ownHome } from "../command-run.ts";

const cleanups = cleanupsAfterEach();

const tenants = `tenants:
  - { name: local, api_key: key-of-local-0123456789 }
  - { name: box, api_key: key-of-box-0123456789ab }
`;

function home(more = ""): Home & { readonly there: string; readonly here: string } {
  const own = ownHome();
  cleanups.push(own.remove);
  writeFileSync(join(own.dir, "config.yaml"), `providers: { one: { backend: demo } }\n${more}${tenants}`, {
    mode: 0o600,
  });
  const state = join(own.dir, ".openclaw");
  writeTree(state, {
    "openclaw.json": "{ // JSON5\n agents: { defaults: { workspace: '~/desk' } } }",
  });
  const there = join(own.dir, "desk", "skills");
  writeTree(there, { "weather/SKILL.md": skillText("weather", "Look !`uptime` up.\n") });
  return { ...own, there, here: join(own.stateDir, "skills", "local") };
}

test("diff, pull, list and clean of a local instance, found by its name and its own workspace", async () => {
  const { run, here, there } = home();
  const diff = await run(["manage", "skills", "diff", "local"]);
  expect(diff.code).toBe(1);
  expect(diff.stdout).toContain("only there");
  expect(existsSync(here)).toBe(false);

  const pulled = await run(["manage", "skills", "pull", "local"]);
  expect({ code: pulled.code, stderr: pulled.stderr }).toEqual({ code: 0, stderr: "" });
  expect(pulled.stdout).toContain("review it before its first use  weather: 1 command marked !");
  expect(treeIn(join(here, "weather"))).toEqual(treeIn(join(there, "weather")));
  expect((await run(["manage", "skills", "diff", "local"])).code).toBe(0);
  expect((await run(["manage", "skills", "list", "local"])).stdout).toMatch(
    /local +weather +1 +\d+ +1 command/,
  );

  const { tenants: cleaned } = JSON.parse(
    (await run(["manage", "skills", "clean", "local", "--json"])).stdout,
  );
  expect(cleaned).toEqual([{ tenant: "local", removed: ["weather"], kept: [] }]);
});

test("a conflict: exit code 1, nothing overwritten, and --push says whose word counts", async () => {
  const { run, here, there } = home();
  await run(["manage", "skills", "pull", "local"]);
  writeTree(here, { "weather/SKILL.md": "mine" });
  writeTree(there, { "weather/SKILL.md": "theirs" });
  const both = await run(["manage", "skills", "bisync", "local"]);
  expect(both.code).toBe(1);
  expect(both.stdout).toContain("Conflicts were not overwritten.");
  expect(treeIn(there)).toEqual({ "weather/SKILL.md": "theirs" });
  expect((await run(["manage", "skills", "bisync", "local", "--push", "--dry-run"])).code).toBe(0);
  expect(treeIn(there)).toEqual({ "weather/SKILL.md": "theirs" });
  const { code, stdout } = await run(["manage", "skills", "bisync", "local", "--push", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).tenants[0].rows).toMatchObject([
    { skill: "weather", relation: "conflict", action: "push", done: true },
  ]);
  expect(treeIn(there)).toEqual({ "weather/SKILL.md": "mine" });
});

test("a container, found through docker", async () => {
  const { run, dir, stateDir } = home();
  const root = join(dir, "inside");
  mkdirSync(root);
  writeTree(root, { "home/node/.openclaw/workspace/skills/notes/SKILL.md": skillText("notes") });
  const docker = fakeDocker(join(dir, "docker"));
  docker.write([{ name: "box-openclaw-gateway-1", image: "ghcr.io/openclaw/openclaw:latest", root }]);
  const environment = { PATH: `${docker.binDir}:/usr/bin:/bin` };
  const ran = await run(["manage", "skills", "pull", "box"], { environment });
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
  expect(treeIn(join(stateDir, "skills", "box", "notes"))).toEqual({ "SKILL.md": skillText("notes") });
  expect(docker.calls().every(([verb]) => ["ps", "inspect", "cp"].includes(verb ?? ""))).toBe(true);
});

test("an instance that nobody knows, wrong words, and sync: disabled", async () => {
  const { run, there, dir } = home();
  const missing = await run(["manage", "skills", "pull", "box"]);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("no OpenClaw instance was found by the name box");
  expect((await run(["manage", "skills", "pull", "nobody"])).code).toBe(1);
  for (const words of [
    ["pull", "--push"],
    ["bisync", "--pull", "--push"],
    ["pull", "--state-dir", "x"],
  ])
    expect((await run(["manage", "skills", ...words])).code).toBe(64);
  const named = await run(["manage", "skills", "pull", "box", "--state-dir", join(dir, ".openclaw")]);
  expect(named.code).toBe(0);

  const disabled = home("skills: { sync: disabled }\n");
  const refused = await disabled.run(["manage", "skills", "pull", "local"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("skills.sync is `disabled`");
  expect(existsSync(disabled.here)).toBe(false);
  expect(existsSync(there)).toBe(true);
});
