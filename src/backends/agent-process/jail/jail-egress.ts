// The egress of jails: for each owner a proxy to the internet and the services of this machine that the operator named, each
// behind its own unix socket. It must never let two owners share one.

import { chmod, chown } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { UserIds } from "../../../system/accounts.ts";
import { readProxyVariables } from "../../../system/proxy.ts";
import type { SharedFolder } from "../other-user.ts";
import type { JailSettings } from "./bubblewrap.ts";
import { serveForward, serveEgressProxy, type EgressRules } from "./egress-proxy.ts";
import { type Address, isLoopbackName, readAddress } from "./network-addresses.ts";

const usualProxyPort = 3128;
/** Limit of one owner, for all its programs together. */
const maxConnections = 128;

export type EgressStart = {
  readonly jail: Pick<JailSettings, "owner" | "allowedAddresses">;
  readonly env: Readonly<Record<string, string>>;
  readonly user: UserIds | null;
};

export type Egress = {
  readonly ports: readonly (readonly [port: number, path: string])[];
  readonly proxyPort: number;
};

export type EgressOptions = {
  readonly sharedFolder: SharedFolder;
  readonly ownPort: () => number | null;
  /** Default: the machine's resolver. */
  readonly resolve?: EgressRules["resolve"];
};

export class JailEgress {
  private readonly servers = new Set<Server>();
  private readonly sockets = new Set<Socket>();
  private readonly egresses = new Map<string, Promise<Egress>>();

  constructor(private readonly options: EgressOptions) {}

  /** Opened with the first start of its kind, and kept. */
  of(start: EgressStart): Promise<Egress> {
    const { jail, user, env } = start;
    const key = JSON.stringify([
      jail.owner,
      user?.uid,
      jail.allowedAddresses,
      readProxyVariables(env),
      this.options.ownPort(),
    ]);
    let egress = this.egresses.get(key);
    if (egress === undefined) this.egresses.set(key, (egress = this.open(start)));
    egress.catch(() => this.egresses.delete(key));
    return egress;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.egresses.values());
    for (const socket of this.sockets) socket.destroy();
    for (const server of this.servers) server.close();
    this.servers.clear();
    this.egresses.clear();
  }

  private async open({ jail, env, user }: EgressStart): Promise<Egress> {
    const { sharedFolder, ownPort, resolve } = this.options;
    await sharedFolder.make();
    const rules: EgressRules = {
      allowedAddresses: new Set(jail.allowedAddresses),
      proxies: readProxyVariables(env),
      ownPort,
      ...(resolve === undefined ? {} : { resolve }),
    };
    const ports: [number, string][] = [];
    for (const to of localServices(jail.allowedAddresses).values())
      if (to.port !== ownPort())
        ports.push([to.port, await this.listen(user, (socket) => serveForward(socket, to, rules))]);
    const proxyPort = proxyPortOf(jail.allowedAddresses);
    ports.push([proxyPort, await this.listen(user, (socket) => serveEgressProxy(socket, rules))]);
    return { ports, proxyPort };
  }

  private async listen(user: UserIds | null, serve: (socket: Socket) => void): Promise<string> {
    const path = join(this.options.sharedFolder.path, crypto.randomUUID().slice(0, 13));
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
      serve(socket);
    });
    server.maxConnections = maxConnections;
    this.servers.add(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => resolve());
    });
    server.unref();
    await chmod(path, 0o600);
    if (user !== null) await chown(path, user.uid, user.gid);
    return path;
  }
}

/** Only root can listen below it. */
const firstOpenPort = 1024;

/** Services of this machine that the operator named have the same address inside as outside: loopback uses no proxy. */
function localServices(addresses: readonly string[]): ReadonlyMap<number, Address> {
  const found = new Map<number, Address>();
  for (const text of addresses) {
    const to = readAddress(text);
    if (to !== null && to.port >= firstOpenPort && isLoopbackName(to.host) && !found.has(to.port))
      found.set(to.port, to);
  }
  return found;
}

/** Where the proxy listens inside. */
export function proxyPortOf(addresses: readonly string[]): number {
  const taken = localServices(addresses);
  let port = usualProxyPort;
  while (taken.has(port)) port += 1;
  return port;
}
