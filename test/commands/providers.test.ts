import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../src/canon/failure.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type Home, ownHome } from "./command-run.ts";
import { startStandIn } from "./stand-in.ts";

const cleanups = cleanupsAfterEach();

type Open = { readonly home: Home; readonly gateway: TestGateway; readonly vendor: Upstream };

const vendorKey = "vendor-key-0123456789";

async function open(config: object = {}): Promise<Open> {
  const home = ownHome();
  cleanups.push(home.remove);
  const vendor = cleanups.stopAtEnd(startUpstream({ keys: [vendorKey] }));
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({
      config: { ...configFor(vendor.url), ...config },
      environment: { CLAWGATE_STATE_DIR: home.stateDir, NOBODYS_KEY: "" },
    }),
  );
  return { home, gateway, vendor };
}

const configFor = (vendorUrl: string): object => ({
  providers: {
    good: {
      base_url: vendorUrl,
      api_key: vendorKey,
      models: ["fake-large", "fake-small"],
      pricing: { input: 1, output: 2 },
    },
    wrong: { base_url: vendorUrl, api_key: "another-key-0123456789", model: "fake-large" },
    absent: { base_url: vendorUrl, api_key: "${NOBODYS_KEY:-}", model: "fake-large" },
  },
});

const offlineHome = (config: object): Home => {
  const home = ownHome();
  cleanups.push(home.remove);
  writeFileSync(join(home.dir, "config.yaml"), JSON.stringify(config), { mode: 0o600 });
  return home;
};

