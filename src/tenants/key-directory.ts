// Maps keys to their owners. Keys are held only as SHA-256, and it must never log, return or store one in plain text.

import { timingSafeEqual } from "node:crypto";

export type KeyDirectoryOptions = {
  /** Client keys, plain or as `sha256:<64 hex digits>`. */
  readonly keys: readonly string[];
  /** Keys of named programs that belong to no tenant. Absent: none. */
  readonly clients?: readonly { readonly name: string; readonly key: string }[];
  /** Keys with an owner's name. Absent: none. */
  readonly tenants?: readonly {
    readonly name: string;
    readonly key: string;
    /** UTC milliseconds; null or absent: never. */
    readonly expiresAtMs?: number | null;
  }[];
  /** UTC milliseconds. Absent: every key with an expiry counts as expired. */
  readonly nowMs?: () => number;
  /** Called for a correct but expired key, which the client is not told. */
  readonly onExpired?: (tenant: string, keyId: string) => void;
  /** In the same two forms; null or blank: none. */
  readonly adminKey: string | null;
  /** The token in the state directory; null: none. */
  readonly stateToken: string | null;
};

export type KeyDirectory = {
  readonly hasKeys: boolean;
  readonly hasAdminKey: boolean;
  /** `client`: the program that the key was made for; null: any. */
  identify(
    presented: string | null,
  ): { readonly keyId: string; readonly tenant: string | null; readonly client: string | null } | null;
  /** The admin key, or the token of the state directory. */
  isAdmin(presented: string | null): boolean;
  /** The same, by a name that reveals nothing: "admin key ab12cd34" or "run token"; null: neither. */
  adminName(presented: string | null): string | null;
};

type KeyEntry = {
  readonly keyId: string;
  readonly hash: Buffer;
  readonly tenant: string | null;
  readonly client: string | null;
  readonly expiresAtMs: number | null;
};

/** Throws an Error for a `sha256:` entry that is not 64 hex digits; its text is safe to show. */
export function createKeyDirectory(options: KeyDirectoryOptions): KeyDirectory {
  const nowMs = options.nowMs ?? (() => Number.POSITIVE_INFINITY);
  const written = [
    ...options.keys.map((key) => ({ hash: hashOfEntry(key), tenant: null, client: null, expiresAtMs: null })),
    ...(options.clients ?? []).map(({ name, key }) => ({
      hash: hashOfEntry(key),
      tenant: null,
      client: name,
      expiresAtMs: null,
    })),
    ...(options.tenants ?? []).map(({ name, key, expiresAtMs = null }) => ({
      hash: hashOfEntry(key),
      tenant: name,
      client: null,
      expiresAtMs,
    })),
  ];
  const entries = new Map<number, KeyEntry[]>();
  for (const { hash, tenant, client, expiresAtMs } of written) {
    if (hash === null) continue;
    const alike = entries.get(bucketOf(hash)) ?? [];
    // For a duplicate key, the later owner counts.
    const others = alike.filter((each) => !each.hash.equals(hash));
    entries.set(bucketOf(hash), [...others, { keyId: keyIdOf(hash), hash, tenant, client, expiresAtMs }]);
  }
  // Every request hashes a key, so the same 32 bytes are reused.
  const scratch = Buffer.alloc(32);
  const admins: { readonly name: string; readonly hash: Buffer }[] = [];
  const adminHash = hashOfEntry(options.adminKey ?? "");
  if (adminHash !== null) admins.push({ name: `admin key ${keyIdOf(adminHash)}`, hash: adminHash });
  if (options.stateToken !== null && options.stateToken !== "")
    admins.push({ name: "run token", hash: hashOf(Buffer.from(options.stateToken)) });
  const adminName = (presented: string | null): string | null => {
    if (presented === null || presented === "") return null;
    const hash = hashOf(bytesOf(presented));
    let found: string | null = null;
    for (const each of admins) if (timingSafeEqual(each.hash, hash)) found = each.name;
    return found;
  };
  return {
    // A blank entry still counts as a key: an unset key must refuse all callers, not admit them.
    hasKeys: written.length > 0,
    hasAdminKey: adminHash !== null,
    identify(presented) {
      if (presented === null || presented === "") return null;
      const hash = hashInto(presented, scratch);
      const entry = matchingEntry(entries.get(bucketOf(hash)), hash);
      if (entry === null) return null;
      if (entry.expiresAtMs === null || nowMs() < entry.expiresAtMs) return entry;
      options.onExpired?.(entry.tenant ?? "", entry.keyId);
      return null;
    },
    isAdmin: (presented) => adminName(presented) !== null,
    adminName,
  };
}

function matchingEntry(alike: readonly KeyEntry[] | undefined, hash: Buffer): KeyEntry | null {
  if (alike !== undefined) for (const each of alike) if (timingSafeEqual(each.hash, hash)) return each;
  return null;
}

/** The look-up key: the first bytes of a hash reveal nothing about the key, and the entry is compared in constant time. */
const bucketOf = (hash: Buffer): number => hash.readUIntBE(0, 6);

function hashInto(presented: string, target: Buffer): Buffer {
  if (!isAscii.test(presented)) return hashOf(bytesOf(presented));
  Bun.SHA256.hash(presented, target);
  return target;
}

const isAscii = /^[\x20-\x7e]*$/;

const keyIdOf = (hash: Buffer): string => hash.toString("hex", 0, 4);

function hashOf(bytes: Uint8Array): Buffer {
  return Buffer.from(Bun.SHA256.hash(bytes).buffer);
}

/** A header value has one character per byte, so a non-ASCII key arrives as UTF-8 read as Latin-1. */
function bytesOf(presented: string): Buffer {
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u00ff]*$/.test(presented) ? Buffer.from(presented, "latin1") : Buffer.from(presented);
}

/** Identifies a key of the config without revealing it: the `keyId` of `identify`. Throws like `createKeyDirectory`. */
export function fingerprintOfEntry(entry: string): string {
  const hash = hashOfEntry(entry);
  return hash === null ? "" : keyIdOf(hash);
}

function hashOfEntry(entry: string): Buffer | null {
  const text = entry.trim();
  if (text === "") return null;
  if (!text.startsWith("sha256:")) return hashOf(Buffer.from(text));
  const hex = text.slice(7);
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new Error("a sha256: key must be followed by 64 hex digits");
  return Buffer.from(hex, "hex");
}
