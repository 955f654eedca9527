// What the published pages of the four programs promise: every command, curl, snippet, config, variable and property, with its line on the
// page and how it is tried here. promises.test.ts holds the table to its word.

import type { Program } from "../../src/migration/finding.ts";

export type Tried =
  /** Run by the page's own test file, under the row's name. */
  | { readonly by: "run" }
  /** Another test does, which must say these words. */
  | { readonly by: "test"; readonly file: string; readonly says: string }
  /** Not as printed. `instead` is the way that is allowed, as the manual's page on moving over says it. */
  | { readonly by: "refused"; readonly instead: string };

export type Row = {
  readonly page: Program;
  readonly line: number;
  readonly what: string;
  readonly tried: Tried;
};

type PageRow = readonly [line: number, what: string, tried: Tried];

const run: Tried = { by: "run" };
const test = (file: string, says: string): Tried => ({ by: "test", file, says });
const refused = (instead: string): Tried => ({ by: "refused", instead });

const clawgatePy: readonly PageRow[] = [
  [
    29,
    "/v1/models and /v1/chat/completions for any OpenAI-style client",
    test("test/clients/openai-sdk.test.ts", "openai SDK"),
  ],
  [33, "errors, timeouts and lost connections fall through the chain", run],
  [34, "/health: status, consecutive failures, last error, average latency", run],
  [58, "cp .env.example .env, in a fresh checkout", refused("`clawgate init --write-example`")],
  [58, "cp .env.example .env, after `clawgate init --write-example`", run],
  [60, "printf CLAWGATE_DB_PATH >> .env", run],
  [62, "python3 -m venv, pip install, python -m clawgate", refused("clawgate --config config.yaml")],
  [71, "curl /health", run],
  [72, "curl /v1/models", run],
  [75, "without keys it starts, and lists auto alone", run],
  [
    99,
    "static rules: heartbeat, explicit model hints, sub-agents",
    test("test/config.example.test.ts", "the stock routing: chain, rules and their targets of ClawGate-py"),
  ],
  [101, "an optional LLM classifier", test("test/routing/classifier.test.ts", "the answer names a category")],
  [105, "heuristic keywords look at the user's words, not at the system prompt", run],
  [144, "curl /v1/chat/completions with model auto", run],
  [135, "a provider id as the model goes to that provider", run],
  [139, "X-ClawGate-Provider, -Layer and -Rule", run],
  [162, "curl /api/stats", run],
  [163, "curl '/api/recent?limit=10'", run],
  [159, "GET /dashboard", run],
  [175, "r1, reasoner, think -> deepseek-reasoner", run],
  [176, "flash, gemini, vision -> gemini-flash", run],
  [177, "ds, chat, default -> deepseek-chat", run],
  [
    179,
    "OpenClaw's aliases of openclaw-integration.jsonc",
    test("test/openclaw/provider-entry.test.ts", "aliases"),
  ],
  [197, "${ENV_VAR} and ${ENV_VAR:-default}", test("test/config/expand.test.ts", ":-")],
  [
    203,
    "CLAWGATE_DB_PATH wins over the file",
    test("test/config/forerunner-files.test.ts", "CLAWGATE_DB_PATH wins over the file"),
  ],
  [204, "DEEPSEEK_API_KEY, GEMINI_API_KEY, OPENROUTER_API_KEY switch their providers on", run],
  [207, "DEEPSEEK_BASE_URL, GEMINI_BASE_URL, OPENROUTER_BASE_URL", run],
  [215, "the key variables of the catalogue", run],
  [
    232,
    "a read timeout takes part in the fallback",
    test("test/config/forerunner-files.test.ts", "idle_s: 120"),
  ],
  [222, "backends openai-compat and google-genai", run],
  [243, "a .env with one key", run],
  [250, "a .env with three keys, and the order of the fallback", run],
  [258, "an empty key: said at the start, and skipped", run],
  [294, "useradd, install -m 644 clawgate.service, systemctl enable", refused("`clawgate service install`")],
  [
    284,
    "the unit: own user, state directory, environment file",
    test("test/commands/system-service.test.ts", "gets its own user and folder"),
  ],
  [
    289,
    "the unit: NoNewPrivileges, ProtectSystem=strict, ProtectHome, PrivateTmp",
    test(
      "test/supervisor/units.test.ts",
      "the machine's is notify, watched, closed, and never tries a wrong config again",
    ),
  ],
  [
    298,
    "systemctl enable --now, status: under a systemd that was booted for it",
    test("test/heavy/booted-service.heavy.ts", "tryServices"),
  ],
  [308, "docker run python:3.13-slim ... uvicorn", refused("scripts/packaging/container")],
  [
    308,
    "a container with its records in /data, without rights",
    test(
      "test/heavy/container.heavy.ts",
      "it serves as the first process, without rights, makes its key once",
    ),
  ],
  [
    329,
    "clawgate-install and clawgate-uninstall: program, links in /usr/local/bin, unit",
    test("test/helper-scripts.test.ts", "program, links and service come and go"),
  ],
  [330, "clawgate-start, -stop, -restart, -logs", test("test/helper-scripts.test.ts", "one command each")],
  [
    333,
    "clawgate-status: the service, and whether the port listens",
    test("test/helper-scripts.test.ts", "status tells of the service and of the port"),
  ],
  [
    335,
    "clawgate-health",
    test("test/helper-scripts.test.ts", "health fails where nobody answers, and takes another port"),
  ],
  [
    336,
    "clawgate-update: fetch, unit, restart, health again and again",
    test(
      "test/helper-scripts.test.ts",
      "fetches, builds, installs, restarts, and asks for health until it answers",
    ),
  ],
  [336, "clawgate-update throws away local edits", refused("refuses a checkout with changes")],
  [
    345,
    "the repo-safety workflow: .ssh/, *.db*, *.sqlite*, *.log in tree and history",
    test("test/repo-safety.test.ts", "what is found by its name"),
  ],
  [362, "curl /health when something is wrong: last_error names it", run],
  [375, "a port in use is said, with what to do", test("test/app/listen-problem.test.ts", "another program")],
  [
    380,
    "a database path that cannot be written is said, and nothing stops",
    test("test/metrics/database-path.test.ts", "CLAWGATE_DB_PATH"),
  ],
];

