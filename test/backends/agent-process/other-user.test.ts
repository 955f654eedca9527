// The program as another user of the machine: refused where that cannot be done; where it can (tests that run as root), a
// child that runs as that user, and reads what it is given and nothing else of the gateway's.

import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveUser, type UserQuery } from "../../../src/backends/agent-process/other-user.ts";
import { createGatewayRun } from "../../../src/backends/agent-process/gateway-run.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { createLog } from "../../../src/system/log.ts";
import { accountIn } from "../../../src/system/accounts.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway } from "../../support/gateway.ts";

const isRoot = process.getuid?.() === 0;
const cleanups = cleanupsAfterEach();

test("users are found by name and by number, and only whole lines count", () => {
  const text =
    "root:x:0:0:root:/root:/bin/sh\n1000:x:7:8::/home/seven:/bin/sh\nalice:x:1000:1001:A:/home/alice:/bin/sh\nbroken:x:y\nhomeless:x:9:9:::\n";
  expect(accountIn(text, "alice")).toEqual({ name: "alice", uid: 1000, gid: 1001, home: "/home/alice" });
  expect(accountIn(text, 1000)?.name).toBe("alice");
  expect(accountIn(text, 7)?.home).toBe("/home/seven");
  for (const wanted of ["broken", "homeless", "nobody", 5]) expect(accountIn(text, wanted)).toBeNull();
});

describe("refused, with what to do", () => {
  const alice = { name: "alice", uid: 4242, gid: 4242, home: "/home/alice" };
  const question = (more: Partial<UserQuery>): UserQuery => ({
    programName: "test program",
    tenant: "alice",
    uid: "alice",
    bin: "/bin/sh",
    environment: { PATH: "/usr/bin:/bin" },
    ownUid: 0,
    accountOf: () => Promise.resolve(alice),
    ...more,
  });

  test.each([
    ["not root", { ownUid: 1000 }, /alice cannot run as user alice: only a gateway that runs as root/],
    ["no such user", { accountOf: () => Promise.resolve(null) }, /no such user with a home.*useradd/],
    ["root itself", { accountOf: () => Promise.resolve({ ...alice, uid: 0 }) }, /root cannot be isolated/],
    ["a system without users", { ownUid: undefined }, /no such users/],
  ])("%s", async (_name, more, words) => {
    await expect(resolveUser(question(more))).rejects.toThrow(words);
  });

  test("the gateway's own user is not another one", async () => {
    const own = { ...alice, uid: process.getuid?.() ?? 0 };
    const asked = resolveUser(question({ ownUid: own.uid, accountOf: () => Promise.resolve(own) }));
    if (isRoot) await expect(asked).rejects.toThrow("root cannot be isolated");
    else expect(await asked).toEqual(own);
  });

  test("a gateway with such a tenant does not start", async () => {
    const config = {
      cli: { bin: "/bin/sh", warm: 0 },
      tenants: [{ name: "alice", api_key: "alice-key-0123456789", uid: "no-such-user-here" }],
    };
    await expect(startTestGateway({ config })).rejects.toThrow(
      /tenants: the Claude Code program of alice cannot run as user no-such-user-here/,
    );
  });
});

/** Says who it is, what it was given and what it can see, and ends: an answer is not what is asked of it. */
const program = `#!/bin/sh
{
  echo "who=$(id -u):$(id -g):$(id -G)"
  echo "home=$HOME user=$USER cwd=$(pwd)"
  ls "$STATE" >/dev/null 2>&1 && echo "state=open" || echo "state=closed"
  while [ $# -gt 0 ]; do
    case "$1" in
      --mcp-config) echo "mcp=$(cat "$2" 2>&1)"; echo "open-folder is $(dirname "$2")"; ls "$(dirname "$2")" >/dev/null 2>&1 && echo "open-folder=listed" ;;
      --plugin-dir) cat "$2"/skills/*/SKILL.md; touch "$2/mine" 2>/dev/null && echo "plugin=writable" ;;
    esac
    shift
  done
} >> "$LOG" 2>&1
exit 1
`;

test.if(isRoot)(
  "a tenant's child is that user alone, and reads its skills and MCP servers and nothing else",
  async () => {
    const dir = cleanups.folder("clawgate-user-");
    chmodSync(dir, 0o755);
    const path = (name: string): string => join(dir, name);
    writeFileSync(path("claude"), program, { mode: 0o755 });
    chmodSync(path("claude"), 0o755);
    for (const name of ["work", "config"]) {
      mkdirSync(path(name));
      chmodSync(path(name), 0o777);
    }
    writeFileSync(path("log"), "");
    chmodSync(path("log"), 0o666);
    const state = path("state");
    const skill = "---\nname: weather\ndescription: the weather\n---\nLook out of the window.\n";
    mkdirSync(join(state, "skills", "alice", "weather"), { recursive: true, mode: 0o700 });
    writeFileSync(join(state, "skills", "alice", "weather", "SKILL.md"), skill);
    const nobody = accountIn(readFileSync("/etc/passwd", "utf8"), "nobody");
    if (nobody === null) throw new Error("this machine has no user nobody");

    const gateway = cleanups.stopAtEnd(
      await startTestGateway({
        config: {
          cli: { bin: path("claude"), warm: 0, parked: 0 },
          mcp_servers: { notes: { command: "/bin/true", env: { TOKEN: "mcp-secret" } } },
          tenants: [
            {
              name: "alice",
              api_key: "alice-key-0123456789",
              uid: nobody.uid,
              working_dir: path("work"),
              config_dir: path("config"),
              env: { LOG: path("log"), STATE: state },
            },
          ],
        },
        environment: { CLAWGATE_STATE_DIR: state, PATH: "/usr/bin:/bin" },
      }),
    );
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: "Bearer alice-key-0123456789",
        "x-mcp-servers": "notes",
      },
      body: JSON.stringify({ model: "sonnet", messages: [{ role: "user", content: "hi" }] }),
    });
    expect(answer.status).toBeGreaterThanOrEqual(500);
    const said = readFileSync(path("log"), "utf8");
    expect(said).toContain(`who=${nobody.uid}:${nobody.gid}:${nobody.gid}\n`);
    expect(said).toContain(`home=${nobody.home} user=nobody cwd=${path("work")}\n`);
    expect(said).toContain("state=closed\n");
    expect(said).toContain("mcp-secret");
    expect(said).toContain("Look out of the window.");
    for (const words of ["open-folder=listed", "plugin=writable"]) expect(said).not.toContain(words);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const open = /^open-folder is (.+)$/m.exec(said)?.[1] ?? "";
    expect(statSync(open).mode & 0o777).toBe(0o711);
    await gateway.stop();
    expect(existsSync(open)).toBe(false);
  },
);

test("what a killed gateway left for other users to read is removed by the next one", async () => {
  const dir = cleanups.folder("clawgate-run-");
  const log = createLog({
    level: "error",
    pretty: false,
    clock: systemClock,
    redact: (text) => text,
    write: () => undefined,
  });
  const runOf = () => createGatewayRun({ stateDirectory: dir, clock: systemClock, log, programs: "Agent" });
  const dead = runOf();
  await dead.sharedFolder.make();
  await dead.sharedFolder.make();
  expect(statSync(dead.sharedFolder.path).mode & 0o777).toBe(0o711);
  const next = runOf();
  await next.sharedFolder.make();
  await next.sweep();
  expect([existsSync(dead.sharedFolder.path), existsSync(next.sharedFolder.path)]).toEqual([false, true]);
  await next.close();
  expect(existsSync(next.sharedFolder.path)).toBe(false);
});
