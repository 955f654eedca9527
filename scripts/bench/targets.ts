// All targets: the upstream itself, nginx, the bare pass-through and the gateway, with the settings of each.
// The gateway must run with every feature on: client key, two providers, fallback chain, health and records.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort, untilAnswering, type Runner, type BenchProcesses } from "./processes.ts";

export type TargetName = "direct" | "nginx" | "passthrough" | "gateway";

export type Target = { readonly name: TargetName; readonly port: number; readonly runner: Runner };

export const clientKey = "bench-client-key-0001";

const root = join(import.meta.dir, "../..");

export type BenchSetup = {
  readonly processes: BenchProcesses;
  readonly directory: string;
  /** The program measured as the gateway. */
  readonly gatewayBinary: string;
  readonly passthroughBinary: string;
  /** True if the pass-through replaces the gateway, to test the bench itself. */
  readonly isStandIn: boolean;
};

export async function buildBinaries(
  processes: BenchProcesses,
  directory: string,
  isStandIn: boolean,
): Promise<BenchSetup> {
  const passthroughBinary = join(directory, "passthrough");
  const source = join(import.meta.dir, "passthrough.ts");
  const flags = ["--compile", "--production", "--minify", "--bytecode", "--format=esm"];
  await processes.capture(
    [process.execPath, "build", ...flags, source, "--outfile", passthroughBinary],
    60_000,
  );
  const gatewayBinary = isStandIn ? passthroughBinary : join(root, "dist/clawgate");
  if (!existsSync(gatewayBinary))
    await processes.capture([process.execPath, join(root, "scripts/build.ts")], 120_000);
  return { processes, directory, gatewayBinary, passthroughBinary, isStandIn };
}

export async function startUpstream({ processes }: BenchSetup): Promise<Target> {
  const port = freePort();
  const command = [process.execPath, join(import.meta.dir, "upstream.ts")];
  const runner = processes.start("upstream", command, { PORT: String(port) });
  await untilAnswering(url(port, "/counters"), runner, 10_000);
  return { name: "direct", port, runner };
}

export async function startPassthrough(setup: BenchSetup, upstreamPort: number): Promise<Target> {
  const port = freePort();
  const runner = setup.processes.start("passthrough", [setup.passthroughBinary], {
    PORT: String(port),
    UPSTREAM: url(upstreamPort, ""),
    BUN_CONFIG_MAX_HTTP_REQUESTS: "4096",
  });
  await untilAnswering(url(port, "/health"), runner, 10_000);
  return { name: "passthrough", port, runner };
}

export async function startNginx(
  { processes, directory }: BenchSetup,
  upstreamPort: number,
): Promise<Target | null> {
  const binary = Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin` });
  if (binary === null) return null;
  const port = freePort();
  const home = join(directory, "nginx");
  mkdirSync(home, { recursive: true });
  await Bun.write(join(home, "nginx.conf"), nginxConfig(home, port, upstreamPort));
  const command = [binary, "-p", home, "-c", join(home, "nginx.conf"), "-e", join(home, "error.log")];
  const runner = processes.start("nginx", command);
  await untilAnswering(url(port, "/counters"), runner, 10_000);
  return { name: "nginx", port, runner };
}

/** `chain` is the fallback chain: `auto` means its first provider. */
export async function startGateway(
  setup: BenchSetup,
  upstreamPort: number,
  chain: readonly ["oai", "ant"] | readonly ["ant", "oai"],
): Promise<Target & { readonly startMs: number }> {
  const port = freePort();
  const home = join(setup.directory, `gateway-${port}`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const config = join(home, "config.yaml");
  // Separate from the config, as on a user's machine: files next to it are watched.
  mkdirSync(join(home, "data"), { mode: 0o700 });
  await Bun.write(config, gatewayConfig(home, port, upstreamPort, chain));
  const command = [setup.gatewayBinary, "serve", "--config", config];
  const runner = setup.processes.start("gateway", command, {
    CLAWGATE_STATE_DIR: home,
    ...(setup.isStandIn ? standInEnvironment(port, upstreamPort) : {}),
  });
  const startMs = await untilAnswering(url(port, "/health"), runner, 15_000);
  return { name: "gateway", port, runner, startMs };
}

function standInEnvironment(port: number, upstreamPort: number): Record<string, string> {
  return { PORT: String(port), UPSTREAM: url(upstreamPort, ""), BUN_CONFIG_MAX_HTTP_REQUESTS: "4096" };
}

export function url(port: number, path: string): string {
  return `http://127.0.0.1:${port}${path}`;
}

function gatewayConfig(home: string, port: number, upstreamPort: number, chain: readonly string[]): string {
  const provider = (backend: string): string[] => [
    `    backend: ${backend}`,
    `    base_url: ${url(upstreamPort, "/v1")}`,
    "    api_key: upstream-key",
    "    model: bench",
    "    max_tokens: 8192",
    "    pricing: { input: 0.27, output: 1.1, cache_read: 0.07 }",
  ];
  return [
    "server:",
    "  host: 127.0.0.1",
    `  port: ${port}`,
    "auth:",
    `  keys: [${clientKey}]`,
    "providers:",
    "  oai:",
    ...provider("openai-compat"),
    "  ant:",
    ...provider("anthropic"),
    `fallback_chain: [${chain.join(", ")}]`,
    "health:",
    "  consecutive_failures_before_skip: 5",
    "metrics:",
    "  enabled: true",
    `  db_path: ${join(home, "data", "metrics.db")}`,
    "",
  ].join("\n");
}

function nginxConfig(home: string, port: number, upstreamPort: number): string {
  // Started by root, its workers would switch to an account that cannot write to our folder.
  const account = process.getuid?.() === 0 ? "user root;\n" : "";
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(home, name)};`)
    .join(" ");
  return `${account}daemon off; worker_processes 2; pid ${join(home, "nginx.pid")}; error_log ${join(home, "error.log")};
events { worker_connections 8192; }
http {
  access_log off; ${folders} client_body_buffer_size 512k; client_max_body_size 40m; keepalive_requests 100000000;
  upstream vendor { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`;
}
