// fetch does not say when its connection stands, so a silent host looks like a slow model. This asks the network beside it:
// when an origin has not answered lately, one plain TCP connection is tried; if that does not stand in time, nobody is there.

export type Reach = {
  /** An answer came: the origin is there. */
  answered(origin: string): void;
  /** It answered within the last 5 minutes: a connection to it may lie in the pool. */
  hasAnswered(origin: string): boolean;
  /** Calls `onDead` once if the origin cannot be connected to within `connectMs`. The returned function stops the watch. */
  watch(origin: string, connectMs: number, onDead: () => void): () => void;
};

export type Connect = (host: string, port: number, onOpen: () => void, onError: () => void) => () => void;

const trustMs = 30_000;
const poolMs = 300_000;
const nothing = (): void => undefined;

export function createReach(options: {
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
  readonly connect: Connect;
}): Reach {
  const lastAnswer = new Map<string, number>();
  const lastConnect = new Map<string, number>();
  const isRecent = (times: ReadonlyMap<string, number>, origin: string, withinMs: number): boolean =>
    options.nowMs() - (times.get(origin) ?? Number.NEGATIVE_INFINITY) < withinMs;
  const isTrusted = (origin: string): boolean =>
    isRecent(lastAnswer, origin, trustMs) || isRecent(lastConnect, origin, trustMs);
  return {
    answered(origin) {
      lastAnswer.set(origin, options.nowMs());
    },
    hasAnswered: (origin) => isRecent(lastAnswer, origin, poolMs),
    watch(origin, connectMs, onDead) {
      if (isTrusted(origin)) return nothing;
      const url = new URL(origin);
      const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
      let stopProbe = (): void => undefined;
      // The first half of the time belongs to fetch alone: most answers come before a probe is worth a connection.
      const stopTimers: (() => void)[] = [];
      const stop = (): void => {
        for (const each of stopTimers) each();
        stopProbe();
      };
      stopTimers.push(
        options.setTimer(connectMs / 2, () => {
          // Another request may have heard from it meanwhile.
          if (isTrusted(origin)) return stop();
          stopProbe = options.connect(
            url.hostname.replace(/^\[|\]$/g, ""),
            port,
            () => {
              lastConnect.set(origin, options.nowMs());
              stop();
            },
            () => undefined,
          );
        }),
        options.setTimer(connectMs, () => {
          stop();
          if (!isTrusted(origin)) onDead();
        }),
      );
      return stop;
    },
  };
}

/** A TCP connection through Bun that is closed as soon as it stands. */
export const tcpConnect: Connect = (host, port, onOpen, onError) => {
  let isStopped = false;
  let close = (): void => undefined;
  Bun.connect({
    hostname: host,
    port,
    socket: {
      open(socket) {
        close = () => socket.end();
        if (!isStopped) onOpen();
        socket.end();
      },
      data() {},
      connectError() {
        onError();
      },
    },
  }).catch(onError);
  return () => {
    isStopped = true;
    close();
  };
};
