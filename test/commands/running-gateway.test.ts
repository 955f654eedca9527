import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findGateway, GatewayProblem } from "../../src/commands/running-gateway.ts";
import { version } from "../../src/system/identity.ts";
import { type Home, ownHome } from "./command-run.ts";
import { type StandIn, standInToken, type StandInOptions, startStandIn } from "./stand-in.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();
const home = (): Home => {
  const made = ownHome();
  cleanups.push(made.remove);
  return made;
};
const standIn = async (options: StandInOptions): Promise<StandIn> => {
  const made = await startStandIn(options);
  cleanups.push(made.stop);
  return made;
};
/** A process that was there and is gone. */
const deadPid = async (): Promise<number> => {
  const child = Bun.spawn(["true"]);
  await child.exited;
  return child.pid;
};
const stderr = process.stderr;
const nothing = (): Response => Response.json({});

describe("when none runs", () => {
  test("no run.json: says where it looked and what to do", async () => {
    const own = home();
    const { code, stdout, stderr: said } = await own.run(["reload"]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(said).toContain(`no gateway is running (there is no run.json in ${own.stateDir})`);
    expect(said).toContain('Start one with "clawgate"');
  });

  test("a process that is gone is not asked", async () => {
    const own = home();
    const pid = await deadPid();
    const gateway = await standIn({ stateDir: own.stateDir, pid, answer: nothing });
    const { code, stderr: said } = await own.run(["providers", "reset", "openai"]);
    expect(code).toBe(1);
    expect(said).toContain(`process ${pid}, which wrote run.json, is gone`);
    expect(gateway.heard).toEqual([]);
  });

  test("a living process without a gateway behind its address", async () => {
    const own = home();
    const gateway = await standIn({ stateDir: own.stateDir, answer: nothing });
    gateway.stop();
    const { code, stderr: said } = await own.run(["reload"]);
    expect(code).toBe(1);
    expect(said).toContain(`no gateway answers at ${gateway.url}`);
  });

  test("another program at the address never sees the token", async () => {
    const own = home();
    const seen: (string | null)[] = [];
    const foreign = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        seen.push(request.headers.get("authorization"));
        return Response.json({ hello: "world" });
      },
    });
    cleanups.push(() => foreign.stop(true));
    mkdirSync(own.stateDir, { mode: 0o700 });
    const run = { pid: process.pid, url: `http://127.0.0.1:${foreign.port}`, token: standInToken };
    writeFileSync(join(own.stateDir, "run.json"), JSON.stringify(run), { mode: 0o600 });
    const { code, stderr: said } = await own.run(["reload"]);
    expect(code).toBe(1);
    expect(said).toContain("no gateway answers");
    expect(said).not.toContain(standInToken);
    expect(seen).toEqual([null]);
  });

  test("a broken run.json counts as none", async () => {
    const own = home();
    mkdirSync(own.stateDir, { mode: 0o700 });
    writeFileSync(join(own.stateDir, "run.json"), "{");
    expect((await own.run(["reload"])).stderr).toContain("no gateway is running");
  });

  test("the state directory may be named beside a config that was named, as for the gateway, and nowhere else", async () => {
    const own = home();
    const elsewhere = join(own.dir, "elsewhere");
    const gateway = await standIn({ stateDir: elsewhere, answer: () => Response.json({ ok: true }) });
    writeFileSync(join(own.dir, ".env"), `CLAWGATE_STATE_DIR=${elsewhere}\n`);
    const environment = { CLAWGATE_STATE_DIR: undefined };
    const unnamed = await own.run(["reload"], { environment });
    expect(unnamed.code).toBe(1);
    expect(unnamed.stderr).toContain(`CLAWGATE_STATE_DIR is not taken from ${join(own.dir, ".env")}`);
    writeFileSync(join(own.dir, "named.yaml"), "");
    const ran = await own.run(["reload", "--config", "named.yaml"], { environment });
    expect(ran.code).toBe(0);
    expect(gateway.heard.map(({ path }) => path)).toEqual(["/health", "/api/reload"]);
  });
});

describe("asking it", () => {
  test("the token is on every question but the first greeting", async () => {
    const own = home();
    const gateway = await standIn({ stateDir: own.stateDir, answer: () => Response.json({ fine: true }) });
    const found = await findGateway({ stderr }, { CLAWGATE_STATE_DIR: own.stateDir });
    if ("why" in found) throw new Error(found.why);
    expect(found).toMatchObject({ url: gateway.url, pid: process.pid });
    const body = await found.askForBody({
      method: "POST",
      path: "/api/x?y=1",
      body: { a: 1 },
      headers: { "x-b": "c" },
    });
    expect(body).toEqual({ fine: true });
    expect(gateway.heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /health",
      "POST /api/x?y=1",
    ]);
    expect(gateway.heard[0]?.headers.get("authorization")).toBeNull();
    expect(gateway.heard[1]?.headers.get("authorization")).toBe(`Bearer ${standInToken}`);
    expect(gateway.heard[1]?.headers.get("x-b")).toBe("c");
    expect(gateway.heard[1]?.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(gateway.heard[1]?.body ?? "")).toEqual({ a: 1 });
  });

  test("an error answer becomes the gateway's own words, without controls", async () => {
    const own = home();
    await standIn({
      stateDir: own.stateDir,
      answer: () =>
        Response.json({ error: { message: "No such\u001b[31m thing.", code: null } }, { status: 404 }),
    });
    const found = await findGateway({ stderr }, { CLAWGATE_STATE_DIR: own.stateDir });
    if ("why" in found) throw new Error(found.why);
    const problem = await found
      .askForBody({ method: "GET", path: "/api/x" })
      .catch((thrown: unknown) => thrown);
    expect(problem).toBeInstanceOf(GatewayProblem);
    expect(problem).toMatchObject({ message: "No such [31m thing.", status: 404 });
  });

  test("no answer in time, and an answer that is no JSON", async () => {
    const own = home();
    const gate = Promise.withResolvers<Response>();
    cleanups.push(() => gate.resolve(new Response("late")));
    await standIn({
      stateDir: own.stateDir,
      answer: ({ path }) => (path === "/slow" ? gate.promise : new Response("<html>")),
    });
    const found = await findGateway({ stderr }, { CLAWGATE_STATE_DIR: own.stateDir });
    if ("why" in found) throw new Error(found.why);
    await expect(found.ask({ method: "GET", path: "/slow", timeoutMs: 20 })).rejects.toThrow(
      "did not answer within",
    );
    await expect(found.ask({ method: "GET", path: "/page" })).rejects.toThrow("is not JSON");
  });

  test("another version is said, and the command goes on", async () => {
    const own = home();
    await standIn({
      stateDir: own.stateDir,
      version: "0.0.1-old",
      answer: () => Response.json({ ok: true, changed: { providers: {}, sections: [] } }),
    });
    const { code, stdout, stderr: said } = await own.run(["reload"]);
    expect(code).toBe(0);
    expect(said).toContain("the running gateway is version 0.0.1-old");
    expect(said).toContain(version);
    expect(stdout).toContain("nothing has changed");
  });
});