describe("list", () => {
  test("how much of a key's quota is used, as its vendor said last", async () => {
    const { home, gateway } = await open();
    const { health } = gateway.app.services;
    const headers = new Headers({
      "x-ratelimit-limit-requests": "100",
      "x-ratelimit-remaining-requests": "9",
      "x-ratelimit-limit-tokens": "100",
      "x-ratelimit-remaining-tokens": "80",
    });
    health.recordAllowance("good", null, headers);
    expect((await home.run(["providers"])).stdout).toMatch(/^good .*requests 91 % used/m);
    health.recordAllowance("wrong", null, {
      rateLimitType: "five_hour",
      status: "allowed_warning",
      utilization: 0.82,
      resetsAt: 1_796_050_800,
    });
    expect((await home.run(["providers"])).stdout).toMatch(
      /^wrong .*five_hour 82 % used until 2026-11-30 15:00 UTC/m,
    );
  });

  test("a table of states, retries, latencies and errors", async () => {
    const { home, gateway } = await open();
    const { health } = gateway.app.services;
    for (let count = 0; count < 5; count++)
      health.failed("wrong", "fake-large", new Failure("overloaded", "The vendor is busy\u001b[31m today."));
    const { code, stdout, stderr } = await home.run(["providers"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [head, first, second, third] = stdout.split("\n");
    expect(head).toMatch(/^provider +backend +model +state +retry in +latency +today +last error$/);
    expect(first).toMatch(/^good +openai-compat +fake-large \+1 +healthy +0$/);
    expect(second).toMatch(
      /^wrong +openai-compat +fake-large +open +\d+ s +0 +overloaded: The vendor is busy \[31m today\.$/,
    );
    expect(third).toStartWith("not loaded: absent, ");
  });

  test("a rejected key, and the requests of today", async () => {
    const { home, gateway } = await open();
    for (const model of ["good", "wrong"]) {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-clawgate-fallback": "off" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "[[say:hello]]" }] }),
      });
      await answer.text();
    }
    const { stdout } = await home.run(["providers", "list", "--json"]);
    const report = JSON.parse(stdout) as { running: boolean; providers: Record<string, unknown>[] };
    expect(report.running).toBe(true);
    expect(report.providers).toMatchObject([
      { id: "good", state: "healthy", requests_today: 1, avg_latency_ms: expect.any(Number) },
      { id: "wrong", state: "rejected", retry_in_s: expect.any(Number) },
    ]);
    expect(stdout).not.toContain(vendorKey);
    expect(stdout).not.toContain("another-key");
  });

  test("colour on a terminal only, and none with NO_COLOR", async () => {
    const { home } = await open();
    expect((await home.run(["providers"], { columns: 120 })).stdout).toContain("\u001b[32mhealthy\u001b[0m");
    const plain = await home.run(["providers"], { columns: 120, environment: { NO_COLOR: "1" } });
    expect(plain.stdout).not.toContain("\u001b");
    expect((await home.run(["providers"])).stdout).not.toContain("\u001b");
  });

  test("a narrow terminal gets a short paragraph a provider, within its width", async () => {
    const { home } = await open();
    const { stdout } = await home.run(["providers"], { columns: 30, environment: { NO_COLOR: "1" } });
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("good");
    expect(lines[1]).toBe("  backend: openai-compat");
    for (const line of lines.filter((each) => !each.startsWith("not loaded")))
      expect(line.length).toBeLessThanOrEqual(30);
  });

  test("without a gateway: what the config says", async () => {
    const home = offlineHome(configFor("http://127.0.0.1:9"));
    const { code, stdout, stderr } = await home.run(["providers"]);
    expect(code).toBe(0);
    expect(stderr).toContain("no gateway is running");
    expect(stderr).toContain("this is what the config declares.");
    expect(stdout).toMatch(/^good +openai-compat +fake-large \+1$/m);
    expect(stdout).toContain("not loaded: absent, ");
    const json = JSON.parse((await home.run(["providers", "--json"])).stdout) as { running: boolean };
    expect(json).toMatchObject({
      running: false,
      providers: [{ id: "good", state: "unknown" }, { id: "wrong" }],
    });
  });

  test("without a gateway and without a config: what was found", async () => {
    const home = offlineHome({});
    rmSync(join(home.dir, "config.yaml"), { force: true });
    const { code, stdout, stderr } = await home.run(["providers"], {
      environment: { GROQ_API_KEY: "key-of-a-test-0123" },
    });
    expect(code).toBe(0);
    expect(stderr).toContain("this is what was found on this machine.");
    expect(stdout).toContain("groq");
  });

  test("without a gateway and with a wrong config: its place, exit code 78", async () => {
    const home = offlineHome({});
    writeFileSync(join(home.dir, "config.yaml"), "server:\n  prot: 1\n");
    const { code, stderr } = await home.run(["providers"]);
    expect(code).toBe(78);
    expect(stderr).toContain("config.yaml:2 server.prot");
  });
});

describe("reset", () => {
  test("closes the circuit", async () => {
    const { home, gateway } = await open();
    const { health } = gateway.app.services;
    for (let count = 0; count < 5; count++)
      health.failed("good", "fake-large", new Failure("overloaded", "busy"));
    expect(health.view("good").circuit).toBe("open");
    expect(await home.run(["providers", "reset", "good"])).toEqual({
      code: 0,
      stdout: "good was reset: the next request may go there.\n",
      stderr: "",
    });
    expect(health.view("good").circuit).toBe("closed");
    expect(JSON.parse((await home.run(["providers", "reset", "good", "--json"])).stdout)).toEqual({
      ok: true,
      provider: "good",
    });
  });

  test("an unknown id names the nearest one, a skipped one why", async () => {
    const { home } = await open();
    const unknown = await home.run(["providers", "reset", "goood"]);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain('There is no provider "goood". Did you mean "good"?');
    expect((await home.run(["providers", "reset", "absent"])).stderr).toContain("configured but not loaded");
  });

  test("the token opens it where an admin key is set", async () => {
    const { home, gateway } = await open({
      auth: { keys: ["client-key-0123456789"], admin_key: "admin-key-0123456789" },
    });
    expect((await fetch(`${gateway.url}/api/providers`)).status).toBe(401);
    expect((await home.run(["providers", "reset", "good"])).code).toBe(0);
    expect((await home.run(["providers"])).code).toBe(0);
    expect((await home.run(["route", "hello"])).code).toBe(0);
  });
});

describe("test", () => {
  test("a good and a bad provider: facts, the error, what to do, exit code 1", async () => {
    const { home, gateway, vendor } = await open();
    const { code, stdout, stderr } = await home.run(["providers", "test"]);
    expect(code).toBe(1);
    expect(stderr).toContain("may cost a fraction of a cent");
    expect(stdout).toMatch(/^ok {6}good \/ fake-large {2}\d+ ms, \d+ tokens in, \d+ out, \$0\.0\d+$/m);
    expect(stdout).toMatch(/^failed {2}wrong \/ fake-large {2}after \d+ ms$/m);
    expect(stdout).toContain("credentials-rejected: ");
    expect(stdout).toContain("Check the provider's api_key");
    expect(stdout).not.toContain("another-key");
    const record = await gateway.waitForRecord((each) => each.provider === "good");
    expect(record).toMatchObject({
      tags: ["provider-test"],
      rule: "provider-test",
      status: 200,
      attempts: [{ outcome: "ok" }],
    });
    const sent = vendor.requests.filter((request) => request.method === "POST" && request.status === 200);
    expect(sent).toHaveLength(1);
    expect(JSON.stringify(sent[0]?.body)).toContain("Reply with the word OK.");
    expect(sent[0]?.body["max_tokens"]).toBe(16);
    await gateway.assertClean();
  });

  test("one provider and another model, as JSON", async () => {
    const { home } = await open();
    const { code, stdout } = await home.run(["providers", "test", "good", "--model", "fake-small", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tests: [{ provider: "good", model: "fake-small", ok: true, error: null, cost_usd: expect.any(Number) }],
    });
  });

  test("an unknown id", async () => {
    const { home } = await open();
    const { code, stderr } = await home.run(["providers", "test", "god"]);
    expect(code).toBe(1);
    expect(stderr).toContain('There is no provider "god". Did you mean "good"?');
  });

  test("a provider that rests is asked all the same", async () => {
    const { home, gateway } = await open();
    const { health } = gateway.app.services;
    for (let count = 0; count < 5; count++)
      health.failed("good", "fake-large", new Failure("overloaded", "busy"));
    expect((await home.run(["providers", "test", "good"])).code).toBe(0);
  });

  test("without a gateway it is sent from here", async () => {
    const vendor = cleanups.stopAtEnd(startUpstream({ keys: [vendorKey] }));
    const home = offlineHome(configFor(vendor.url));
    const { code, stdout, stderr } = await home.run(["providers", "test", "good"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ok {6}good \/ fake-large/) });
    expect(stderr).toContain("testing from here");
    const bad = await home.run(["providers", "test", "wrong"]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toContain("credentials-rejected");
    expect((await home.run(["providers", "test", "absent"])).stderr).toContain("configured but not loaded");
  });
});

describe("catalog", () => {
  test("rows with address, key variable, models, prices and their date", async () => {
    const home = ownHome();
    cleanups.push(home.remove);
    const set = { environment: { ANTHROPIC_API_KEY: "sk-ant-0123456789" } };
    const { code, stdout } = await home.run(["providers", "catalog"], set);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^anthropic {2}Anthropic, anthropic\n {2}https:\/\/api\.anthropic\.com\/v1\n {2}ANTHROPIC_API_KEY \(set\)$/m,
    );
    expect(stdout).toMatch(/^ {2}OPENAI_API_KEY \(not set\)$/m);
    expect(stdout).toMatch(/genai-prices \S+ \(\d{4}-\d\d-\d\d\)/);
    expect(stdout).not.toContain("sk-ant-0123456789");
    const json = JSON.parse(
      (await home.run(["providers", "catalog", "anthropic", "--json"], set)).stdout,
    ) as {
      vendors: { id: string; set_variable: string; models: { input_usd_per_million: number | null }[] }[];
    };
    expect(json.vendors).toHaveLength(1);
    expect(json.vendors[0]).toMatchObject({ id: "anthropic", set_variable: "ANTHROPIC_API_KEY" });
    expect(json.vendors[0]?.models.some((model) => (model.input_usd_per_million ?? 0) > 0)).toBe(true);
  });

  test("one vendor, and the nearest to a mistyped one", async () => {
    const home = ownHome();
    cleanups.push(home.remove);
    expect((await home.run(["providers", "catalog", "ollama"])).stdout).toContain(
      "the models that the server lists",
    );
    const wrong = await home.run(["providers", "catalog", "antropic"]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain('Did you mean "anthropic"?');
  });
});

test("a gateway that refuses is heard out", async () => {
  const home = ownHome();
  cleanups.push(home.remove);
  const standIn = await startStandIn({
    stateDir: home.stateDir,
    answer: () => Response.json({ error: { message: "The key was not accepted." } }, { status: 401 }),
  });
  cleanups.push(standIn.stop);
  expect(await home.run(["providers"])).toEqual({
    code: 1,
    stdout: "",
    stderr: "clawgate: The key was not accepted.\n",
  });
});
