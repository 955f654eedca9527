// The files of the container image as text: what the image promises, how compose wires OpenClaw to it, and what is entered into
// OpenClaw's settings. test/heavy/container.heavy.ts builds the image and runs it.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { baseUrl } from "../../src/openclaw/provider-entry.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();
const folder = join(import.meta.dir, "..", "..", "scripts", "packaging", "container");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

type Service = {
  readonly image: string;
  readonly user?: string;
  readonly environment?: Record<string, string>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Record<string, { condition: string }>;
  readonly healthcheck?: { test: readonly string[] };
};
type Compose = {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
  readonly configs: Record<string, { file: string }>;
};
const compose = parse(read("compose.yaml")) as Compose;

/** Instructions with their lines joined, comments left out. */
const instructions = read("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, " ")
  .split("\n")
  .filter((line) => line.trim() !== "");

describe("the image", () => {
  const last = instructions.findLastIndex((line) => line.startsWith("FROM "));
  const final = instructions.slice(last);

  test("its last stage runs nothing of the builder and ends as a user without rights", () => {
    expect(final.filter((line) => /^(?:RUN|ADD|SHELL) /.test(line))).toEqual([]);
    expect(final.findLast((line) => line.startsWith("USER "))).toBe("USER 65532:65532");
    const owned = final.find((line) => line.startsWith("COPY") && line.endsWith(" /data"));
    expect(owned).toContain("--chown=65532:65532");
  });

  test("it is checked by the program itself, in the form that needs no shell", () => {
    const [command] = final.filter((line) => line.startsWith("HEALTHCHECK "));
    expect(command).toContain('CMD ["/usr/bin/clawgate", "health"]');
    expect(final).toContain('ENTRYPOINT ["/usr/bin/clawgate"]');
  });

  test("no secret can become a layer: what is copied is named, and the ignore file leaves out the rest", () => {
    const copied = instructions
      .filter((line) => /^(?:COPY|ADD) /.test(line) && !line.includes("--from="))
      .flatMap((line) => line.split(" ").slice(1, -1));
    expect(copied.toSorted()).toEqual(
      [
        ".gi[t]",
        "LICENSE",
        "bun.lock",
        "bunfig.toml",
        "config.example.yaml",
        "package.json",
        "scripts",
        "skills",
        "src",
        "tsconfig.json",
      ].toSorted(),
    );
    const ignored = read("Dockerfile.dockerignore").split("\n");
    for (const name of ["**/.env", "**/*.db*", "**/*.log", ".ssh", "/config.yaml*", "node_modules"])
      expect(ignored).toContain(name);
  });
});

describe("compose", () => {
  const { clawgate, "openclaw-gateway": openclaw, "openclaw-settings": settings } = compose.services;

  test("one key, from outside the file, goes to both sides", () => {
    const variable = /^\$\{CLAWGATE_CLIENT_KEY:\?/;
    expect(clawgate?.environment?.["PROXY_API_KEYS"]).toMatch(variable);
    expect(openclaw?.environment?.["CLAWGATE_API_KEY"]).toMatch(variable);
    expect(read("compose.yaml")).not.toMatch(/(?:KEY|TOKEN): [A-Za-z0-9]{16,}/);
    // The vendors' keys stay where they are used.
    const vendors = Object.keys(clawgate?.environment ?? {}).filter((name) => name.endsWith("_API_KEY"));
    expect(vendors.length).toBeGreaterThan(3);
    for (const name of vendors) expect(Object.keys(openclaw?.environment ?? {})).not.toContain(name);
  });

  test("OpenClaw starts when ClawGate answers and its settings are there; both are published on this machine only", () => {
    expect(openclaw?.depends_on?.["clawgate"]?.condition).toBe("service_healthy");
    expect(openclaw?.depends_on?.["openclaw-settings"]?.condition).toBe("service_completed_successfully");
    expect(clawgate?.healthcheck?.test).toEqual(["CMD", "/usr/bin/clawgate", "health"]);
    for (const service of Object.values(compose.services))
      for (const port of service.ports ?? []) expect(port).toStartWith("127.0.0.1:");
    expect(clawgate?.networks?.some((name) => openclaw?.networks?.includes(name))).toBe(true);
  });

  test("every volume, config and file that is named exists", () => {
    const named = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(":")[0] ?? ""),
    );
    for (const name of named) expect(Object.keys(compose.volumes)).toContain(name);
    for (const { file } of Object.values(compose.configs)) expect(existsSync(join(folder, file))).toBe(true);
    expect(settings?.volumes).toEqual(openclaw?.volumes?.slice(0, 1) ?? []);
  });
});

