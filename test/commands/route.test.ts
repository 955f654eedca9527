import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../src/canon/failure.ts";
import { sampleEndpoints, sampleRequest } from "../../src/commands/sample-request.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { endpoints } from "../../src/pipeline/endpoints.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Home, ownHome } from "./command-run.ts";
import { startStandIn } from "./stand-in.ts";

const cleanups = cleanupsAfterEach();
const newHome = (): Home => {
  const home = ownHome();
  cleanups.push(home.remove);
  return home;
};

// Nobody listens there: an explanation that called anybody would fail.
const nobody = "http://127.0.0.1:9";
const config = {
  providers: {
    flash: {
      base_url: nobody,
      api_key: "k-0123456789",
      models: [{ id: "flash-1", capabilities: { tools: true, vision: false } }],
      pricing: { input: 1, output: 2 },
    },
    deep: { base_url: nobody, api_key: "k-0123456789", model: "deep-1" },
  },
  fallback_chain: ["flash", "deep"],
  static_rules: {
    enabled: true,
    rules: [
      { name: "pinned", match: { model_requested: "deepest" }, route_to: "deep" },
      { name: "beta", match: { header_contains: { "x-lane": "deep" } }, route_to: "deep" },
    ],
  },
};

async function open(): Promise<{ readonly home: Home; readonly gateway: TestGateway }> {
  const home = newHome();
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({ config, environment: { CLAWGATE_STATE_DIR: home.stateDir } }),
  );
  return { home, gateway };
}

describe("asked of the running gateway", () => {
  test("headline, reason, facts, every candidate", async () => {
    const { home, gateway } = await open();
    const { code, stdout, stderr } = await home.run(["route", "hello there", "--tools"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^-> flash \/ flash-1 {2}by (?:fallback|heuristic) rule \S+ \([\d.]+\)$/);
    expect(lines[2]).toMatch(/^ {3}about \d+ tokens, cost about \$0\.\d+, .*tools/);
    expect(lines[3]).toBe("   passed on unchanged");
    expect(stdout).toMatch(/^-> +flash \/ flash-1 +\$0\.\d+ +\S/m);
    expect(stdout).toMatch(/^\+ +deep \/ deep-1 +- +\S/m);
    expect(gateway.records()).toEqual([]);
  });

  test("--json is the whole answer of the API", async () => {
    const { home } = await open();
    const { stdout } = await home.run(["route", "hello", "--json", "--model", "deep"]);
    expect(JSON.parse(stdout)).toMatchObject({
      provider: "deep",
      model: "deep-1",
      layer: "direct",
      rule: "explicit-model",
      confidence: 1,
      reason: expect.any(String),
      elapsed_ms: expect.any(Number),
      facts: expect.any(Object),
      candidates: expect.any(Array),
      estimated_tokens: expect.any(Number),
    });
  });

  test("a request in another format says that it would be translated, and what is lost", async () => {
    const { home } = await open();
    const path = join(home.dir, "body.json");
    const messages = [{ role: "user", content: "hello" }];
    writeFileSync(path, JSON.stringify({ model: "deep", max_tokens: 100, top_k: 3, messages }));
    const { stdout } = await home.run(["route", "--door", "messages", "--file", path]);
    expect(stdout.split("\n")[3]).toBe(
      "   translated: the provider speaks another format; changes: top-k-dropped",
    );
  });

  test("a header and a requested model reach the rules", async () => {
    const { home } = await open();
    const byHeader = await home.run(["route", "hello", "--header", "x-lane=deep"]);
    expect(byHeader.stdout).toStartWith("-> deep / deep-1  by static rule beta (");
    const byModel = await home.run(["route", "hello", "--model", "deepest"]);
    expect(byModel.stdout).toStartWith("-> deep / deep-1  by static rule pinned (");
  });

  test("an image drops who cannot see", async () => {
    const { home } = await open();
    const { stdout } = await home.run(["route", "what is this?", "--images"]);
    expect(stdout).toStartWith("-> deep / deep-1");
    expect(stdout).toMatch(/^x +flash \/ flash-1 /m);
  });

  test("--tenant: with that tenant's restrictions, with or without a gateway; an unknown one is named", async () => {
    const tenants = [{ name: "alice", api_key: "alice-key-0123456789", models: ["auto"], provider: "deep" }];
    const withTenants = { ...config, tenants };
    const home = newHome();
    const path = join(home.dir, "config.yaml");
    writeFileSync(path, JSON.stringify(withTenants));
    const offline = await home.run(["route", "hello", "--tenant", "alice", "--config", path]);
    expect(offline.stdout).toStartWith("-> deep / deep-1  for alice, by ");
    cleanups.stopAtEnd(
      await startTestGateway({
        config: withTenants,
        environment: { CLAWGATE_STATE_DIR: home.stateDir },
      }),
    );
    const online = await home.run(["route", "hello", "--tenant", "alice", "--json"]);
    expect(online.stderr).toBe("");
    expect(JSON.parse(online.stdout)).toMatchObject({ tenant: "alice", rule: "tenant-provider" });
    expect((await home.run(["route", "hello", "--tenant", "alice", "--model", "flash"])).code).toBe(1);
    const unknown = await home.run(["route", "hello", "--tenant", "alcie"]);
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining('There is no tenant "alcie". Did you mean "alice"?'),
    ]);
  });

  test("cooldowns count", async () => {
    const { home, gateway } = await open();
    for (let count = 0; count < 5; count++)
      gateway.app.services.health.failed("flash", "flash-1", new Failure("overloaded", "busy"));
    expect((await home.run(["route", "hello"])).stdout).toStartWith("-> deep / deep-1");
  });

  test("every endpoint", async () => {
    const { home } = await open();
    for (const door of sampleEndpoints) {
      const { code, stdout, stderr } = await home.run(["route", "hello", "--door", door, "--tools"]);
      expect({ door, code, stderr }).toEqual({ door, code: 0, stderr: "" });
      expect(stdout).toStartWith("-> flash / flash-1");
    }
  });

  test("a request file of any shape, with another model", async () => {
    const { home } = await open();
    const body = {
      model: "auto",
      max_tokens: 5,
      system: "Short.",
      messages: [{ role: "user", content: "hi" }],
    };
    writeFileSync(join(home.dir, "request.json"), JSON.stringify(body));
    expect((await home.run(["route", "--file", "request.json"])).stdout).toStartWith("-> flash / flash-1");
    const other = await home.run(["route", "--file", "request.json", "--model", "deep"]);
    expect(other.stdout).toStartWith("-> deep / deep-1  by direct rule explicit-model (1)");
  });

  test("a failure prints its message, exit code 1", async () => {
    const { home } = await open();
    const { code, stdout, stderr } = await home.run(["route", "hello", "--model", "falsh"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain('The model "falsh" does not exist here. Did you mean "flash"?');
    const asJson = await home.run(["route", "hello", "--model", "falsh", "--json"]);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stdout)).toEqual({
      error: { message: expect.stringContaining('Did you mean "flash"?') },
    });
  });
});

