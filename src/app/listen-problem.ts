// Why the gateway cannot listen: on which address, what configured it, and which program already listens there. It must never
// end that program.

import { addressOrigin } from "../config/address-origin.ts";
import { type LoadedConfig } from "../config/load.ts";
import { systemClock } from "../system/clock.ts";
import { errorCode } from "../system/files.ts";
import { hostAndPort, reachableOrigin } from "../system/http-origin.ts";
import { userAgent } from "../system/identity.ts";
import { listenerOn } from "../system/listeners.ts";

/** The message is for the person at the terminal. */
export class ListenProblem extends Error {
  override readonly name = "ListenProblem";
}

type Address = Pick<LoadedConfig, "origins"> & { readonly host: string; readonly port: number };

const healthTimeoutMs = 2_000;

/** A listen error with an explanation; any other error unchanged. */
export async function listenProblem(thrown: unknown, address: Address): Promise<unknown> {
  const { host, port } = address;
  const code = errorCode(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const place = `${hostAndPort(host, port)}, ${addressOrigin(address)}`;
  if (code === "EADDRINUSE" || /in use/i.test(message)) {
    const holder = await portHolderOf(host, port);
    const remedy = holder.isOurs ? "Stop that one, or choose another port" : "Choose another port";
    return new ListenProblem(
      `the address is already in use (port ${port}): ${place}. ${holder.description} listens there. ${remedy} with --port, PORT or server.port.`,
      { cause: thrown },
    );
  }
  if (code === "EACCES" || code === "EPERM")
    return new ListenProblem(
      `no permission to use this address: ${place}${port < 1024 ? ": ports below 1024 are privileged" : ""} (${code}). Choose another port with --port, PORT or server.port.`,
      { cause: thrown },
    );
  if (code === "EADDRNOTAVAIL" || code === "EINVAL" || code === "ENOTFOUND")
    return new ListenProblem(
      `this machine has no such address (${code}): ${place}. Choose another with --host, HOST or server.host; 0.0.0.0 means all of them.`,
      { cause: thrown },
    );
  return thrown;
}

export type PortHolder = { readonly isOurs: boolean; readonly description: string };

/** The program that listens there, as far as this user may see. */
export async function portHolderOf(host: string, port: number): Promise<PortHolder> {
  const [gateway, listener] = await Promise.all([gatewayAt(host, port), listenerOn(port)]);
  const since = gateway?.sinceMs ?? listener?.startedMs ?? null;
  const facts = [
    ...(gateway === null ? [] : [`version ${gateway.version}`]),
    ...(listener === null ? [] : [`process ${listener.pid}`]),
    ...(gateway === null && listener !== null && listener.program !== null ? [listener.program] : []),
    ...(since === null ? [] : [`since ${new Date(since).toISOString().slice(0, 19)}Z`]),
  ];
  const who = gateway === null ? "Another program" : "A ClawGate gateway";
  const unseen = "this user has no permission to see which one";
  return {
    isOurs: gateway !== null,
    description: `${who} (${facts.length === 0 ? unseen : facts.join(", ")})`,
  };
}

/** Null: no gateway answers there. */
async function gatewayAt(host: string, port: number): Promise<{ version: string; sinceMs: number } | null> {
  try {
    const answer = await fetch(`${reachableOrigin(host, port)}/health`, {
      headers: { "user-agent": userAgent },
      signal: AbortSignal.timeout(healthTimeoutMs),
      redirect: "manual",
    });
    const { version, uptime_s: uptime, providers } = (await answer.json()) as Record<string, unknown>;
    const isOurs = typeof version === "string" && typeof uptime === "number" && typeof providers === "object";
    return isOurs ? { version: version.slice(0, 40), sinceMs: systemClock.nowMs() - uptime * 1000 } : null;
  } catch {
    return null;
  }
}
