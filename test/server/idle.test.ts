// Connections that ask for nothing are given up when descriptors are short; those with a request stay.

import { afterAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway, goodKey } from "./fake-gateway.ts";

const server = createServer(fakeGateway(), { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));

type Line = { readonly socket: Socket; readonly closed: Promise<string> };

/** Gives everything that was said when the connection is closed. */
function line(says: string): Line {
  let text = "";
  const closed = Promise.withResolvers<string>();
  const socket = connect(server.port, "127.0.0.1", () => socket.write(says));
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.on("close", () => closed.resolve(text));
  return { socket, closed: closed.promise };
}

const post =
  `POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${goodKey}\r\n` +
  "Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n";

test("closeIdle closes those that wait for their next request, and no others", async () => {
  const upload = line(`${post}{`);
  const { port } = server;
  const kept = connect(port, "127.0.0.1", () =>
    kept.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  );
  const answered = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  kept.on("data", () => answered.resolve()).on("close", () => closed.resolve());
  await answered.promise;
  server.closeIdle();
  await closed.promise;
  upload.socket.write("}");
  expect(await upload.closed).toContain("200 OK");
}, 30_000);
