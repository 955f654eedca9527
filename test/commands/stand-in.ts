// A gateway that only answers what a test tells it to, announced in run.json like a real one.

import { version } from "../../src/system/identity.ts";
import { openStateDirectory, writeRunFile } from "../../src/system/state-directory.ts";

export type Heard = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
};

export type StandIn = {
  readonly url: string;
  readonly heard: readonly Heard[];
  stop(): void;
};

export const standInToken = "state-token-0123456789";

export type StandInOptions = {
  readonly stateDir: string;
  readonly version?: string;
  readonly pid?: number;
  answer(heard: Heard): Response | Promise<Response>;
};

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const heard: Heard[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const each = {
        method: request.method,
        path: pathname + search,
        headers: request.headers,
        body: await request.text(),
      };
      heard.push(each);
      if (pathname === "/health") return Response.json({ status: "ok", version: options.version ?? version });
      return options.answer(each);
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  const directory = await openStateDirectory({ CLAWGATE_STATE_DIR: options.stateDir });
  await writeRunFile(directory, { pid: options.pid ?? process.pid, url, token: standInToken });
  return { url, heard, stop: () => void server.stop(true) };
}
