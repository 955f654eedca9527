// Makes, rotates and revokes the keys of tenants in the config file. A key leaves here once, in the answer to who asked for it; the
// file gets its hash.

import { z } from "zod";
import { Failure } from "../canon/failure.ts";
import type { KeyPlace, NewKey } from "../config/tenant-key-edit.ts";
import type { LoadedConfig } from "../config/load.ts";
import { randomKey, sha256Hex } from "../system/secret.ts";
import { fingerprintOfEntry } from "../tenants/key-directory.ts";
import { keysOfTenant, type TenantKey } from "../tenants/settings.ts";
import type { ConfigEditor } from "./config-editor/config-editor.ts";
import type { KeyChange } from "./config-editor/text-questions.ts";
import { Conflict } from "./conflict.ts";

const timePattern = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;
const latestMs = Date.UTC(9999, 11, 31);

/** UTC milliseconds, or a time as the config writes it. */
const time = z
  .union([z.number(), z.string().regex(timePattern, "a date, or a time with its zone")])
  .transform((given) => (typeof given === "number" ? given : Date.parse(given)))
  .refine((ms) => Number.isFinite(ms) && ms < latestMs, "there is no such time");

export const newKeyBody = z.strictObject({ expires_at: time.optional() });
export const rotationBody = z.strictObject({ expires_at: time.optional(), old_expires_at: time.optional() });

export type MadeKey = {
  /** Shown only now. */
  readonly key: string;
  readonly fingerprint: string;
  readonly expires_at: string | null;
};

type KeyServices = { readonly editor: ConfigEditor; readonly nowMs: () => number };

/** Throws Failure not-found and Conflict. */
export async function createKey(
  { editor, nowMs }: KeyServices,
  tenant: string,
  { expires_at }: z.infer<typeof newKeyBody>,
): Promise<MadeKey> {
  const { made, entry } = newKey(nowMs(), expires_at);
  await changed(editor, (loaded) => {
    keysOf(loaded, tenant);
    return [{ do: "add", tenant, key: entry }];
  });
  return made;
}

export type RotatedKey = MadeKey & {
  /** Until when the old key is accepted; null: it is refused from now on. */
  readonly old_expires_at: string | null;
};

/** Throws Failure not-found and Conflict. */
export async function rotateKey(
  { editor, nowMs }: KeyServices,
  { tenant, fingerprint }: { readonly tenant: string; readonly fingerprint: string },
  { expires_at, old_expires_at }: z.infer<typeof rotationBody>,
): Promise<RotatedKey> {
  const now = nowMs();
  const { made, entry } = newKey(now, expires_at);
  let oldUntilMs = futureOf(now, old_expires_at, "old_expires_at");
  await changed(editor, (loaded) => {
    const old = keyOf(loaded, tenant, fingerprint);
    // A rotation must not prolong a key.
    if (oldUntilMs !== null && old.expiresAtMs !== null) oldUntilMs = Math.min(oldUntilMs, old.expiresAtMs);
    const place = placeOf(old);
    return [
      oldUntilMs === null
        ? { do: "remove", tenant, place }
        : { do: "expire", tenant, place, expires: isoOf(oldUntilMs) },
      { do: "add", tenant, key: entry },
    ];
  });
  return { ...made, old_expires_at: oldUntilMs === null ? null : isoOf(oldUntilMs) };
}

/** Throws Failure not-found and Conflict. */
export async function revokeKey({ editor }: KeyServices, tenant: string, fingerprint: string): Promise<void> {
  await changed(editor, (loaded) => {
    const key = keyOf(loaded, tenant, fingerprint);
    if (keysOf(loaded, tenant).length === 1)
      throw new Conflict(
        409,
        "last_key",
        "It is the tenant's last key: make another one first, or remove the tenant from the config file.",
      );
    return [{ do: "remove", tenant, place: placeOf(key) }];
  });
}

function newKey(
  nowMs: number,
  expiresAt: number | undefined,
): { readonly made: MadeKey; readonly entry: NewKey } {
  const expiresMs = futureOf(nowMs, expiresAt, "expires_at");
  const expires = expiresMs === null ? undefined : isoOf(expiresMs);
  const key = randomKey();
  const hashed = `sha256:${sha256Hex(key)}`;
  return {
    made: { key, fingerprint: fingerprintOfEntry(hashed), expires_at: expires ?? null },
    entry: { key: hashed, created: isoOf(nowMs), expires },
  };
}

function futureOf(nowMs: number, ms: number | undefined, param: string): number | null {
  if (ms === undefined) return null;
  if (ms > nowMs) return ms;
  throw new Failure("invalid-request", `${param} must be in the future.`, { param });
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

const placeOf = ({ path }: TenantKey): KeyPlace => {
  const at = path[1];
  return typeof at === "number" ? at : "api_key";
};

function keysOf({ config }: LoadedConfig, name: string): readonly TenantKey[] {
  const tenant = config.tenants.find((each) => each.name === name);
  if (tenant === undefined)
    throw new Failure("not-found", "There is no tenant with that name in the config file.");
  return keysOfTenant(tenant);
}

function keyOf(loaded: LoadedConfig, tenant: string, fingerprint: string): TenantKey {
  const found = keysOf(loaded, tenant).find(
    ({ key }) => fingerprintOfEntry(key) === fingerprint.toLowerCase(),
  );
  if (found === undefined) throw new Failure("not-found", "The tenant has no key with that fingerprint.");
  return found;
}

/** Throws Failure and Conflict. */
async function changed(
  editor: ConfigEditor,
  changesOf: (loaded: LoadedConfig) => readonly KeyChange[],
): Promise<void> {
  const report = await editor.changeKeys(changesOf);
  const error = report.problems.find(({ severity }) => severity === "error");
  if (!report.ok)
    throw new Conflict(409, "config_invalid", error?.message ?? "The config would not be valid.");
}
