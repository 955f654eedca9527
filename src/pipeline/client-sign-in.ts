// A provider with `auth: client` is asked with the caller's own sign-in. Here is what a request must be for that, and how the value
// stays out of every text. The value itself is never interpreted, compared, kept or shown.

import { mask } from "../canon/redact.ts";
import { Failure } from "../canon/failure.ts";
import type { Provider } from "./dependencies.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import type { Run } from "./run.ts";

const schemeLength = "bearer ".length;

/** After the decision. Throws Failure. */
export function enterClientSignIn(run: Run, incoming: IncomingRequest): void {
  const [target] = run.decision?.targets ?? [];
  const provider = target === undefined ? undefined : run.snapshot.providers.get(target.provider);
  if (target === undefined || provider?.usesClientSignIn !== true) return;
  const refusal = endpointRefusal(incoming, provider) ?? modelRefusal(incoming, provider.id, target.model);
  if (refusal !== null) throw refusal;
  const { headers } = incoming;
  const scheme = headers.get("authorization")?.slice(0, schemeLength).toLowerCase();
  const needsOurKey = run.snapshot.hasClientKeys && !headers.has("x-clawgate-key");
  if (scheme !== "bearer " || needsOurKey)
    throw new Failure(
      "unauthorized",
      `The provider "${provider.id}" is asked with your own sign-in (auth: client): ` +
        (needsOurKey
          ? "send it as Authorization: Bearer, and the gateway's key as x-clawgate-key (ANTHROPIC_CUSTOM_HEADERS)."
          : "sign in with Claude Code (/login) and set only ANTHROPIC_BASE_URL."),
    );
  run.usesClientSignIn = true;
  const { redact } = run.services;
  run.redact = (text) => redact(withoutBearer(text, headers.get("authorization")));
  // Kept texts would be of a conversation that its owner has with the vendor alone.
  run.content?.free();
  run.content = null;
}

/** Null: the request may go there. */
export function endpointRefusal({ endpoint }: IncomingRequest, { id }: Provider): Failure | null {
  const isOwn = endpoint.dialect === "anthropic-messages" && endpoint.kind !== "forward";
  return isOwn
    ? null
    : new Failure(
        "unsupported",
        `The provider "${id}" passes on requests of Claude Code to /v1/messages only (auth: client).`,
        { param: "model" },
      );
}

/** An alias or a default would be another model than the one that the caller's plan is asked for. */
function modelRefusal({ envelope }: IncomingRequest, id: string, model: string): Failure | null {
  if (envelope.model === model || envelope.model === `${id}/${model}`) return null;
  return new Failure(
    "unsupported",
    `The provider "${id}" answers only requests that name its model themselves (auth: client): ask for ${model}.`,
    { param: "model" },
  );
}

/** What such a request sends beside the open lists: the sign-in, and which program it is of. */
export function signInHeaders(headers: Headers): Readonly<Record<string, string>> {
  const passed: Record<string, string> = {};
  for (const name of ["authorization", "user-agent", "x-app"]) {
    const value = headers.get(name);
    if (value !== null) passed[name] = value;
  }
  return passed;
}

/** A vendor may repeat what it was sent. */
function withoutBearer(text: string, authorization: string | null): string {
  const value = authorization?.slice(schemeLength).trim() ?? "";
  return value === "" ? text : text.replaceAll(value, mask);
}
