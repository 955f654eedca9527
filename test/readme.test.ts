// What the README tells to type is typed here, as it stands there. A fence says by its language what it is: `sh` is run, `console` is
// run and its output compared, `yaml` is loaded, `http` is compared with an answer, `text` is not for this program.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { installScript } from "../scripts/packaging/install-script.ts";
import { findCommand } from "../src/commands/find-command.ts";
import { commands } from "../src/commands/command-table.ts";
import { binaryPath, cleanEnvironment } from "./support/binary.ts";
import { newReleaseKey, releaseFiles } from "./support/local-release.ts";
import { type Finished, runProgram } from "./support/program-run.ts";

const root = dirname(import.meta.dir);
const dir = mkdtempSync(join(tmpdir(), "clawgate-readme-"));
const work = join(dir, "work");
const programs = join(dir, "programs");
const stateDir = join(dir, "clawgate-state");

type Fence = { readonly language: string; readonly text: string };

const fences: readonly Fence[] = Array.from(
  readFileSync(join(root, "README.md"), "utf8").matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm),
  ([, language = "", text = ""]) => ({ language, text }),
);
const textsOf = (language: string): readonly string[] =>
  fences.filter((fence) => fence.language === language).map(({ text }) => text);
const fenceWith = (language: string, words: string): string =>
  textsOf(language).find((text) => text.includes(words)) ?? `no fence ${language} with ${words}`;

const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...cleanEnvironment(dir),
  PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`,
  CLAWGATE_STATE_DIR: stateDir,
  ...more,
});

const typed = (text: string, more: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  runProgram(["sh", "-ec", text], { cwd: work, env: environment(more), timeoutMs: 60_000 });

let gateway: Bun.Subprocess | null = null;
let address = "";

/** The first start, by the README's own words; on any free port, because the usual one may be in use here. */
beforeAll(async () => {
  mkdirSync(work);
  mkdirSync(programs);
  symlinkSync(binaryPath(), join(programs, "clawgate"));
  gateway = Bun.spawn(["sh", "-ec", `exec ${fenceWith("sh", "clawgate\n").trim()}`], {
    cwd: work,
    env: environment({ PORT: "0" }),
    stdout: "ignore",
    stderr: "ignore",
  });
  const announced = join(stateDir, "run.json");
  const endMs = performance.now() + 20_000;
  while (!existsSync(announced)) {
    if (performance.now() > endMs) throw new Error("The README's first start starts nothing.");
    await Bun.sleep(10);
  }
  address = new URL((JSON.parse(readFileSync(announced, "utf8")) as { url: string }).url).host;
}, 120_000);

afterAll(async () => {
  gateway?.kill("SIGTERM");
  await gateway?.exited;
  rmSync(dir, { recursive: true, force: true });
});

const here = (text: string): string => text.replaceAll("127.0.0.1:8090", address);

/** In a terminal, with Enter for every question. */
async function withEnter(text: string): Promise<{ readonly code: number; readonly seen: string }> {
  let seen = "";
  const child = Bun.spawn(["sh", "-ec", text], {
    cwd: work,
    env: environment({ TERM: "xterm-256color", CLAWGATE_STATE_DIR: join(dir, "other-state") }),
    terminal: {
      cols: 80,
      rows: 24,
      data: (_terminal, data) => void (seen += Buffer.from(data).toString()),
    },
  });
  const timer = setInterval(() => child.terminal?.write("\r"), 200);
  const limit = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const code = await child.exited;
  clearInterval(timer);
  clearTimeout(limit);
  return { code, seen };
}

type Row = {
  readonly begins: string;
  run(text: string): Promise<void>;
};

const rows: readonly Row[] = [
  {
    begins: 'curl -fsSL "$CLAWGATE_RELEASE_URL/latest/download/install.sh" | sh',
    run: installsFrom,
  },
  {
    begins: "npm start",
    async run() {
      // It fetches Bun and the libraries: a test of its own runs it, in a copy of the repository.
      expect(await Bun.file(join(root, "test/start.test.ts")).text()).toContain('"npm"');
    },
  },
  {
    begins: "clawgate\n",
    async run() {
      expect((await typed("clawgate status")).code).toBe(0);
    },
  },
  {
    begins: "curl -i http://127.0.0.1:8090/v1/chat/completions",
    async run(text) {
      const { code, stdout } = await typed(here(text));
      expect(code).toBe(0);
      expect(stdout).toStartWith("HTTP/1.1 200");
      for (const line of textsOf("http").join("").trim().split("\n")) expect(stdout).toContain(`${line}\r\n`);
    },
  },
  {
    begins: "clawgate init",
    async run(text) {
      const { code, seen } = await withEnter(text);
      expect(seen).toContain("Written:");
      expect(code).toBe(0);
      expect(existsSync(join(work, "config.yaml"))).toBe(true);
      rmSync(join(work, "config.yaml"));
    },
  },
  {
    begins: "clawgate providers ",
    async run(text) {
      const { code, stdout } = await typed(here(text));
      expect(code).toBe(0);
      for (const words of ["healthy", "demo", "Everything required works", `http://${address}/dashboard`])
        expect(stdout).toContain(words);
    },
  },
  {
    begins: "clawgate service install\n",
    async run(text) {
      const [service = "", update = "", importing = ""] = text.trim().split("\n");
      // A test installs nothing into this machine: the unit is printed.
      expect((await typed(`${service} --user --print`)).stdout).toMatch(/^ExecStart=|<key>ProgramArguments/m);
      // This program is a checkout's, and there is no release at that address: either is told, and nothing is changed.
      const updated = await typed(update, { CLAWGATE_RELEASE_URL: "http://127.0.0.1:1" });
      expect([1, 3]).toContain(updated.code);
      expect(updated.stdout + updated.stderr).not.toBe("");
      const from = join(dir, "openclaw-cc-gateway");
      mkdirSync(from);
      writeFileSync(
        join(from, "config.yaml"),
        "server:\n  port: 3456\ntenants:\n  - name: alice\n    api_key: 0123456789abcdef0123456789abcdef\n",
      );
      const imported = await typed(`${importing} --yes`);
      expect(imported).toMatchObject({ code: 0 });
      expect(imported.stdout).toContain("From openclaw-cc-gateway");
    },
  },
];

