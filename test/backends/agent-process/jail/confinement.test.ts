import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { findJail } from "../../../../src/backends/agent-process/jail/bubblewrap.ts";
import type { GuardedPath } from "../../../../src/backends/agent-process/jail/path-policy.ts";
import {
  createJailRuntime,
  type JailedCommand,
  type JailRuntime,
} from "../../../../src/backends/agent-process/jail/jail-runtime.ts";
import { findBreaches } from "../../../../src/backends/agent-process/jail/jail-check.ts";
import { createSharedFolder } from "../../../../src/backends/agent-process/other-user.ts";
import { createWorkspaces, type Workspace } from "../../../../src/backends/claude-code/workspace.ts";
import { runCommand } from "../../../../src/system/process.ts";

// Real jails, from the sources: what a program finds inside. Linux with bubblewrap; .ci/run sees to it that it is there.

const isLinux = process.platform === "linux";
const path = process.env["PATH"];
const found = isLinux
  ? await findJail({ programName: "test program", mode: "auto", path, platform: "linux" })
  : null;
const bubblewrap = found?.program ?? null;

describe.if(bubblewrap !== null)("a real jail", () => {
  let root = "";
  let room: JailRuntime;
  let anna: Workspace;
  let nobody: Workspace;
  const servers: Server[] = [];
  const at = (...names: readonly string[]): string => join(root, ...names);
  let guardedPaths: readonly GuardedPath[] = [];

  const listen = (to: { path: string } | { port: number; host: string }): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer((socket) => socket.end("REACHED\n"));
      servers.push(server);
      server.listen(to, () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  let port = 0;
  let namedPort = 0;

  beforeAll(async () => {
    root = mkdtempSync("/tmp/clawgate-jail-");
    for (const name of [
      "home",
      "home/.claude",
      "state",
      "conf",
      "anna",
      "bert",
      "bert/login",
      "tools",
      "data",
    ])
      mkdirSync(at(name));
    writeFileSync(at("home", ".bashrc"), "operator\n");
    writeFileSync(at("home", ".claude.json"), "{}\n");
    writeFileSync(at("home", ".claude", "status.sh"), "echo status\n", { mode: 0o755 });
    mkdirSync(at("home", ".claude", "shell-snapshots"));
    writeFileSync(at("home", ".claude", "shell-snapshots", "running.sh"), "export A=1\n");
    writeFileSync(at("conf", "config.yaml"), "KEY-ONE\n");
    writeFileSync(at("conf", ".env"), "KEY-ENV\n");
    writeFileSync(at("bert", "login", ".credentials.json"), "LOGIN\n");
    writeFileSync(at("data", "clawgate.db"), "ROWS\n");
    writeFileSync(at("tools", "known.txt"), "for the tools\n");
    port = await listen({ port: 0, host: "127.0.0.1" });
    namedPort = await listen({ port: 0, host: "127.0.0.1" });
    await listen({ path: at("anna", "docker.sock") });
    await listen({ path: at("tools", "agent.sock") });
    const whole = { isRecursive: true, owner: null } as const;
    const single = { isRecursive: false, owner: null } as const;
    guardedPaths = [
      { path: at("state"), what: "the state", ...whole },
      { path: at("conf", "config.yaml"), what: "the config", ...single },
      { path: at("conf", ".env"), what: "a .env", ...single },
      { path: at("data", "clawgate.db"), what: "the database", ...single },
      { path: at("bert", "login"), what: "a login", isRecursive: true, owner: { tenant: "bert" } },
      { path: at("bert"), what: "a folder", isRecursive: false, owner: { tenant: "bert" } },
      { path: at("home", ".claude"), what: "a login", isRecursive: true, owner: { tenant: null } },
    ];
    room = createJailRuntime({
      sharedFolder: createSharedFolder(at("room"), () => Promise.resolve()),
      ownPort: () => port,
    });
    const all = createWorkspaces({
      stateDirectory: at("state"),
      environment: { HOME: at("home"), PATH: path },
      bin: "/bin/sh",
      env: { ANTHROPIC_BASE_URL: `http://127.0.0.1:${namedPort}`, GATEWAY: `http://127.0.0.1:${port}` },
      configDir: null,
      jailProgram: bubblewrap,
      jailFlags: found?.flags ?? [],
      guardedPaths,
      jailRead: [at("tools")],
      jailHosts: [],
      mcpServers: {},
    });
    anna = await all.of("anna", { workingDir: at("anna") });
    nobody = await all.of(null);
  });
  afterAll(async () => {
    await room?.close();
    for (const server of servers) server.close();
    rmSync(root, { recursive: true, force: true });
  });

  const enter = async (place: Workspace, script: string): Promise<JailedCommand> => {
    if (place.jail === null) throw new Error("there is no jail");
    return room.wrap({
      jail: place.jail,
      cwd: place.workingDir,
      argv: ["/bin/sh", "-c", script],
      env: place.env,
      home: place.home,
      user: null,
    });
  };
  const inside = async (place: Workspace, script: string): Promise<string> => {
    const { argv } = await enter(place, script);
    const { stdout, stderr } = await runCommand(argv, {
      timeoutMs: 20_000,
      cwd: place.workingDir,
      env: { PATH: path ?? "", HOME: place.home },
    });
    return `${stdout}${stderr}`;
  };

  test("a tenant has its own folders, and what is kept there stays; nothing else of the disk is there", async () => {
    const said = await inside(
      anna,
      `echo kept > note && cat note && cat ${at("tools", "known.txt")}
      touch ${at("tools", "new")} /usr/new /etc/new /new 2>&1 | grep -c Read-only
      ls ${root}; ls -A / | tr '\\n' ' '; cat /etc/shadow /etc/passwd; ls /home /root /var/log /run`,
    );
    expect(said).toStartWith("kept\nfor the tools\n4\n");
    expect(readFileSync(at("anna", "note"), "utf8")).toBe("kept\n");
    for (const word of ["conf", "data", "bert", "KEY", "daemon", "operator"])
      expect(said).not.toContain(word);
    for (const folder of ["/etc/shadow", "/home", "/root", "/var/log"])
      expect(said).toMatch(new RegExp(`${folder}.*No such file`));
  });

  test("what is replaced, renamed or made later is not there either", async () => {
    const look = `cat ${at("conf", "config.yaml")} ${at("conf", "config.yaml.bak")} ${at("conf", ".env")} \\
      ${at("data")}/* ${at("bert", "login", ".credentials.json")} ${at("carol", "secret")} 2>/dev/null; echo looked`;
    expect(await inside(anna, look)).toBe("looked\n");
    renameSync(at("conf", "config.yaml"), at("conf", "config.yaml.bak"));
    writeFileSync(at("conf", "new"), "KEY-TWO\n");
    renameSync(at("conf", "new"), at("conf", "config.yaml"));
    for (const end of ["-wal", "-shm"]) writeFileSync(at("data", `clawgate.db${end}`), "ROWS\n");
    mkdirSync(at("carol"));
    writeFileSync(at("carol", "secret"), "CAROL\n");
    expect(await inside(anna, look)).toBe("looked\n");
  });

  test("without a tenant: the login alone, in a home that is empty; what the program obeys cannot be written", async () => {
    const { home, configDir } = nobody;
    const said = await inside(
      nobody,
      `ls -A "$HOME" | tr '\\n' ' '; echo mine > "$HOME/.bashrc"; cat "$HOME/.claude.json"
      echo token > ${configDir}/.credentials.json && echo signed in
      ls ${configDir}/shell-snapshots; echo x > ${configDir}/shell-snapshots/own.sh && echo took notes
      for each in settings.json CLAUDE.md commands/x hooks/x agents/x local/claude status.sh ../.claude.json; do
        echo x 2>/dev/null > "${configDir}/$each" && echo "wrote $each"; done
      rm -rf ${configDir}/commands ${configDir}/settings.json 2>/dev/null; mv ${configDir}/hooks ${configDir}/h 2>/dev/null; true`,
    );
    // From the sources Bun keeps a folder of its own there.
    expect(said.replace(/^\.bun /, "")).toStartWith(".claude .claude.json {}\nsigned in\ntook notes\n");
    expect(said).not.toContain("wrote");
    expect(readFileSync(join(home, ".bashrc"), "utf8")).toBe("operator\n");
    expect(readFileSync(join(configDir, ".credentials.json"), "utf8")).toBe("token\n");
    expect(readFileSync(join(configDir, "settings.json"), "utf8")).toBe("{}\n");
    expect(existsSync(join(configDir, "commands"))).toBe(true);
    expect(readdirSync(join(configDir, "shell-snapshots"))).toEqual(["running.sh"]);
    expect(readFileSync(join(configDir, "status.sh"), "utf8")).toBe("echo status\n");
  });

  test.if(Bun.which("unshare") !== null && (found?.flags.length ?? 0) > 0)(
    "nobody inside becomes an administrator in a namespace of his own, nor changes the kernel's settings",
    async () => {
      const said = await inside(
        anna,
        `unshare -U true && echo made one; unshare -Um true && echo made one; unshare -Ur true && echo made one
        echo x > /proc/sys/kernel/core_pattern && echo wrote; grep -c '^CapEff:.*[^0]$' /proc/self/status; true`,
      );
      expect(said).not.toMatch(/made one|wrote/);
      expect(said).toStartWith("0\n");
    },
  );

  const curl = Bun.which("curl");
  test.if(curl !== null)("sockets in its folders do not answer, those that it makes itself do", async () => {
    const ask = (socket: string): string =>
      `curl -s --http0.9 --max-time 5 --unix-socket ${socket} http://x/; echo "= $?"`;
    const outside = await runCommand(["/bin/sh", "-c", ask(at("anna", "docker.sock"))], {
      timeoutMs: 10_000,
    });
    expect(outside.stdout).toContain("REACHED");
    const said = await inside(anna, `${ask(at("anna", "docker.sock"))}; ${ask(at("tools", "agent.sock"))}`);
    expect(said).not.toContain("REACHED");
    expect(said.match(/= 7/g)).toHaveLength(2);
  });

  const apart = ["unshare", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--net"];
  const canBeApart = isLinux && Bun.which("unshare") !== null && Bun.spawnSync([...apart, "true"]).success;
  test.if(curl !== null && canBeApart)(
    "nor does one that no table of this machine names: a container's, in a folder that is shared with it",
    async () => {
      mkdirSync(at("tools", "shared"));
      const path = at("tools", "shared", "foreign.sock");
      const serve = `require("node:net").createServer((s) => s.end("REACHED")).listen(process.argv[1], () => console.log("up"))`;
      const other = Bun.spawn([...apart, process.execPath, "-e", serve, path], {
        stdout: "pipe",
        stderr: "ignore",
        env: { PATH: process.env["PATH"] ?? "" },
      });
      try {
        await other.stdout.getReader().read();
        const ask = `curl -s --http0.9 --max-time 5 --unix-socket ${path} http://x/; echo "= $?"`;
        expect((await runCommand(["/bin/sh", "-c", ask], { timeoutMs: 10_000 })).stdout).toContain("REACHED");
        const said = await inside(anna, ask);
        expect(said).not.toContain("REACHED");
        expect(said).toContain("= 7");
      } finally {
        other.kill();
        await other.exited;
      }
    },
  );

  test.if(curl !== null)(
    "the network: what was named, not this machine, not the gateway, by no way",
    async () => {
      const ask = (url: string, more = ""): string => `curl -s --http0.9 --max-time 5 ${more} ${url}; echo`;
      const named = `http://127.0.0.1:${namedPort}/`;
      const gateway = `http://127.0.0.1:${port}/api/tenants`;
      expect(await inside(anna, ask(named))).toContain("REACHED");
      expect(await inside(anna, ask(named, '--noproxy "" --proxy $HTTP_PROXY'))).toContain("REACHED");
      const said = await inside(
        anna,
        [
          ask(gateway),
          ask(gateway, '--noproxy "" --proxy $HTTP_PROXY'),
          ask(gateway, '-p --noproxy "" --proxy $HTTP_PROXY'),
        ].join(";"),
      );
      expect(said).not.toContain("REACHED");
      expect(said).toContain("may not connect to the gateway");
    },
  );

  test("the check finds nothing open in it, and everything that is open in a jail that was weakened", async () => {
    const question = (place: Workspace, tenant: string | null, by: JailRuntime = room) => {
      if (place.jail === null) throw new Error("there is no jail");
      const environment = { HOME: at("home"), PATH: path };
      return {
        jail: place.jail,
        jailRuntime: by,
        cwd: place.workingDir,
        home: place.home,
        user: null,
        tenant,
        guardedPaths,
        environment,
      };
    };
    expect(await findBreaches(question(anna, "anna"))).toEqual([]);
    expect(await findBreaches(question(nobody, null))).toEqual([]);
    const spoilt = async (more: string): Promise<readonly string[]> => {
      if (anna.jail === null) throw new Error("there is no jail");
      const program = at(`bwrap-${Bun.hash(more)}`);
      // Its own words come before the root is made read-only.
      const script = `#!/bin/bash\nwords=(); done=; for each in "$@"; do
        if [ "$each" = --remount-ro ] && [ -z "$done" ]; then words+=(${more}); done=1; fi
        words+=("$each"); done\nexec ${bubblewrap} "\${words[@]}"\n`;
      writeFileSync(program, script, { mode: 0o755 });
      const breaches = await findBreaches({
        ...question(anna, "anna"),
        jail: { ...anna.jail, program, allowedAddresses: [] },
      });
      return breaches.map(({ guarantee }) => guarantee);
    };
    for (const [more, promise] of [
      [`--ro-bind ${at("conf")} ${at("conf")}`, "gateway"],
      [`--ro-bind ${at("bert")} ${at("bert")}`, "tenants"],
      [`--ro-bind ${at("home")} ${at("home")}`, "home"],
      ["--share-net", "network"],
      ["--share-net", "sockets"],
      ["--share-net", "rights"],
      ...(process.getuid?.() === 0 ? ([["--bind /proc/sys /proc/sys", "rights"]] as const) : []),
    ] as const)
      expect([more, await spoilt(more)]).toEqual([more, expect.arrayContaining([promise])]);
  }, 60_000);

  test("it is no longer intact when a socket came, or what is covered was replaced; its own writes change nothing", async () => {
    const fresh = () => enter(anna, "true");
    const first = await fresh();
    expect(await inside(anna, "echo x > made; mkdir -p deep/er; echo more >> made")).toBe("");
    expect(await first.isIntact()).toBe(true);
    await listen({ path: at("anna", "late.sock") });
    expect(await first.isIntact()).toBe(false);
    const second = await fresh();
    expect(await second.isIntact()).toBe(true);
    await listen({ path: at("tools", "late.sock") });
    expect(await second.isIntact()).toBe(false);
    // Another one of the same name is not covered any more.
    const third = await fresh();
    rmSync(at("tools", "late.sock"));
    await listen({ path: at("tools", "late.sock") });
    expect(await third.isIntact()).toBe(false);

    const login = await enter(nobody, "true");
    writeFileSync(join(nobody.configDir, ".credentials.json"), "refreshed\n");
    writeFileSync(join(nobody.configDir, "settings.json"), '{"a":1}\n');
    expect(await login.isIntact()).toBe(true);
    writeFileSync(join(nobody.configDir, "new"), "{}\n");
    renameSync(join(nobody.configDir, "new"), join(nobody.configDir, "settings.json"));
    expect(await login.isIntact()).toBe(false);
    const notes = await enter(nobody, "true");
    renameSync(join(nobody.configDir, "shell-snapshots"), join(nobody.configDir, "old-snapshots"));
    mkdirSync(join(nobody.configDir, "shell-snapshots"));
    expect(await notes.isIntact()).toBe(false);
    expect(await (await enter(nobody, "true")).isIntact()).toBe(true);
  });

  test("a folder that became a link after the start of the gateway opens nothing", async () => {
    const outer = at("outer");
    mkdirSync(join(outer, "sub"), { recursive: true });
    const all = createWorkspaces({
      stateDirectory: at("state"),
      environment: { HOME: at("home"), PATH: path },
      bin: "/bin/sh",
      env: {},
      configDir: null,
      jailProgram: bubblewrap,
      jailFlags: found?.flags ?? [],
      guardedPaths,
      jailRead: [],
      jailHosts: [],
      mcpServers: {},
    });
    const dora = await all.of("dora", { workingDir: outer, addDirs: [join(outer, "sub")] });
    rmSync(join(outer, "sub"), { recursive: true });
    symlinkSync(at("conf"), join(outer, "sub"));
    expect(await inside(dora, `cat ${join(outer, "sub", "config.yaml")}`)).toContain("No such file");
  });
});
