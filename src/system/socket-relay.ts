// Ports of this network namespace that lead to unix sockets: a jailed program's way out of a network with nobody in it.
// It must never judge what passes; who listens at the other end does.

import { connect, createServer, type Server } from "node:net";

export type Relay = { readonly port: number; readonly path: string };

/** Settles when all of them listen on 127.0.0.1, and on ::1 where there is one. */
export async function relayPorts(relays: readonly Relay[]): Promise<void> {
  await Promise.all(
    relays.flatMap((relay) => [listening(relay, "127.0.0.1"), listening(relay, "::1").catch(() => null)]),
  );
}

function listening({ port, path }: Relay, host: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const far = connect({ path, allowHalfOpen: true });
    for (const [from, to] of [
      [client, far],
      [far, client],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => resolve(server));
  });
}
