// What `clawgate doctor` finds about certificates: the file that NODE_EXTRA_CA_CERTS names, and whether this program trusts the chain
// of each provider. It only performs a handshake: no request and no key is ever sent.

import { isIP } from "node:net";
import { resolve } from "node:path";
import { connect } from "node:tls";
import { networkFailure, addressOf } from "../../backends/http/network-failure.ts";
import { proxyFor, readProxyVariables } from "../../system/proxy.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { certificateProblem, certificateVariable } from "../../system/certificates.ts";
import { certificateNote } from "../../system/runtime-variables.ts";
import type { Environment } from "../../system/state-directory.ts";
import { type Finding, findingsIn } from "./finding.ts";

const inProgram = findingsIn("program");
const inProviders = findingsIn("providers");
const longestMs = 5_000;

export async function certificateFindings(
  environment: Environment,
  workingDirectory: string,
  nowMs: number,
): Promise<readonly Finding[]> {
  const note = certificateNote(environment);
  const named = environment[certificateVariable];
  if (note === null || named === undefined) return [];
  const trouble = await certificateProblem(resolve(workingDirectory, named), nowMs);
  const advice =
    "name a file that the gateway's user can read, then restart; providers with such a certificate are unreachable until then";
  return [
    inProgram("ok", "certificates", note),
    ...(trouble === null
      ? []
      : [
          inProgram(
            "warning",
            "certificates.file",
            `${certificateVariable}: ${named} ${trouble}`,
            null,
            advice,
          ),
        ]),
  ];
}

/** One finding for each chain that is not trusted; an unreachable provider produces none. */
export async function trustFindings(
  { config, environment }: LoadedConfig,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const variables = readProxyVariables(environment);
  const origins = new Map<string, { readonly url: URL; readonly ids: string[] }>();
  for (const [id, { base_url: address, proxy }] of Object.entries(config.providers)) {
    const url = address === null ? null : URL.parse(address);
    if (url?.protocol !== "https:" || proxyFor(url, proxy ?? null, variables) !== null) continue;
    const known = origins.get(url.origin);
    if (known === undefined) origins.set(url.origin, { url, ids: [id] });
    else known.ids.push(id);
  }
  const each = [...origins.values()].map(async ({ url, ids }): Promise<Finding[]> => {
    const thrown = await handshake(url, signal);
    const failure = thrown === null ? null : networkFailure(thrown, undefined, addressOf(url.href, null));
    if (failure === null || !isTrustError(thrown)) return [];
    return [inProviders("failed", `${ids[0]}.certificate`, ids.join(", "), failure.operatorMessage, null)];
  });
  return (await Promise.all(each)).flat();
}

/** Whether the handshake failed, not the network. */
function isTrustError(thrown: unknown): boolean {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  return /CERT|UNABLE_TO_|SELF_SIGNED|ALTNAME|EPROTO|ERR_SSL|SIGNATURE/i.test(code);
}

/** Null: it succeeded, or no server answered in time. */
function handshake(url: URL, signal: AbortSignal): Promise<unknown> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((settle) => {
    const socket = connect({
      host,
      port: url.port === "" ? 443 : Number(url.port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const end = (thrown: unknown): void => {
      socket.destroy();
      signal.removeEventListener("abort", onAbort);
      settle(thrown);
    };
    const onAbort = (): void => end(null);
    signal.addEventListener("abort", onAbort);
    socket.setTimeout(longestMs, () => end(null));
    socket.on("secureConnect", () => end(null));
    socket.on("error", end);
  });
}
