// A test connection to where fetch would connect, closed as soon as it is established: name, TCP, the proxy's CONNECT and
// the TLS handshake. It must never send a request or the provider's key, and never verify a certificate: fetch does.

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How an origin is reached. */
export type Route = {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly proxy: string | null;
  readonly connectMs: number;
};

/** How far a connection got: to the proxy or, without one, the host itself; through the proxy. */
export type DialStage = "nearest" | "tunnel";

/** The returned function stops it. `withHandshake` false: a TCP connection is enough. */
export type Dial = (
  route: Route,
  withHandshake: boolean,
  onSuccess: () => void,
  onError: () => void,
  onReached?: (reached: DialStage) => void,
) => () => void;

const maxConnectBytes = 16 * 1024;

type Place = { readonly host: string; readonly port: number; readonly isTls: boolean };

function placeOf(address: string): Place {
  const url = new URL(address);
  const isTls = url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port, isTls };
}

export const dialOut: Dial = (route, withHandshake, onSuccess, onError, onReached) => {
  const sockets: Socket[] = [];
  let isOver = false;
  const reached = (where: DialStage): void => {
    if (!isOver) onReached?.(where);
  };
  const stop = (): void => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
  const end = (tell: () => void): void => {
    if (isOver) return;
    stop();
    tell();
  };
  const watched = (socket: Socket): Socket => {
    sockets.push(socket);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A peer that resets a connection was reached, even if the reset comes before the connect event.
      if (error.code === "ECONNRESET") reached("nearest");
      end(onError);
    });
    socket.on("close", () => end(onError));
    if (isOver) socket.destroy();
    return socket;
  };
  const shake = ({ host }: Place, over: { socket: Socket } | Place, onShaken: () => void): void => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    watched(connectTls({ ...over, ...servername, rejectUnauthorized: false }, onShaken));
  };
  const succeed = (): void => end(onSuccess);

  const target = placeOf(route.origin);
  const nearest = route.proxy === null ? target : placeOf(route.proxy);
  const throughProxy = (socket: Socket): void => {
    tunnel(socket, target, route.proxy ?? "", (isOpen) => {
      if (!isOpen) end(onError);
      // Bun supports no TLS inside TLS here: the proxy's success must be enough.
      else if (nearest.isTls || !withHandshake) succeed();
      else {
        reached("tunnel");
        shake(target, { socket }, succeed);
      }
    });
  };
  const onConnected = (socket: Socket): void => {
    if (route.proxy !== null && target.isTls) throughProxy(socket);
    else succeed();
  };
  if (nearest.isTls && withHandshake) {
    const servername = isIP(nearest.host) === 0 ? { servername: nearest.host } : {};
    const socket = connectTls({ ...nearest, ...servername, rejectUnauthorized: false }, () =>
      onConnected(socket),
    );
    watched(socket).on("connect", () => reached("nearest"));
  } else {
    const socket = connect({ host: nearest.host, port: nearest.port }, () => {
      reached("nearest");
      onConnected(socket);
    });
    watched(socket);
  }
  return stop;
};

/** Asks the proxy for a tunnel as fetch does, with the credentials of the proxy's own address. */
function tunnel(socket: Socket, target: Place, proxy: string, onAnswer: (isOpen: boolean) => void): void {
  const { username, password } = new URL(proxy);
  const host = isIP(target.host) === 6 ? `[${target.host}]` : target.host;
  const who = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const auth = username === "" ? "" : `Proxy-Authorization: Basic ${Buffer.from(who).toString("base64")}\r\n`;
  let head = "";
  const onData = (bytes: Buffer): void => {
    head += bytes.toString("latin1");
    if (!head.includes("\r\n\r\n") && head.length < maxConnectBytes) return;
    socket.off("data", onData);
    onAnswer(/^HTTP\/1\.[01] 2\d\d/.test(head));
  };
  socket.on("data", onData);
  socket.write(`CONNECT ${host}:${target.port} HTTP/1.1\r\nHost: ${host}:${target.port}\r\n${auth}\r\n`);
}
