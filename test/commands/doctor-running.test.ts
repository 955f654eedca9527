// `clawgate doctor` beside a gateway that runs: what is in force there counts, not what this terminal would make of it.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import type { Finding } from "../../src/operator/examination/finding.ts";
import { hasOpenssl, selfSigned } from "../support/certificate.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { type Home, ownHome, type Ran } from "./command-run.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();
const newHome = (): Home => {
  const home = ownHome();
  cleanups.push(home.remove);
  return home;
};
const findingsOf = ({ stdout }: Ran): readonly Finding[] =>
  (JSON.parse(stdout) as { findings: Finding[] }).findings;
const find = (ran: Ran, section: string, id: string): Finding | undefined =>
  findingsOf(ran).find((each) => each.section === section && each.id === id);
const isPortable = (each: Finding): boolean => each.section !== "cli" && each.section !== "memory";

/** One that has a variable which this terminal lacks. */
const config = (more = ""): string =>
  `providers:\n  one: { base_url: "http://127.0.0.1:9", api_key: "\${ONLY_THERE}", model: m-1 }\n${more}`;
async function start(more = ""): Promise<RunningBinary> {
  return cleanups.stopAtEnd(
    await startBinary({
      config: config(more),
      env: { ONLY_THERE: "key-0123456789abc", LOG_LEVEL: "warn" },
    }),
  );
}
const doctor = (home: Home, gateway: RunningBinary, args: readonly string[] = []): Promise<Ran> =>
  home.run(["doctor", "--quick", "--json", ...args], {
    environment: { CLAWGATE_STATE_DIR: gateway.stateDir },
  });

