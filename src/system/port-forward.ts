// Ports of this network namespace that lead to unix sockets: a jailed program's way out of an otherwise empty network.
// It must never filter what passes; the listener at the other end does.

import { connect, createServer, type Server } from "node:net";

export type PortForward = { readonly port: number; readonly path: string };

/** Settles when all of them listen on 127.0.0.1, and on ::1 if it exists. */
export async function forwardPorts(forwards: readonly PortForward[]): Promise<void> {
  await Promise.all(
    forwards.flatMap((forward) => [
      listening(forward, "127.0.0.1"),
      listening(forward, "::1").catch(() => null),
    ]),
  );
}

function listening({ port, path }: PortForward, host: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ path, allowHalfOpen: true });
    for (const [from, to] of [
      [client, target],
      [target, client],
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
