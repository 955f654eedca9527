// Where a connection of our own gets to: a name, a port, a proxy, a TLS handshake. All on loopback.

import { afterAll, describe, expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { dialOut, type DialStage } from "../../../src/backends/http/dial.ts";
import { hasOpenssl, selfSigned } from "../../support/certificate.ts";

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterAll(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Accepts, reads, says nothing. */
const silent = (heard: string[] = []) =>
  createServer((socket) => socket.on("data", (bytes) => heard.push(bytes.toString("latin1"))));

const tlsServer = () => createTlsServer(selfSigned(), (socket) => void socket.on("error", () => undefined));

/** Tunnels to whatever port is named, on loopback. */
const proxyServer = (heard: string[], refuses = false) =>
  createServer((socket) => {
    socket.once("data", (bytes) => {
      heard.push(bytes.toString("latin1"));
      if (refuses) return void socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      const port = Number(/^CONNECT [^ ]+:(\d+) /.exec(bytes.toString("latin1"))?.[1]);
      const onward = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      sockets.add(onward);
      onward.on("error", () => socket.destroy());
    });
  });

type Outcome = {
  readonly reached: DialStage[];
  readonly end: Promise<"stands" | "fails">;
  readonly stop: () => void;
  isOver: boolean;
};

function dial(origin: string, proxy: string | null = null, withHandshake = true): Outcome {
  const { promise, resolve } = Promise.withResolvers<"stands" | "fails">();
  const reached: DialStage[] = [];
  const stop = dialOut(
    { origin, proxy, connectMs: 1_000 },
    withHandshake,
    () => resolve("stands"),
    () => resolve("fails"),
    (where) => void reached.push(where),
  );
  const outcome: Outcome = { reached, end: promise, stop, isOver: false };
  void promise.then(() => (outcome.isOver = true));
  return outcome;
}

/** Settles when the server has heard something; then nothing more is to be expected of the client. */
async function heardBy(heard: readonly string[]): Promise<void> {
  while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("a connection", () => {
  test("opens on a port that listens, and fails on one that does not", async () => {
    const port = await listen(silent());
    expect(await dial(`http://127.0.0.1:${port}`).end).toBe("stands");
    expect(await dial(`http://localhost:${port}`).end).toBe("stands");
    servers.at(-1)?.close();
    const closed = createServer();
    const closedPort = await listen(closed);
    await new Promise((resolve) => closed.close(resolve));
    expect(await dial(`http://127.0.0.1:${closedPort}`).end).toBe("fails");
  });

  test("does not open while the handshake is not answered; without one it does", async () => {
    const heard: string[] = [];
    const port = await listen(silent(heard));
    const outcome = dial(`https://127.0.0.1:${port}`);
    await heardBy(heard);
    expect(outcome.isOver).toBe(false);
    expect(outcome.reached).toEqual(["nearest"]);
    outcome.stop();
    expect(await dial(`https://127.0.0.1:${port}`, null, false).end).toBe("stands");
  });

  test("does not stand while a proxy does not answer, and fails when it refuses", async () => {
    const heard: string[] = [];
    const port = await listen(silent(heard));
    const outcome = dial("https://api.example.com", `http://127.0.0.1:${port}`);
    await heardBy(heard);
    expect(outcome.isOver).toBe(false);
    outcome.stop();
    const refusing = await listen(proxyServer([], true));
    expect(await dial("https://api.example.com", `http://127.0.0.1:${refusing}`).end).toBe("fails");
  });

  test("names the target and the proxy's own credentials to the proxy, and nothing else", async () => {
    const heard: string[] = [];
    const port = await listen(proxyServer(heard, true));
    await dial("https://[fd00::1]:8443", `http://us%20er:p%40ss@127.0.0.1:${port}`).end;
    expect(heard).toEqual([
      "CONNECT [fd00::1]:8443 HTTP/1.1\r\nHost: [fd00::1]:8443\r\n" +
        `Proxy-Authorization: Basic ${Buffer.from("us er:p@ss").toString("base64")}\r\n\r\n`,
    ]);
  });

  test("to a proxy is all that can be seen of a target without TLS", async () => {
    const port = await listen(silent());
    expect(await dial("http://vendor.example", `http://127.0.0.1:${port}`).end).toBe("stands");
  });
});

describe.skipIf(!hasOpenssl)("with TLS", () => {
  test("a handshake succeeds with any certificate: fetch judges it", async () => {
    const port = await listen(tlsServer());
    expect(await dial(`https://localhost:${port}`).end).toBe("stands");
    expect(await dial(`https://127.0.0.1:${port}`).end).toBe("stands");
  });

  test("a handshake through a proxy succeeds, and does not while the target is silent", async () => {
    const port = await listen(tlsServer());
    const proxy = `http://127.0.0.1:${await listen(proxyServer([]))}`;
    expect(await dial(`https://vendor.example:${port}`, proxy).end).toBe("stands");
    const heard: string[] = [];
    const silentPort = await listen(silent(heard));
    const outcome = dial(`https://vendor.example:${silentPort}`, proxy);
    await heardBy(heard);
    expect(outcome.isOver).toBe(false);
    expect(outcome.reached).toEqual(["nearest", "tunnel"]);
    outcome.stop();
  });

  test("a proxy that is reached by TLS tunnels as well", async () => {
    const { key, cert } = selfSigned();
    const heard: string[] = [];
    const server = createTlsServer({ key, cert }, (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (bytes) => {
        heard.push(bytes.toString("latin1"));
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
      });
    });
    const port = await listen(server);
    expect(await dial("https://api.example.com", `https://127.0.0.1:${port}`).end).toBe("stands");
    expect(heard[0]).toStartWith("CONNECT api.example.com:443 ");
  });
});