/** From a release on this machine, signed with a key of its own. */
async function installsFrom(text: string): Promise<void> {
  const key = newReleaseKey();
  const program = new Uint8Array(await Bun.file(binaryPath()).arrayBuffer());
  const { version = "", target = "" } = JSON.parse((await typed("clawgate version --json")).stdout) as Record<
    string,
    string
  >;
  const options = { version, programs: { [target]: program } };
  const files = new Map(await releaseFiles(options, key));
  files.set("install.sh", Buffer.from(installScript({ publicKey: key.publicPem, releases: "" })));
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const [, name = ""] =
        /^\/(?:latest\/download|download\/v[^/]+)\/([^/]+)$/.exec(new URL(request.url).pathname) ?? [];
      const found = files.get(name);
      return found === undefined ? new Response("not here", { status: 404 }) : new Response(found.slice());
    },
  });
  try {
    const home = join(dir, "installed");
    mkdirSync(home);
    // As a user that is not root: root's folder is the machine's.
    const uid =
      process.getuid?.() === 0 ? `id() { if [ "$*" = -u ]; then echo 1; else command id "$@"; fi; }\n` : "";
    const piped = uid === "" ? text : text.replace(/\| sh$/m, `| { printf '%s' '${uid}'; cat; } | sh`);
    const { code, stderr } = await typed(piped, {
      CLAWGATE_RELEASE_URL: `http://127.0.0.1:${server.port}`,
      HOME: home,
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const installed = await typed('"$HOME/.local/bin/clawgate" --version', { HOME: home });
    expect(installed.stdout).toStartWith(`clawgate ${version}`);
  } finally {
    await server.stop(true);
  }
}

describe("a fence of commands", () => {
  for (const text of textsOf("sh")) {
    const row = rows.find(({ begins }) => text.startsWith(begins));
    test(
      text.trim(),
      async () => {
        if (row === undefined) throw new Error("The README tells to type what no row of this test runs.");
        await row.run(text);
      },
      120_000,
    );
  }

  test("every row has its fence", () => {
    const idle = rows.filter(({ begins }) => !textsOf("sh").some((text) => text.startsWith(begins)));
    expect(idle.map(({ begins }) => begins)).toEqual([]);
  });
});

test("what is not run is marked by a language, and is no command that this program has by now", () => {
  const known = new Set(["sh", "console", "yaml", "http", "text"]);
  expect(fences.filter(({ language }) => !known.has(language))).toEqual([]);
  const late = textsOf("text")
    .flatMap((text) => text.split("\n"))
    .filter((line) => /^clawgate \w/.test(line))
    .filter((line) => "command" in findCommand(commands, line.split(/\s+/).slice(1)));
  expect(late).toEqual([]);
});

test("a command shown with its output answers exactly that, with the config above it", async () => {
  const [config = ""] = textsOf("yaml");
  const path = join(dir, "shown.yaml");
  writeFileSync(path, config, { mode: 0o600 });
  const shown = textsOf("console");
  expect(shown.length).toBeGreaterThan(0);
  for (const text of shown) {
    const [command = "", ...output] = text.split("\n");
    const { stdout } = await typed(command.replace(/^\$ /, ""), {
      CLAWGATE_CONFIG: path,
      CLAWGATE_STATE_DIR: join(dir, "no-gateway"),
      OPENAI_API_KEY: "sk-not-real",
      ANTHROPIC_API_KEY: "sk-not-real",
    });
    expect(stdout).toBe(output.join("\n"));
  }
});

test.each(textsOf("yaml"))("the config %s is one", async (text) => {
  const path = join(dir, "example.yaml");
  writeFileSync(path, text, { mode: 0o600 });
  const { code, stderr } = await typed(`clawgate providers list --config ${path}`, {
    CLAWGATE_STATE_DIR: join(dir, "no-gateway"),
    ANTHROPIC_API_KEY: "sk-not-real",
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
});