describe("a gateway that runs", () => {
  test("its file, its overrides and its providers, wherever the command is started", async () => {
    const gateway = await start();
    const home = newHome();
    writeFileSync(join(home.dir, "config.yaml"), "nonsense: true\n", { mode: 0o600 });
    const ran = await doctor(home, gateway);
    expect(find(ran, "gateway", "config")?.title).toBe(`active config: ${gateway.configPath}`);
    expect(find(ran, "gateway", "override.server.log_level")).toMatchObject({
      title: "server.log_level: warn",
      detail: "set by LOG_LEVEL, which overrides the file",
    });
    expect(find(ran, "gateway", "override.server.port")?.detail).toBe(
      "set by --port, which overrides the file",
    );
    expect(find(ran, "providers", "one")).toMatchObject({ state: "ok", detail: "healthy" });
    expect(findingsOf(ran).filter((each) => each.state === "failed" && isPortable(each))).toEqual([]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).not.toContain("key-0123456789abc");
    expect(ran.stdout).not.toContain("nonsense");
  });

  test("a file that is not valid any more: since when, what is wrong, and that the old one is in force", async () => {
    const gateway = await start();
    writeFileSync(gateway.configPath, `${config()}server: { prot: 1 }\n`);
    await gateway.waitForOutput("the new config is not valid");
    const ran = await doctor(newHome(), gateway);
    expect(ran.code).toBe(1);
    expect(find(ran, "config", "disk")).toMatchObject({
      state: "failed",
      title: expect.stringMatching(/on disk is not valid \(since \d{4}-\d\d-\d\dT/),
      advice: expect.stringContaining("keeps the previous config"),
    });
    const problems = findingsOf(ran).filter(({ id, state }) => id === "problem" && state === "failed");
    expect(problems.map(({ title }) => title)).toEqual([expect.stringContaining("server.prot: unknown key")]);
    expect(find(ran, "gateway", "running")).toMatchObject({ state: "warning" });
  });

  test("what takes effect only after a restart, and a command that reads another file", async () => {
    const gateway = await start();
    writeFileSync(gateway.configPath, config("metrics: { retention_days: 3 }\n"));
    await gateway.waitForOutput("takes effect only after a restart");
    const home = newHome();
    const other = join(home.dir, "other.yaml");
    writeFileSync(other, "providers: {demo: {backend: demo}}\n", { mode: 0o600 });
    const ran = await doctor(home, gateway, ["--config", other]);
    expect(find(ran, "config", "restart")?.title).toBe(
      "takes effect only after a restart: metrics.retention_days",
    );
    expect(find(ran, "config", "other")).toMatchObject({
      state: "warning",
      title: `this command looked at ${other}`,
      detail: `the running gateway was started with ${gateway.configPath}`,
    });
  });
});

// Elsewhere nobody can see who has a directory.
describe.skipIf(process.platform !== "linux")("one that cannot be asked", () => {
  test("that hangs, or has no run.json, still owns the state directory, so that no other can start with it", async () => {
    const gateway = await start();
    process.kill(gateway.pid, "SIGSTOP");
    cleanups.push(() => process.kill(gateway.pid, "SIGCONT"));
    const hanging = await doctor(newHome(), gateway);
    expect(hanging.code).toBe(1);
    expect(find(hanging, "gateway", "running")).toMatchObject({
      state: "failed",
      title: `process ${gateway.pid} owns the state directory but does not answer`,
      detail: expect.stringContaining(`no gateway answers at ${gateway.url}`),
    });
    rmSync(join(gateway.stateDir, "run.json"));
    const untold = await doctor(newHome(), gateway);
    expect([untold.code, find(untold, "gateway", "running")]).toEqual([
      1,
      expect.objectContaining({
        state: "failed",
        detail: expect.stringContaining("it contains no run.json"),
      }),
    ]);
  });
});

describe("without one", () => {
  test("what is ignored in the folder is told when the config is wrong as well", async () => {
    const home = newHome();
    const path = join(home.dir, "config.yaml");
    writeFileSync(path, "providers: {demo: {backend: demo}}\n");
    chmodSync(path, 0o666);
    writeFileSync(join(home.dir, ".env"), "CLAUDE_BIN=/tmp/x\nPORT=1\n", { mode: 0o600 });
    mkdirSync(join(home.dir, ".config", "clawgate"), { recursive: true });
    writeFileSync(join(home.dir, ".config", "clawgate", "config.yaml"), "server: { prot: 1 }\n");
    const ran = await home.run(["doctor", "--quick", "--json"]);
    expect(ran.code).toBe(1);
    const notices = findingsOf(ran).filter(({ id }) => id === "notice");
    expect(notices.map(({ title }) => title).join("\n")).toContain(`${path} was not read: `);
    expect(notices.map(({ title }) => title).join("\n")).toContain(
      `not taken from ${join(home.dir, ".env")}: CLAUDE_BIN`,
    );
  });

  test("a name that only begins like this machine is another one", async () => {
    const home = newHome();
    for (const [host, state] of [
      ["127.0.0.1.example.com", "warning"],
      ["localhost.example.com", "warning"],
      ["127.9.9.9", "ok"],
      ["::1", "ok"],
      ["localhost", "ok"],
    ]) {
      const keys = { keys: ["a-key-of-a-client-0123"] };
      const text = JSON.stringify({
        providers: { demo: { backend: "demo" } },
        server: { host, port: 0 },
        auth: keys,
      });
      writeFileSync(join(home.dir, "config.yaml"), text, { mode: 0o600 });
      expect([
        host,
        find(await home.run(["doctor", "--quick", "--json"]), "config", "exposure")?.state,
      ]).toEqual([host, state]);
    }
  });

  test("NODE_EXTRA_CA_CERTS that cannot be used", async () => {
    const home = newHome();
    writeFileSync(join(home.dir, "config.yaml"), "providers: {demo: {backend: demo}}\n", { mode: 0o600 });
    const environment = { NODE_EXTRA_CA_CERTS: "/nonexistent/ca.pem" };
    const ran = await home.run(["doctor", "--quick", "--json"], { environment });
    expect(find(ran, "program", "certificates.file")).toMatchObject({
      state: "warning",
      title: "NODE_EXTRA_CA_CERTS: /nonexistent/ca.pem does not exist",
    });
  });

  test.skipIf(!hasOpenssl)("a vendor whose chain is not trusted, found out without a request", async () => {
    let requests = 0;
    const server = createServer(selfSigned(), (_, answer) => {
      requests += 1;
      answer.end();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const home = newHome();
    const one = { base_url: `https://localhost:${port}`, api_key: "k-0123456789", model: "m" };
    const far = { ...one, base_url: "https://127.0.0.1:9" };
    writeFileSync(
      join(home.dir, "config.yaml"),
      JSON.stringify({ providers: { one, two: one, far }, server: { port: 0 } }),
      { mode: 0o600 },
    );
    const ran = await home.run(["doctor", "--json"]);
    expect(ran.code).toBe(1);
    const found = findingsOf(ran).filter(({ id }) => id.endsWith(".certificate"));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      state: "failed",
      title: "one, two",
      detail: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
    });
    expect(requests).toBe(0);
  });
});
