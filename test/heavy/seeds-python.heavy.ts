// The Python snippets of claude-code-proxy's page, as printed, with the official packages from PyPI in .cache, against the real app made of
// its variables and the scripted stand-in for `claude`.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "../../src/migration/migration.ts";
import { atGateway } from "../seeds/trying.ts";
import { type ScriptedClaude, scriptedClaude } from "../support/claude.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { runProgram } from "../support/program-run.ts";

const packages = ["anthropic==2.14.0", "openai==3.57.0"];
const folder = join(
  import.meta.dir,
  "..",
  "..",
  ".cache",
  "clients",
  `python-${Bun.hash(packages.join(" ")).toString(36)}`,
);

const hasPython = Bun.which("python3") !== null;

let claude: ScriptedClaude;
let gateway: TestGateway;

function install(): void {
  if (existsSync(join(folder, "openai")) && existsSync(join(folder, "anthropic"))) return;
  mkdirSync(folder, { recursive: true });
  const flags = [
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    "--only-binary",
    ":all:",
    "--target",
    folder,
  ];
  const pip = Bun.spawnSync(["python3", "-m", "pip", "install", ...flags, ...packages], {
    stdout: "ignore",
    stderr: "inherit",
    timeout: 300_000,
  });
  if (!pip.success) throw new Error(`pip install ${packages.join(" ")} failed (exit code ${pip.exitCode}).`);
}

beforeAll(async () => {
  if (hasPython) install();
  claude = scriptedClaude();
  const { draft } = migrate({
    files: [{ path: "/old/.env", text: `REQUIRE_AUTH=false\nCLAUDE_PATH=${claude.bin}\n` }],
    skillsFolder: null,
  });
  gateway = await startTestGateway({
    config: draft.text(),
    environment: { ANTHROPIC_API_KEY: "sk-ant-dummy" },
  });
}, 300_000);
afterAll(async () => {
  await gateway.stop();
  claude.remove();
});

const python = (source: string) =>
  runProgram(["python3", "-c", atGateway(source, gateway.url)], {
    cwd: folder,
    env: { PATH: process.env["PATH"], PYTHONPATH: folder, HOME: folder, NO_PROXY: "localhost,127.0.0.1" },
    timeoutMs: 60_000,
  });

const snippets: readonly (readonly [name: string, printed: string, shows: string, shown: string])[] = [
  [
    "anthropic",
    `import anthropic
client = anthropic.Anthropic(api_key="any-string", base_url="http://localhost:4523")
message = client.messages.create(
model="claude-sonnet-4",
max_tokens=1024,
messages=[{"role": "user", "content": "Hello!"}],
)`,
    "print(message.type, message.role, message.stop_reason)",
    "message assistant end_turn\n",
  ],
  [
    "openai",
    `import openai
client = openai.OpenAI(api_key="any-string", base_url="http://localhost:4523/v1")
completion = client.chat.completions.create(
model="claude-sonnet-4",
messages=[{"role": "user", "content": "Hello!"}],
)`,
    "print(completion.object, completion.choices[0].finish_reason)",
    "chat.completion stop\n",
  ],
];

// Said as skipped where there is no Python.
test.skipIf(!hasPython).each([...snippets])(
  "%s, as printed",
  async (_name, printed, shows, shown) => {
    expect(await python(`${printed}\n${shows}\n`)).toEqual({ code: 0, stdout: shown, stderr: "" });
  },
  120_000,
);