describe("what is entered into OpenClaw's settings", () => {
  const path = (home: string): string => join(home, "openclaw.json");
  const enter = (home: string) => {
    const argv = ["node", join(folder, "openclaw-settings.mjs"), home];
    const said = Bun.spawnSync(argv, { stdout: "pipe", stderr: "pipe" });
    return { code: said.exitCode, out: `${said.stdout.toString()}${said.stderr.toString()}` };
  };
  const settingsOf = (home: string) =>
    JSON.parse(readFileSync(path(home), "utf8")) as {
      models: { providers: Record<string, { baseUrl: string; apiKey: string; api: "openai-completions" }> };
      agents: { defaults: { model: unknown } };
    };

  test("an empty volume gets the provider and the main model, and a second start changes nothing", () => {
    const home = join(cleanups.folder("clawgate-compose-"), "new");
    expect(enter(home).code).toBe(0);
    const { models, agents } = settingsOf(home);
    const entry = models.providers["clawgate"];
    const host = Object.keys(compose.services).find((name) => name === "clawgate");
    expect(entry?.baseUrl).toBe(baseUrl(`http://${host}:8090`, "openai-completions"));
    expect(compose.services["clawgate"]?.environment?.["CLAWGATE_ALLOWED_HOSTS"]).toBe(host);
    expect(entry?.apiKey).toBe("${CLAWGATE_API_KEY}");
    expect(agents.defaults.model).toEqual({ primary: "clawgate/auto" });
    expect(statSync(path(home)).mode & 0o777).toBe(0o600);
    const before = statSync(path(home)).ino;
    expect(enter(home)).toEqual({ code: 0, out: "" });
    expect(statSync(path(home)).ino).toBe(before);
  });

  test("what the user chose stays, and the old file is kept", () => {
    const home = cleanups.folder("clawgate-compose-");
    const own = {
      agents: { defaults: { model: { primary: "other/model" } } },
      channels: { telegram: { a: 1 } },
    };
    writeFileSync(path(home), JSON.stringify(own));
    expect(enter(home).code).toBe(0);
    expect(settingsOf(home)).toMatchObject(own);
    expect(settingsOf(home).models.providers["clawgate"]).toBeDefined();
    expect(JSON.parse(readFileSync(`${path(home)}.before-clawgate`, "utf8"))).toEqual(own);
  });

  test("a file with comments is left alone: an error, unless it has the provider", () => {
    const home = cleanups.folder("clawgate-compose-");
    const text = "{ /* mine */ channels: {} }\n";
    writeFileSync(path(home), text);
    const { code, out } = enter(home);
    expect(code).toBe(1);
    expect(out).toContain("was not changed");
    expect(readFileSync(path(home), "utf8")).toBe(text);
    writeFileSync(path(home), "{ models: { providers: { clawgate: {} } } } // mine\n");
    expect(enter(home).code).toBe(0);
  });

  test("sections of another kind are reported, not replaced", () => {
    const home = cleanups.folder("clawgate-compose-");
    mkdirSync(home, { recursive: true });
    for (const text of ["[]", '{"models": "none"}', '{"agents": []}']) {
      writeFileSync(path(home), text);
      expect(enter(home).code).toBe(1);
      expect(readFileSync(path(home), "utf8")).toBe(text);
    }
  });
});
