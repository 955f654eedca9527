// The keys of tenants as the operator's page manages them: bodies, statuses and the audit around what changes the config file.

import { Failure } from "../canon/failure.ts";
import type { ConfigEditor } from "../operator/config-editor/config-editor.ts";
import { type BodyReading, readSmallBody } from "../operator/small-body.ts";
import { createKey, newKeyBody, revokeKey, rotateKey, rotationBody } from "../operator/tenant-keys.ts";
import type { OperatorPort } from "../server/operator-port.ts";
import { answered } from "./config-port.ts";
import type { NoteAction } from "./operator-port.ts";

const maxBytes = 1_024;

export type KeyPortParts = {
  readonly editor: ConfigEditor;
  readonly nowMs: () => number;
  readonly note: NoteAction;
  readonly reading: () => BodyReading;
};

export function keyPort(parts: KeyPortParts) {
  const { note, reading } = parts;
  return {
    createKey: (tenant, call) =>
      answered(call.facts.requestId, async () => {
        const wanted = await readSmallBody(call.request, newKeyBody, maxBytes, reading());
        const made = await createKey(parts, tenant, wanted);
        note(call, "key.create", tenant, detailOf(made.fingerprint, made.expires_at));
        return { status: 200, body: made };
      }),
    rotateKey: (named, call) =>
      answered(call.facts.requestId, async () => {
        const [tenant, fingerprint] = parted(named);
        const wanted = await readSmallBody(call.request, rotationBody, maxBytes, reading());
        const made = await rotateKey(parts, { tenant, fingerprint }, wanted);
        const old = `${fingerprint} ${made.old_expires_at === null ? "ends now" : `ends ${made.old_expires_at}`}`;
        note(call, "key.rotate", tenant, `${detailOf(made.fingerprint, made.expires_at)}; ${old}`);
        return { status: 200, body: made };
      }),
    revokeKey: (named, call) =>
      answered(call.facts.requestId, async () => {
        const [tenant, fingerprint] = parted(named);
        await revokeKey(parts, tenant, fingerprint);
        note(call, "key.revoke", tenant, fingerprint);
        return { status: 200, body: { ok: true, fingerprint } };
      }),
  } satisfies Partial<OperatorPort>;
}

const detailOf = (fingerprint: string, expires: string | null): string =>
  expires === null ? fingerprint : `${fingerprint} until ${expires}`;

/** The tenant and the fingerprint in a path of two names. Throws Failure not-found. */
function parted(named: string): readonly [string, string] {
  const found = /^([^/]+)\/([0-9a-f]{8})$/i.exec(named);
  if (found === null) throw new Failure("not-found", "The tenant has no key with that fingerprint.");
  return [found[1] ?? "", (found[2] ?? "").toLowerCase()];
}
