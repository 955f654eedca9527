// The built program with the real `claude` in a real jail, and tools of its own that try to get out of it.
// Run it by path: bun test ./test/heavy/claude-jail.heavy.ts. Skipped, and said so, where the machine allows no jail.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findJail } from "../../src/backends/agent-process/jail/bubblewrap.ts";
import { openTimeoutMs } from "../clients/targets.ts";
import { childrenOf, untilNull } from "../support/claude-children.ts";
import { listOf, recordOf, textOf } from "../support/upstream/json.ts";
import { type GatewayWithClaude, model, startGatewayWithClaude, vendorKey } from "./gateway-with-claude.ts";
import { bubblewrapFolder } from "./install.ts";

const isLinux = process.platform === "linux";
const folder = isLinux ? bubblewrapFolder() : null;
const path = `${folder ?? ""}:${process.env["PATH"] ?? ""}`;
const found = isLinux
  ? await findJail({ programName: "test program", mode: "auto", path, platform: "linux" })
  : null;
if (found?.program == null) console.log(found?.warning ?? "Jails are for Linux alone.");

/** Speaks just enough: one tool, which says where temporary files go. */
const mcpServer = `#!/bin/sh
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
  case $line in
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"planted","version":"1"}}}' ;;
    *'"tools/list"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"look","description":"Looks","inputSchema":{"type":"object","properties":{}}}]}}' ;;
    *'"tools/call"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"seen from inside: '$TMPDIR'"}]}}' ;;
  esac
done
`;

