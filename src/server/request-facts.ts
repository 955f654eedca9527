// What the server knows of one request besides its body. A class, because every request has one: its methods are on the prototype.

import type { ServerRequestFacts } from "./operator-call.ts";

export type BunServer = Bun.Server<unknown>;

export class IncomingFacts implements ServerRequestFacts {
  pathName = "";
  /** The allowed origin, for the CORS headers of the answer. */
  corsOrigin: string | null = null;

  constructor(
    readonly request: Request,
    private readonly bun: BunServer | null,
    readonly arrivedMs: number,
    readonly requestId: string,
  ) {}

  get headers(): Headers {
    return this.request.headers;
  }

  get method(): string {
    return this.request.method;
  }

  get url(): string {
    return this.request.url;
  }

  peer(): string | null {
    return this.bun?.requestIP(this.request)?.address ?? null;
  }

  keepOpen(): void {
    this.bun?.timeout(this.request, 0);
  }

  // The shortest idle timeout; measured (Bun 1.4.5): a connection whose client does not read is closed within 4 s.
  close(): void {
    this.bun?.timeout(this.request, 1);
  }
}