describe("without a gateway", () => {
  test("the config alone answers, and says so", async () => {
    const home = newHome();
    writeFileSync(join(home.dir, "config.yaml"), JSON.stringify(config), { mode: 0o600 });
    const { code, stdout, stderr } = await home.run(["route", "hello", "there", "--header", "x-lane=deep"]);
    expect(code).toBe(0);
    expect(stdout).toStartWith("-> deep / deep-1  by static rule beta (");
    expect(stderr).toContain(`computed from ${join(home.dir, "config.yaml")}`);
    const wrong = await home.run(["route", "hello", "--model", "falsh"]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('Did you mean "flash"?');
  });

  test("a config that is not valid: exit code 78", async () => {
    const home = newHome();
    writeFileSync(join(home.dir, "config.yaml"), "providers:\n  a: { bakend: demo }\n");
    const { code, stderr } = await home.run(["route", "hello"]);
    expect(code).toBe(78);
    expect(stderr).toContain("config.yaml:2");
  });
});

describe("options", () => {
  test.each([
    [["hello", "--door", "chta"], "did you mean chat?"],
    [["hello", "--header", "nonsense"], "write it as name=value"],
    [["hello", "--header", "authorization=Bearer x"], "--header authorization cannot be set here"],
    [["hello", "--header", "x-forwarded-for=1.2.3.4"], "cannot be set here"],
    [["hello", "--header", "x-a=ä"], "not printable ASCII"],
    [["hello", "--file", "r.json"], "not both"],
    [["--file", "r.json", "--tools"], "exclude --file"],
    [["--file", "nowhere.json"], "there is no file"],
    [["--file", "broken.json"], "is not JSON"],
    [["--file", "list.json"], "does not contain a JSON object"],
  ])("%j is refused", async (args, words) => {
    const home = newHome();
    writeFileSync(join(home.dir, "broken.json"), "{");
    writeFileSync(join(home.dir, "list.json"), "[]");
    const { code, stdout, stderr } = await home.run(["route", ...args]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain(words);
  });

  test("what is sent: body, endpoint and headers, the token untouched", async () => {
    const home = newHome();
    const standIn = await startStandIn({
      stateDir: home.stateDir,
      answer: () => Response.json({ error: { message: "No." } }, { status: 400 }),
    });
    cleanups.push(standIn.stop);
    await home.run(["route", "hi", "--door", "messages", "--header", "User-Agent=openclaw/1"]);
    const [, asked] = standIn.heard;
    expect(asked?.path).toBe("/api/route?door=messages");
    expect(asked?.headers.get("user-agent")).toBe("openclaw/1");
    expect(JSON.parse(asked?.body ?? "")).toMatchObject({
      model: "auto",
      messages: [{ role: "user", content: "hi" }],
    });
  });
});

test.each(sampleEndpoints.map((name) => [name] as const))(
  "the sample of %s is a request of that endpoint",
  (name) => {
    const endpoint = endpoints.find((each) => each.name === name && each.kind === "chat");
    if (endpoint === undefined) throw new Error(`there is no endpoint ${name}`);
    const body = sampleRequest(name, { text: "Hello?", model: "auto", hasTools: true, hasImages: true });
    const decoded = dialects[endpoint.dialect].client.decodeRequest(body);
    const [message] = decoded.messages;
    expect(message?.content.map((block) => block.type)).toEqual(["text", "image"]);
    expect(message?.content[0]).toMatchObject({ text: "Hello?" });
    expect(decoded.tools.map((tool) => tool.name)).toEqual(["get_weather"]);
  },
);