describe.if(found?.program != null)("the real claude in a jail", () => {
  const keys = { anna: "key-of-anna-0123456789", bert: "key-of-bert-0123456789" };
  let behind: GatewayWithClaude;
  let outside: string;
  let neighbour: string;
  let neighbourWork: string;
  let tools: string;
  const socket = createServer((client) => client.end("HTTP/1.1 200 OK\r\n\r\nREACHED"));
  beforeAll(async () => {
    outside = mkdtempSync(join(tmpdir(), "clawgate-outside-"));
    neighbour = mkdtempSync(join(tmpdir(), "clawgate-login-"));
    neighbourWork = mkdtempSync(join(tmpdir(), "clawgate-work-"));
    tools = mkdtempSync(join(tmpdir(), "clawgate-tools-"));
    writeFileSync(join(neighbourWork, "plan"), "planted words");
    writeFileSync(join(tools, "server.sh"), mcpServer, { mode: 0o755 });
    socket.listen(join(outside, "docker.sock"));
    const login = { ANTHROPIC_API_KEY: vendorKey };
    behind = await startGatewayWithClaude({
      keys: { jail: "required", tools: ["Bash", "Read"], warm: 0, parked: 0, add_dirs: [outside] },
      config: {
        tenants: Object.entries(keys).map(([name, key]) => ({
          name,
          api_key: key,
          env: login,
          ...(name === "bert" ? { config_dir: neighbour, working_dir: neighbourWork } : {}),
        })),
        mcp_servers: { planted: { command: join(tools, "server.sh") } },
        server: { drain_s: 0 },
      },
      env: { PATH: path },
    });
  }, openTimeoutMs + 300_000);
  afterAll(async () => {
    await behind?.stop();
    socket.close();
    for (const folder of [outside, neighbour, neighbourWork, tools])
      if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** What a tool of the program's own answered. */
  const tool = async (key: string, name: string, input: object): Promise<string> => {
    const response = await fetch(`${behind.gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": key },
      body: JSON.stringify({
        model,
        max_tokens: 4096,
        messages: [{ role: "user", content: `[[tool:${name} ${JSON.stringify(input)}]][[toolresult]]` }],
      }),
    });
    const body = recordOf(await response.json());
    if (!response.ok) throw new Error(JSON.stringify(body));
    return textOf(recordOf(listOf(body["content"])[0])["text"]);
  };
  const bash = (key: string, command: string): Promise<string> => tool(key, "Bash", { command });

  test("a tenant works in its own folder and in those that it was given, and nowhere else", async () => {
    const said = await bash(keys.anna, `echo mine > note && cat note && echo out > '${outside}/out' && pwd`);
    expect(said).toContain("mine");
    expect(said).toContain(join(behind.gateway.stateDir, "cli", "tenants", "anna-"));
    expect(existsSync(join(outside, "out"))).toBe(true);
    const elsewhere = mkdtempSync("/var/tmp/clawgate-elsewhere-");
    try {
      expect(await bash(keys.anna, `touch '${elsewhere}/here' 2>&1; echo $?`)).toContain("No such file");
      expect(existsSync(join(elsewhere, "here"))).toBe(false);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  }, 60_000);

  test("no program reads the config, the gateway's state or another tenant's folder, by shell or by Read", async () => {
    const { configPath, stateDir, token } = behind.gateway;
    const secret = join(stateDir, "cli", "tenants", "planted");
    mkdirSync(secret, { recursive: true });
    writeFileSync(join(secret, "note"), "planted words");
    const looked = await bash(
      keys.bert,
      `cat '${configPath}' '${stateDir}/run.json' '${secret}/note' 2>&1; grep -rl mine '${stateDir}' 2>/dev/null; ls '${stateDir}/cli/tenants'`,
    );
    for (const word of [vendorKey, keys.anna, token, "planted words", "anna-"])
      expect(looked).not.toContain(word);
    for (const file of [configPath, join(stateDir, "run.json"), join(secret, "note")]) {
      const read = await tool(keys.bert, "Read", { file_path: file });
      for (const word of [vendorKey, token, "planted words"]) expect(read).not.toContain(word);
    }
    rmSync(secret, { recursive: true });
  }, 90_000);

  test("what lies beside: the neighbour's folders, the config when it is replaced, the database, sockets, the gateway itself", async () => {
    const { configPath, stateDir, dir, url } = behind.gateway;
    const config = readFileSync(configPath, "utf8");
    writeFileSync(`${configPath}.new`, config);
    renameSync(configPath, `${configPath}.bak`);
    renameSync(`${configPath}.new`, configPath);
    writeFileSync(join(dirname(configPath), ".env"), "PLANTED=planted words\n");
    writeFileSync(join(neighbour, ".credentials.json"), "planted words");
    const files = [
      configPath,
      `${configPath}.bak`,
      join(dirname(configPath), ".env"),
      join(neighbour, ".credentials.json"),
      join(neighbourWork, "plan"),
      join(dir, "data", "clawgate", "clawgate.db"),
      join(dir, "data", "clawgate", "clawgate.db-wal"),
      join(stateDir, "run.json"),
    ].map((path) => `'${path}'`);
    const looked = await bash(
      keys.anna,
      `cat ${files.join(" ")} 2>&1 | grep -vc "No such file"; ls -A '${dir}' 2>&1`,
    );
    expect(looked).toContain("result: 0");
    for (const word of [vendorKey, keys.bert, "planted words"]) expect(looked).not.toContain(word);
    const asked = await bash(
      keys.anna,
      `for way in '' '-x '$HTTP_PROXY' --noproxy x' '-p -x '$HTTP_PROXY' --noproxy x'; do curl -s -m 5 $way '${url}/api/tenants' '${url}/api/recent' '${url}/v1/models'; echo "= $?"; done
      curl -s -m 5 --unix-socket '${outside}/docker.sock' http://x/; echo "= $?"`,
    );
    expect(asked).not.toMatch(/"(?:tenants|requests|data|object)"/);
    expect(asked).not.toContain("REACHED");
  }, 60_000);

  test("an operator's MCP server runs inside, and its files are there though no others are", async () => {
    const [first] = listOf(
      recordOf(
        await (
          await fetch(`${behind.gateway.url}/v1/messages`, {
            method: "POST",
            headers: {
              "content-type": "application/json",
              "x-api-key": keys.anna,
              "x-mcp-servers": "planted",
            },
            body: JSON.stringify({
              model,
              max_tokens: 4096,
              messages: [{ role: "user", content: "[[tool:mcp__planted__look {}]][[toolresult]]" }],
            }),
          })
        ).json(),
      )["content"],
    );
    expect(textOf(recordOf(first)["text"])).toContain("seen from inside: /tmp");
  }, 60_000);

  test("it sees no process but its own, and what it leaves running ends with it", async () => {
    // A number that no other run on this machine has.
    const nap = `sleep ${1_000_000 + process.pid}`;
    const said = await bash(
      keys.anna,
      `(setsid ${nap} > /dev/null 2>&1 &); ls -d /proc/[0-9]* | wc -l; kill -0 $PPID && echo own`,
    );
    expect(Number(/\d+/.exec(said)?.[0])).toBeLessThan(10);
    await untilNull(() => {
      const left = childrenOf(join(behind.gateway.stateDir, "cli"));
      const sleepers = Bun.spawnSync(["pgrep", "-f", nap]).stdout.toString();
      return left.length === 0 && sleepers === "" ? null : sleepers;
    });
  }, 60_000);
});
