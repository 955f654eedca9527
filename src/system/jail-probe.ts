// Checks from inside whether a confined process can reach what it must not, and relies on nothing else. It must never change
// anything: files are only opened for checking, sockets only connected to.

import { accessSync, constants, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { connect } from "node:net";

/** One action that must fail inside. */
export type ProbeCheck = {
  /** For people: what would be accessible. */
  readonly what: string;
} & (
  | { readonly kind: "file"; readonly path: string; readonly identity: string }
  | { readonly kind: "write"; readonly path: string }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "proxy"; readonly proxyPort: number; readonly host: string; readonly port: number }
  | { readonly kind: "namespace"; readonly name: "pid" | "net" | "ipc" | "mnt"; readonly identity: string }
  | { readonly kind: "privileges" }
);

/** The argument that makes this program the first one inside; not a command for users. */
export const insideCommand = "inside-jail";

/** Instead of a program: the actions to attempt. */
export const probeCommand = "probe";

/** Device and inode: the same file under any name. Null: it is not visible. */
export function fileIdentityOf(path: string): string | null {
  const found = [() => statSync(path), () => lstatSync(path)].map((look) => {
    try {
      const { dev, ino } = look();
      return `${dev}:${ino}`;
    } catch {
      return null;
    }
  });
  return found[0] ?? found[1] ?? null;
}

export const namespaceOf = (name: string): string | null => {
  try {
    return readlinkSync(`/proc/self/ns/${name}`);
  } catch {
    return null;
  }
};

/** Reads attempts as JSON, writes the names of those that succeeded. */
export async function runProbe(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<number> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk));
  const checks = JSON.parse(Buffer.concat(chunks).toString("utf8")) as readonly ProbeCheck[];
  const open = await Promise.all(checks.map(async (each) => ((await isReachable(each)) ? [each.what] : [])));
  await new Promise<void>((resolve) => output.write(JSON.stringify(open.flat()), () => resolve()));
  return 0;
}

async function isReachable(each: ProbeCheck): Promise<boolean> {
  switch (each.kind) {
    case "file":
      return fileIdentityOf(each.path) === each.identity;
    case "write":
      return isWritable(each.path);
    case "unix":
      return canConnect({ path: each.path });
    case "tcp":
      return canConnect({ host: each.host, port: each.port });
    case "proxy":
      return proxyReaches(each.proxyPort, `${each.host}:${each.port}`);
    case "namespace":
      return namespaceOf(each.name) === each.identity;
    case "privileges":
      return hasPrivileges();
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hasPrivileges(): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "f";
  return !/^0+$/.test(capabilities) || /^NoNewPrivs:\s*0$/m.test(status);
}

const replyTimeoutMs = 3_000;

function canConnect(
  to: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(to);
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.setTimeout(replyTimeoutMs, () => finish(false));
    socket.once("connect", () => finish(true));
    // A server was there and closed the connection.
    socket.once("error", (error: NodeJS.ErrnoException) =>
      finish(/^(?:ECONNRESET|EPIPE)$/.test(error.code ?? "")),
    );
  });
}

/** Whether the proxy connects to it: any answer but a refusal. */
function proxyReaches(proxyPort: number, target: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: proxyPort });
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.setTimeout(replyTimeoutMs, () => finish(false));
    socket.once("connect", () => socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`));
    socket.once("data", (chunk) => finish(chunk.toString("latin1").startsWith("HTTP/1.1 2")));
    socket.once("close", () => finish(false));
    socket.once("error", () => finish(false));
  });
}