const ccGateway: readonly PageRow[] = [
  [9, "getting around restrictions of sign-ins", refused("the official program signs in, as itself")],
  [12, "POST /v1/messages in Anthropic's format", run],
  [13, "POST /v1/chat/completions", run],
  [14, "Docker and local instances are found", test("test/openclaw/instances.test.ts", "docker")],
  [
    15,
    "one command makes config, variables and skills",
    test("test/commands/setup.test.ts", "a first set-up"),
  ],
  [18, "the skill prompt for the openclaw command", test("test/openclaw/skill-prompt.test.ts", "prompt")],
  [
    142,
    "<!-- openclaw-tenant: NAME --> tells which container is meant",
    test("test/backends/claude-code/skills/skill-prompt.test.ts", "<!-- openclaw-tenant: alice -->"),
  ],
  [19, "tool rounds of the CLI stay inside, the last answer goes out", run],
  [20, "streams with Anthropic's events", run],
  [36, "npm install -g @anthropic-ai/claude-code && claude auth login", refused("claude auth login")],
  [40, "npm install", refused("`npm start` sets up what it needs")],
  [41, "npm run build", test("package.json", '"build"')],
  [43, "node dist/index.js --setup", refused("clawgate setup")],
  [51, "--no-skills and --skills", test("test/commands/setup.test.ts", "--no-skills")],
  [53, "npm start", test("package.json", '"start"')],
  [55, "pm2 start dist/index.js", refused("`clawgate service install`")],
  [58, "npm run manage list", run],
  [60, "npm run manage add <name>", run],
  [61, "npm run manage add <name> --apply", run],
  [63, "npm run manage remove <name>", run],
  [65, "npm run manage apply", test("test/commands/manage/apply.test.ts", '"apply"')],
  [68, "npm run manage gen-key", run],
  [
    70,
    "apply: baseUrl and apiKey in openclaw.json, variables in .env",
    test("test/commands/manage/apply.test.ts", "CLAWGATE_API_KEY"),
  ],
  [
    75,
    "npm run manage skills list | pull | push | diff | bisync [--pull|--push]",
    test("test/commands/manage/skills.test.ts", "bisync"),
  ],
  [92, "npm run manage skills clean", test("test/commands/manage/skills.test.ts", "clean")],
  [113, "config.yaml as printed", run],
  [137, "an API key for each tenant", run],
  [
    138,
    "sessions of one tenant are nobody else's",
    test(
      "test/app/claude-code/sessions.test.ts",
      "a conversation that may go on goes on with its own tenant's process only",
    ),
  ],
  [
    139,
    "skills/<tenant>/ for that tenant only",
    test("test/backends/claude-code/skills/skill-plugins.test.ts", "no other tenant"),
  ],
  [140, "a tenant's env reaches its CLI process", run],
  [
    141,
    "at most one answer at a time for one tenant",
    test("test/config/forerunner-files.test.ts", "max_per_tenant"),
  ],
  [146, "PORT, HOST, DOCKER_HOST_IP, CLAUDE_BIN, CLI_TIMEOUT, MAX_CONCURRENT", run],
  [154, "curl -X POST /v1/messages, as printed", run],
  [159, "curl -X POST /v1/chat/completions, as printed", run],
  [163, "GET /health: status, tenants, queue", run],
  [164, "GET /v1/models", run],
  [146, "port 3456 by default, by --compat cc-gateway", test("test/config/compat.test.ts", '"cc-gateway"')],
];

