// A client on a bare socket: fetch opens at most 256 connections in one process, and the app under test runs in this one.

import { connect } from "node:net";

/** Posts JSON and gives the body to its end. Rejects when the status is not 200 or the connection breaks before the last chunk. */
export function streamOverSocket(url: string, path: string, body: object): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const bytes = Buffer.from(JSON.stringify(body));
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect(Number(port), hostname, () => {
      socket.write(head);
      socket.write(bytes);
    });
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const whole = bodyOf(received);
      if (whole === null) return;
      socket.destroy();
      resolve(whole);
    });
    const broken = (): void =>
      reject(new Error(`The connection ended early, after:\n${received.toString()}`));
    socket.on("close", broken);
    socket.on("error", broken);
  });
}

/** The joined chunks once the last one is there; null before. */
function bodyOf(received: Buffer): string | null {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const head = received.toString("latin1", 0, headEnd);
  if (!head.startsWith("HTTP/1.1 200")) throw new Error(head);
  const parts: Buffer[] = [];
  for (let at = headEnd + 4; ;) {
    const lineEnd = received.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const length = Number.parseInt(received.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + length;
    if (length === 0) return Buffer.concat(parts).toString("utf8");
    if (received.length < end + 2) return null;
    parts.push(received.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
