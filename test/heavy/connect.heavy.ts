// `clawgate connect` with the real programs: connected by command alone each makes a text turn and a tool turn through the gateway, and
// what was written is taken back byte for byte, also when the user has edited the file in between.
// Run it by path: bun test ./test/heavy/connect.heavy.ts. Homes are temporary; nothing leaves loopback but the installations.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientVersion, clientVersions } from "../../scripts/client-versions.ts";
import { openTimeoutMs } from "../clients/targets.ts";
import { binaryPath, type RunningBinary, startBinary } from "../support/binary.ts";
import { eventually } from "../support/eventually.ts";
import { vendorKey } from "../support/gateway-config.ts";
import { type Finished, runProgram } from "../support/program-run.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { connectedPrograms, note, programFolder } from "./connected-programs.ts";
import { offlineEnvironment } from "./install.ts";
import { printSeen, requireSuccess } from "./vendor-log.ts";

const limitMs = 240_000;
const turnMs = 80_000;

// A run for the newest version of one client is no run for the others.
const named = connectedPrograms.filter(({ version }) => process.env[clientVersions[version].variable]);
const rows = named.length > 0 ? named : connectedPrograms;

const key = "clawgate-heavy-key-0123456789";

describe.each([...rows])("$id, connected", (row) => {
  let upstream: Upstream;
  let gateway: RunningBinary;
  let home: string;
  let work: string;
  let path: string;
  let program: string;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), `connect-${row.id}-`));
    work = join(home, "work");
    mkdirSync(work);
    path = `${programFolder(row, join(home, "programs"))}:${process.env["PATH"] ?? ""}`;
    program = binaryPath();
    upstream = startUpstream({ strict: true, keys: [vendorKey] });
    gateway = await startBinary({ config: configWith([]) });
  }, openTimeoutMs + 500_000);
  afterAll(async () => {
    await gateway?.stop();
    upstream?.stop();
    if (home) rmSync(home, { recursive: true, force: true });
  });

  const configWith = (keys: readonly string[]) => ({
    server: { log_level: "warn" },
    ...(keys.length === 0 ? {} : { auth: { keys } }),
    providers: {
      oai: {
        backend: "openai-compat",
        base_url: upstream.url,
        api_key: vendorKey,
        models: [{ id: "fake-large", context_window: 200_000 }],
      },
    },
    fallback_chain: ["oai"],
  });

  const environment = () => ({
    PATH: path,
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    CLAWGATE_STATE_DIR: gateway.stateDir,
    ...row.env,
    ...offlineEnvironment,
  });
  const run = (argv: readonly string[]): Promise<Finished> =>
    runProgram(argv, { cwd: work, env: environment(), timeoutMs: turnMs });
  const clawgate = async (...args: readonly string[]): Promise<string> => {
    const done = await run([program, ...args]);
    if (done.code !== 0) throw new Error(`clawgate ${args.join(" ")}: ${done.stdout}\n${done.stderr}`);
    return done.stdout;
  };
  const inHome = (name: string): string => join(home, name);
  const textOf = (name: string): string | null =>
    existsSync(inHome(name)) ? readFileSync(inHome(name), "utf8") : null;
  /** The home of a user who has the program already. */
  const settle = (): void => {
    for (const [name, text] of Object.entries(row.files)) {
      mkdirSync(dirname(inHome(name)), { recursive: true });
      writeFileSync(inHome(name), text);
    }
    writeFileSync(join(work, "note.txt"), `${note}\n`);
    rmSync(join(work, "made.txt"), { force: true });
  };
  const turn = async (argv: readonly string[]): Promise<Finished> => {
    const before = upstream.requests.length;
    const done = await run(argv);
    const seen = upstream.requests.slice(before);
    printSeen(`${row.id} ${clientVersion(row.version)}`, done, seen);
    requireSuccess(done);
    expect(seen.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
    expect(seen.length).toBeGreaterThan(0);
    return done;
  };
  const plain = (text: string): readonly string[] => row.arguments(text, work);
  const madeByTool = (done: Finished): string =>
    `${done.stdout}${existsSync(join(work, "made.txt")) ? readFileSync(join(work, "made.txt"), "utf8") : ""}`;
  const isClientOfRecords = (): Promise<void> =>
    eventually(async () => {
      const answer = await fetch(`${gateway.url}/api/requests?limit=3`);
      const { requests } = (await answer.json()) as {
        readonly requests: readonly { readonly client: unknown }[];
      };
      expect(new Set(requests.map(({ client }) => client))).toEqual(new Set([row.id]));
    });
  const stateOf = async (): Promise<unknown> => {
    const { clients } = JSON.parse(await clawgate("connect", "--list", row.id, "--json")) as {
      readonly clients: readonly { readonly state: unknown; readonly version: unknown }[];
    };
    return clients.map(({ state, version }) => [state, version]);
  };

  test(
    "text and tool turns by what connect wrote; all of it is taken back",
    async () => {
      settle();
      const filesBefore = await configFiles();
      const told = await clawgate("connect", row.id, "--yes");
      expect(told).toContain("is connected to");
      expect(await stateOf()).toEqual([["connected", clientVersion(row.version)]]);

      const said = await turn([row.name, ...plain("[[say:good morning from the vendor]]")]);
      expect(said.stdout).toContain("good morning from the vendor");
      expect(`${said.stdout}${said.stderr}`).not.toMatch(/model metadata|unknown context window/i);
      await isClientOfRecords();

      expect(madeByTool(await turn([row.name, ...plain(row.tool(work))]))).toContain(note);

      await clawgate("disconnect", row.id, "--yes");
      for (const [name, text] of Object.entries(row.files)) expect(textOf(name)).toBe(text);
      expect(await configFiles()).toEqual(filesBefore);
      expect(await stateOf()).toEqual([["not connected", clientVersion(row.version)]]);
    },
    limitMs,
  );

  /** Which of the files that a connection names are there. */
  const configFiles = async (): Promise<readonly string[]> => {
    const { files } = JSON.parse(await clawgate("connect", row.id, "--dry-run", "--json")) as {
      readonly files: readonly { readonly path: string }[];
    };
    return files.map((each) => each.path).filter((each) => existsSync(each));
  };

  test(
    "a user's edit in between stays",
    async () => {
      settle();
      await clawgate("connect", row.id, "--yes");
      const { path: name, change } = row.edit;
      const edited = change(textOf(name) ?? "");
      expect(edited).not.toBe(textOf(name));
      writeFileSync(inHome(name), edited);
      const said = await turn([row.name, ...plain("[[say:edited]]")]);
      expect(said.stdout).toContain("edited");
      await clawgate("disconnect", row.id, "--yes");
      expect(textOf(name)).toBe(change(row.files[name] ?? ""));
    },
    limitMs,
  );

  test(
    "for once: nothing of the user's is written",
    async () => {
      settle();
      const said = await turn([program, "run", row.id, ...plain("[[say:for this once]]")]);
      expect(said.stdout).toContain("for this once");
      expect(`${said.stdout}${said.stderr}`).not.toMatch(/model metadata|unknown context window/i);
      await isClientOfRecords();
      for (const [name, text] of Object.entries(row.files)) expect(textOf(name)).toBe(text);
    },
    limitMs,
  );

  test(
    "a gateway with keys: a key of its own, for connected turns and for once",
    async () => {
      settle();
      const keyed = await startBinary({ config: configWith([key]) });
      const open = gateway;
      gateway = keyed;
      try {
        await clawgate("connect", row.id, "--yes");
        const said = await turn([row.name, ...plain("[[say:with a key]]")]);
        expect(said.stdout).toContain("with a key");
        const once = await turn([program, "run", row.id, ...plain("[[say:once with a key]]")]);
        expect(once.stdout).toContain("once with a key");
        await clawgate("disconnect", row.id, "--yes");
        for (const [name, text] of Object.entries(row.files)) expect(textOf(name)).toBe(text);
      } finally {
        gateway = open;
        await keyed.stop();
      }
    },
    limitMs,
  );
});