const claudeProxy: readonly PageRow[] = [
  [20, "git clone, npm install, npm run build, npm link", refused("one file to download")],
  [26, "REQUIRE_AUTH=false claude-proxy", run],
  [28, "PROXY_API_KEYS=my-secret-key claude-proxy", run],
  [30, "PORT=8080, and 4523 without it", test("test/config/compat.test.ts", '"claude-proxy"')],
  [33, "Anthropic's SDK for TypeScript, as printed", run],
  [43, "OpenAI's SDK for TypeScript, as printed", run],
  [53, "Anthropic's SDK for Python, as printed", test("test/heavy/seeds-python.heavy.ts", "anthropic")],
  [60, "OpenAI's SDK for Python, as printed", test("test/heavy/seeds-python.heavy.ts", "openai")],
  [70, "Cursor: /v1 as the base URL", test("test/clients/cursor.test.ts", "ursor")],
  [
    71,
    "Continue, aider, LiteLLM: /v1 as the base URL",
    test("test/clients/openai-sdk.test.ts", "openai SDK"),
  ],
  [74, "OpenClaw by OPENAI_BASE_URL", refused("clawgate setup")],
  [75, "model names, their aliases and prefixes", run],
  [75, "unknown models go to DEFAULT_MODEL", run],
  [78, "Anthropic's streaming helper, as printed", run],
  [86, "OpenAI's streaming, as printed", run],
  [97, "claude-opus-4, opus, claude-sonnet-4, sonnet, claude-haiku-4, haiku", run],
  [
    102,
    "system prompts and conversations",
    test("test/app/claude-code/sessions.test.ts", "a conversation that may go on"),
  ],
  [104, "tool use", test("test/app/claude-code/sessions.test.ts", "tool_use")],
  [
    105,
    "structured output",
    test("test/backends/claude-code/stand-in.test.ts", "an answer with a schema is its JSON"),
  ],
  [107, "ENABLE_THINKING and effort levels", run],
  [
    108,
    "limits of the CLI's quota are handed on",
    test(
      "test/dialects/claude-code/decode-turn.test.ts",
      "each limit that the program tells of is handed on",
    ),
  ],
  [
    110,
    "OpenClaw: tool names and prompt filter, by cli.openclaw",
    test("test/backends/claude-code/openclaw-profile.test.ts", "in tools, history and choice alike"),
  ],
  [111, "OpenClaw: input_text blocks", run],
  [169, "temperature and top_p are accepted", run],
  [109, "the process ends with its client", test("test/binary-cli-ends.test.ts", "client")],
  [116, "HOST, CLAUDE_PATH, DEFAULT_MODEL, DEFAULT_EFFORT, REQUEST_TIMEOUT_MS, LOG_LEVEL", run],
  [126, "PROXY_MCP_CONFIG and mcp-servers.json, as printed", run],
  [141, "curl with metadata.mcp_servers, as printed", run],
  [145, "curl with x-mcp-servers, as printed", run],
  [148, "without a name no server of the registry starts", run],
  [154, "GET /v1/models", run],
  [155, "GET /health", run],
  [165, "--dangerously-skip-permissions", refused("Grant what you mean")],
  [175, "keys compared in constant time, bodies capped", test("test/server/server.test.ts", "413")],
  [
    176,
    "the environment of the process is filtered",
    test("test/backends/claude-code/launch.test.ts", "of the gateway's own variables few pass, and no key"),
  ],
];

const cliProxyApi: readonly PageRow[] = [
  [32, "reads the OAuth credentials of ~/.config/claude", refused("claude auth login")],
  [43, "brew install cliproxyapi", refused("brew install")],
  [
    43,
    "brew install, with ClawGate's own formula",
    test("test/packaging/homebrew.test.ts", "installed by Ruby"),
  ],
  [46, "cliproxyapi logs in by a browser", refused("claude auth login")],
  [59, "the server at port 3456", test("test/config/compat.test.ts", '"cliproxyapi"')],
  [67, "curl /health", run],
  [70, "curl /v1/models", run],
  [73, "curl /v1/chat/completions, as printed", run],
  [85, "openclaw.json with the provider claude-proxy, as printed", run],
  [130, "any key is taken", run],
  [132, "claude-proxy/<model-id> in OpenClaw", run],
  [138, "claude-opus-4-6, claude-sonnet-4-6, claude-haiku-4-5-20251001", run],
  [147, "http_proxy, https_proxy and NO_PROXY", test("test/binary-proxy.test.ts", "NO_PROXY")],
  [166, "a LaunchAgent written by hand", refused("`clawgate service install`")],
  [
    166,
    "a LaunchAgent: label, KeepAlive, logs, PATH",
    test(
      "test/commands/system-service.test.ts",
      "an agent is written, loaded, restarted from its file and removed",
    ),
  ],
  [201, "a systemd unit written by hand", refused("`clawgate service install`")],
  [
    201,
    "a systemd unit that starts with the machine",
    test("test/commands/system-service.test.ts", "is written, enabled and started"),
  ],
  [233, "streaming", run],
  [233, "sends nothing to a third party", refused("prompts go to the provider that answers")],
];

const of = (page: Program, rows: readonly PageRow[]): readonly Row[] =>
  rows.map(([line, what, tried]) => ({ page, line, what, tried }));

export const promises: readonly Row[] = [
  ...of("clawgate-py", clawgatePy),
  ...of("cc-gateway", ccGateway),
  ...of("claude-proxy", claudeProxy),
  ...of("cliproxyapi", cliProxyApi),
];
