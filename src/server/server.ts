// The HTTP server: Elysia mounts the table of routes, and the request handler runs before every one of them.

import { Elysia } from "elysia";
import { clawrouterRoutes } from "./clawrouter-routes.ts";
import { configRoutes } from "./config-routes.ts";
import { descriptionRoutes } from "./api-description.ts";
import { dashboardRoutes } from "./dashboard-routes.ts";
import { manualRoutes } from "./manual-routes.ts";
import { elysiaPath, nameIn, splitUrl } from "./paths.ts";
import { readingRoutes } from "./reading-routes.ts";
import { type Answer, RequestHandler } from "./request-handler.ts";
import { responseRoutes } from "./response-routes.ts";
import { greeting, type Route, routesOf } from "./routes.ts";
import type { OperatorPort } from "./operator-port.ts";
import type { ServerPort } from "./server-port.ts";
import { sessionRoutes } from "./session-routes.ts";

export type ServerOptions = {
  /** An address or a name; "::" listens on both address families if the machine supports it. */
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
  /** True: the process before this one still listens there, and shares the port. */
  readonly isShared?: boolean;
};

export type Server = {
  readonly port: number;
  readonly hostname: string;
  /** Requests that are being answered now, streams included. */
  pendingRequests(): number;
  /** Whether every further answer closes its connection, so that the client opens its next one elsewhere. */
  setClosing(isClosing: boolean): void;
  /** Closes idle connections. Bun itself closes one that never had a request within 12 s (Bun 1.4.5). */
  closeIdle(): void;
  /** Accepts no further connections, waits up to `graceMs` for running answers, then cuts them off. */
  stop(graceMs: number): Promise<void>;
};

/** Starts to listen. Throws what Bun.serve throws (EADDRINUSE, EACCES). */
export function createServer(gateway: ServerPort & OperatorPort, options: ServerOptions): Server {
  const routes = [
    ...routesOf(gateway),
    ...clawrouterRoutes(gateway),
    ...readingRoutes(gateway),
    ...responseRoutes(gateway),
    ...sessionRoutes(gateway),
    ...configRoutes(gateway),
  ];
  const manual = manualRoutes(gateway.version, greeting(gateway.version));
  // The manual first: `/` is a page of it, and its methods are listed in the order of the table.
  const table = [...manual, ...dashboardRoutes(), ...routes, ...descriptionRoutes(gateway, routes)];
  const handler = new RequestHandler(gateway, table);

  // systemRouter: Bun's own router decodes and matches paths in its own way; there must be one matcher, and it sees the raw path.
  // standardHostname: with true, Elysia looks for the path after the 11th character and misreads short host names.
  const app = new Elysia({ strictPath: true, systemRouter: false, handler: { standardHostname: false } });
  function mounted(rows: Rows | null, { request }: { readonly request: Request }): Answer {
    return handler.answer(rows === null ? null : rowFor(rows, request.url), request, app.server);
  }
  // Bound, because Elysia reads a handler's source, and one that it takes for asynchronous costs every request another promise.
  for (const rows of mountsOf(table))
    app.route(rows[0].method, elysiaPath(rows[0].path), mounted.bind(null, rows), { parse: "none" });
  app.all("*", mounted.bind(null, null), { parse: "none" });
  app.listen({
    hostname: options.hostname,
    port: options.port,
    // Elysia's default silently shares the port with any other program that listens on it.
    reusePort: options.isShared === true,
    // Cuts off a stalled upload; an endpoint lifts it once the body is read.
    idleTimeout: 60,
    // Far above our own limit, which is checked before and while the body is read: so the 413 has a body.
    maxRequestBodySize: 2 ** 40,
    development: false,
    // An endpoint never rejects. If a bug makes it reject, the bug is logged like any other; nothing internal is shown.
    error: (error) => handler.lastResort(error),
  });
  const bun = app.server;
  if (bun === null || bun.port === undefined) throw new Error("the server did not start listening");
  const { port } = bun;
  return {
    port,
    hostname: options.hostname,
    pendingRequests: () => bun.pendingRequests,
    setClosing: (isClosing) => void (handler.isClosing = isClosing),
    closeIdle: () => void bun.closeIdleConnections(),
    async stop(graceMs) {
      const timer = setTimeout(() => void bun.stop(true), graceMs);
      await bun.stop();
      clearTimeout(timer);
    },
  };
}

type Rows = readonly [Route, ...Route[]];

/** Rows that differ only in the verb after the wildcard share one mount. */
function mountsOf(table: readonly Route[]): readonly Rows[] {
  const mounts = new Map<string, [Route, ...Route[]]>();
  for (const route of table) {
    const key = `${route.method} ${elysiaPath(route.path)}`;
    const rows = mounts.get(key);
    if (rows === undefined) mounts.set(key, [route]);
    else rows.push(route);
  }
  return [...mounts.values()];
}

/** Null: the path matches none of them. */
function rowFor(rows: Rows, url: string): Route | null {
  if (rows.length === 1) return rows[0];
  const [path] = splitUrl(url);
  return rows.find((row) => nameIn(row.path, path) !== null) ?? null;
}
