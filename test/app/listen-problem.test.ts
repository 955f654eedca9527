// Why the gateway cannot listen, told so that a person finds the setting and the program that is in the way.

import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { portHolderOf, listenProblem, ListenProblem } from "../../src/app/listen-problem.ts";
import { availableBackends } from "../../src/app/providers/loaded-provider.ts";
import { addressOrigin } from "../../src/config/address-origin.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { inodesIn } from "../../src/system/listeners.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway } from "../support/gateway.ts";

const cleanups = cleanupsAfterEach();

type Said = {
  readonly file?: string;
  readonly dotEnv?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: { readonly port?: string; readonly host?: string };
};
function load({
  file = "providers: {demo: {backend: demo}}\n",
  dotEnv,
  environment = {},
  flags = {},
}: Said): LoadedConfig {
  const texts: Readonly<Record<string, string | undefined>> = {
    "/etc/cg/c.yaml": file,
    "/etc/cg/.env": dotEnv,
  };
  return loadConfig({
    argvConfigPath: "/etc/cg/c.yaml",
    environment,
    workingDirectory: "/",
    homeDirectory: "/nonexistent",
    readFile: (path) => texts[path] ?? null,
    availableBackends,
    flags,
  });
}

const written = "providers: {demo: {backend: demo}}\nserver:\n  host: localhost\n  port: 4000\n";
test.each<[string, Said, string]>([
  ["nothing said", {}, "port is the default, host is the default"],
  [
    "the file",
    { file: written },
    "port from server.port in /etc/cg/c.yaml:4, host from server.host in /etc/cg/c.yaml:3",
  ],
  [
    "a variable over the file",
    { file: written, environment: { PORT: "1" } },
    "port from PORT, host from server.host in /etc/cg/c.yaml:3",
  ],
  [
    "a variable of a .env",
    { dotEnv: "HOST=localhost\n" },
    "port is the default, host from HOST in /etc/cg/.env",
  ],
  [
    "a flag over all",
    { file: written, environment: { PORT: "1", HOST: "127.0.0.1" }, flags: { port: "2", host: "::1" } },
    "port from --port, host from --host",
  ],
])("where the address comes from: %s", (_, said, words) => expect(addressOrigin(load(said))).toBe(words));

describe("who listens there", () => {
  const messageOf = async (code: string, host: string, port: number): Promise<string> => {
    const thrown = Object.assign(new Error("listen"), { code });
    const problem = await listenProblem(thrown, { origins: new Map(), host, port });
    return problem instanceof ListenProblem ? problem.message : "";
  };

  test("a gateway: its version, process and age", async () => {
    const gateway = cleanups.stopAtEnd(
      await startTestGateway({ config: { providers: { demo: { backend: "demo" } } } }),
    );
    const port = Number(new URL(gateway.url).port);
    const { isOurs, description } = await portHolderOf("0.0.0.0", port);
    expect(isOurs).toBe(true);
    expect(description).toMatch(/^A ClawGate gateway \(version \d.*since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)$/);
    if (process.platform === "linux") expect(description).toContain(`process ${process.pid}`);
    expect(await messageOf("EADDRINUSE", "127.0.0.1", port)).toContain(
      "Stop that one, or choose another port",
    );
  });

  test("another program", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const { isOurs, description } = await portHolderOf("127.0.0.1", port);
    expect([isOurs, description.startsWith("Another program (")]).toEqual([false, true]);
    expect(await messageOf("EADDRINUSE", "127.0.0.1", port)).toContain("Choose another port");
  });

  test("no right, no such address, and what is no such trouble", async () => {
    expect(await messageOf("EACCES", "127.0.0.1", 80)).toContain("127.0.0.1:80, port is the default");
    expect(await messageOf("EADDRNOTAVAIL", "203.0.113.1", 8090)).toContain("no such address");
    const bug = new TypeError("x is undefined");
    expect(await listenProblem(bug, { origins: new Map(), host: "::1", port: 1 })).toBe(bug);
  });

  test("the system's table of sockets", () => {
    const row = (local: string, state: string, inode: string): string =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`;
    const table = [
      "  sl  local_address …",
      row("0100007F:1F9A", "0A", "11"),
      row("0100007F:1F9A", "01", "12"),
      row("00000000:0016", "0A", "13"),
    ].join("\n");
    expect(inodesIn(table, 8090)).toEqual(["11"]);
    expect(inodesIn("", 8090)).toEqual([]);
  });
});
