// The answer of /health in the shape of the program whose place ClawGate takes (`server.compat`). The status is our own: it must never
// say "ok" of a gateway that is down.

import type { Config } from "../../config/schema.ts";

type Compat = NonNullable<Config["server"]["compat"]>;

type WholeReport = {
  readonly status: "down" | "ok" | "degraded";
  readonly running: number;
  readonly tenants?: readonly string[];
  readonly queue?: { readonly running: number; readonly queued: number; readonly perTenant: object };
};

/** openclaw-cc-gateway shows its tenants to anybody. Here only a caller with read rights sees names. */
export function compatHealth(compat: Compat, report: WholeReport, nowMs: number) {
  const { status, running, tenants = [], queue = { running, queued: 0, perTenant: {} } } = report;
  if (compat !== "cc-gateway") return { status };
  return {
    status,
    provider: "claude-cli-gateway",
    tenants,
    queue,
    timestamp: new Date(nowMs).toISOString(),
  };
}
