import { afterEach, expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { readProxyVariables } from "../../../../src/system/proxy.ts";
import {
  serveForward,
  serveEgressProxy,
  type EgressRules,
} from "../../../../src/backends/agent-process/jail/egress-proxy.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const way = (more: Partial<EgressRules> = {}): EgressRules => ({
  allowedAddresses: new Set(),
  proxies: readProxyVariables({}),
  ownPort: () => null,
  ...more,
});

/** Sends `text` to a way out, ends its side, and gives all that comes back. */
async function said(settings: EgressRules, text: string, serve = serveEgressProxy): Promise<string> {
  const port = await listening((socket) => serve(socket, settings));
  return talk(port, text);
}

function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.end(text));
    socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
    socket.on("error", () => resolve(heard));
    socket.on("close", () => resolve(heard));
  });
}

/** Answers with what it heard. */
const echo = (socket: Socket): void => {
  let heard = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
  socket.on("end", () => socket.end(`HEARD ${heard}`));
};

test("this machine, private networks and metadata services are refused, by every way of naming them", async () => {
  const port = await listening(echo);
  const hosts = [
    "127.0.0.1",
    "localhost",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "127.1",
    "2130706433",
    "10.0.0.1",
  ];
  for (const host of [...hosts, "169.254.169.254", "192.168.0.1", "[fd00:ec2::254]"]) {
    const tunnel = await said(way(), `CONNECT ${host}:${port} HTTP/1.1\r\n\r\nhello`);
    expect([host, tunnel]).toEqual([host, expect.stringMatching(/^HTTP\/1\.1 (?:400|403|502)/)]);
    const plain = await said(way(), `GET http://${host}:${port}/x HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect([host, plain]).toEqual([host, expect.stringMatching(/^HTTP\/1\.1 (?:400|403|502)/)]);
  }
});

test("a name is judged by what it resolves to, and asked by that very number", async () => {
  const port = await listening(echo);
  const asked: string[] = [];
  const resolving = (addresses: readonly string[]) =>
    way({
      resolve: async (host) => {
        asked.push(host);
        return addresses;
      },
    });
  const request = `CONNECT rebound.example:${port} HTTP/1.1\r\n\r\nhello`;
  expect(await said(resolving(["127.0.0.1"]), request)).toStartWith("HTTP/1.1 403");
  expect(await said(resolving(["10.0.0.1", "::1"]), request)).toContain("cli.jail_hosts");
  // Once for each: a second question could have a second answer.
  expect(asked).toEqual(["rebound.example", "rebound.example"]);
});

test("what the operator named is reached, by a tunnel, by a plain request and by a port of its own; half-closed too", async () => {
  const port = await listening(echo);
  const named = way({ allowedAddresses: new Set([`127.0.0.1:${port}`]) });
  expect(await said(named, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\nhello`)).toBe(
    "HTTP/1.1 200 Connection established\r\n\r\nHEARD hello",
  );
  const plain = await said(
    named,
    `POST http://127.0.0.1:${port}/a?b HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic x\r\nConnection: keep-alive\r\n\r\nbody`,
  );
  expect(plain).toBe("HEARD POST /a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nbody");
  const serve = (socket: Socket, settings: EgressRules): void =>
    serveForward(socket, { host: "127.0.0.1", port }, settings);
  expect(await said(named, "hello", serve)).toBe("HEARD hello");
});

test("the gateway itself is not reached, although the operator named it", async () => {
  const port = await listening(echo);
  const own = way({ allowedAddresses: new Set([`127.0.0.1:${port}`]), ownPort: () => port });
  expect(await said(own, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\nhello`)).toStartWith("HTTP/1.1 403");
  const serve = (socket: Socket, settings: EgressRules): void =>
    serveForward(socket, { host: "127.0.0.1", port }, settings);
  expect(await said(own, "hello", serve)).toBe("");
});

test("the operator's own proxy is used, with its login, which is not visible inside", async () => {
  const heard: string[] = [];
  const proxyPort = await listening((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (chunk) => {
      heard.push(chunk.toString("latin1"));
      const isTunnel = chunk.toString("latin1").startsWith("CONNECT");
      socket.write(isTunnel ? "HTTP/1.1 200 OK\r\n\r\nfirst words;" : "HTTP/1.1 204 No Content\r\n\r\n");
      socket.on("data", (more) => socket.end(`then ${more.toString("latin1")}`));
      if (!isTunnel) socket.end();
    });
  });
  const proxy = `http://me:secret@127.0.0.1:${proxyPort}`;
  const behind = way({
    proxies: readProxyVariables({ HTTPS_PROXY: proxy, HTTP_PROXY: proxy }),
    resolve: async () => ["160.79.104.10"],
  });
  const tunnel = await said(behind, "CONNECT api.example:443 HTTP/1.1\r\n\r\nhello");
  expect(tunnel).toBe("HTTP/1.1 200 Connection established\r\n\r\nfirst words;then hello");
  await said(behind, "GET http://api.example/x HTTP/1.1\r\nHost: api.example\r\n\r\n");
  const login = `Proxy-Authorization: Basic ${btoa("me:secret")}`;
  expect(heard[0]).toStartWith("CONNECT api.example:443 HTTP/1.1\r\n");
  expect(heard[0]).toContain(login);
  expect(heard[1]).toStartWith("GET http://api.example/x HTTP/1.1\r\n");
  expect(heard[1]).toContain(login);
  const inner = way({ ...behind, resolve: async () => ["10.0.0.8"] });
  expect(await said(inner, "CONNECT intranet.example:443 HTTP/1.1\r\n\r\n")).toStartWith("HTTP/1.1 403");
});

test("what is not a request to a proxy is refused, and an endless head is cut", async () => {
  expect(await said(way(), "GET /api/tenants HTTP/1.1\r\nHost: x\r\n\r\n")).toStartWith("HTTP/1.1 400");
  expect(await said(way(), "CONNECT nowhere HTTP/1.1\r\n\r\n")).toStartWith("HTTP/1.1 400");
  expect(await said(way(), `GET http://x/ HTTP/1.1\r\n${"a: b\r\n".repeat(20_000)}`)).toStartWith(
    "HTTP/1.1 431",
  );
});
