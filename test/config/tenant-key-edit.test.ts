// Keys of one tenant in config.yaml: added, removed, given an end; every other tenant, section and comment stays.

import { describe, expect, test } from "bun:test";
import { editConfig } from "../../src/config/edit.ts";
import { addTenantKey, expireTenantKey, removeTenantKey } from "../../src/config/tenant-key-edit.ts";

const key = { key: `sha256:${"1a".repeat(32)}`, created: "2026-12-01T00:00:00.000Z" };
const end = "2027-01-01T00:00:00.000Z";
const before = `# All of it
providers: {a: {backend: demo}}   # odd   spacing
tenants:
  # The owner
  - name: alice
    api_key: "\${ALICE_KEY}" # from the vault
    limits: { max_concurrent: 2 } # low
  - name: bob # the bot
    keys:
      # the first
      - { key: bob-key-0123456789, expires: 2027-01-31 }
      - sha256: ${"2f".repeat(32)}
aliases: {x: a}   # stays
`;

function edited(text: string, apply: (edit: ReturnType<typeof editConfig>) => void): string {
  const edit = editConfig(text);
  apply(edit);
  return edit.text();
}
const parsed = (text: string): { tenants: Record<string, unknown>[] } =>
  Bun.YAML.parse(text) as { tenants: Record<string, unknown>[] };
const keysIn = (text: string, tenant: number): unknown[] => {
  const keys = parsed(text).tenants[tenant]?.["keys"];
  return Array.isArray(keys) ? keys : [];
};

describe("config.yaml", () => {
  test("a first further key, beside api_key", () => {
    const text = edited(before, (edit) => addTenantKey(edit, "alice", key));
    expect(parsed(text).tenants[0]?.["keys"]).toEqual([key]);
    expect(text).toContain(`- key: "${key.key}"`);
    for (const kept of [
      "# All of it",
      "# odd   spacing",
      "# The owner",
      '"${ALICE_KEY}" # from the vault',
      "# low",
      "# the bot",
      "# the first",
      "aliases: {x: a}   # stays\n",
    ])
      expect(text).toContain(kept);
  });

  test("another one at the end of the list, with an end", () => {
    const text = edited(before, (edit) => addTenantKey(edit, "bob", { ...key, expires: end }));
    expect(keysIn(text, 1)[2]).toEqual({ ...key, expires: end });
  });

  test("one goes, and an empty list with it", () => {
    const without = edited(before, (edit) => removeTenantKey(edit, "bob", 0));
    expect(without).not.toContain("bob-key");
    expect(without).toContain("2f".repeat(32));
    expect(edited(without, (edit) => removeTenantKey(edit, "bob", 0))).not.toContain("keys:");
    expect(edited(before, (edit) => removeTenantKey(edit, "alice", "api_key"))).not.toContain("ALICE_KEY");
  });

  test("one gets an end; api_key moves into the list as it is written", () => {
    const bob = edited(before, (edit) => expireTenantKey(edit, "bob", 0, end));
    expect(bob).toContain(end);
    expect(bob).not.toContain("2027-01-31");
    const second = edited(before, (edit) => expireTenantKey(edit, "bob", 1, end));
    expect(keysIn(second, 1)[1]).toEqual({
      sha256: "2f".repeat(32),
      expires: end,
    });
    const alice = edited(before, (edit) => expireTenantKey(edit, "alice", "api_key", end));
    expect(alice).toContain('key: "${ALICE_KEY}"');
    expect(parsed(alice).tenants[0]).toEqual({
      name: "alice",
      limits: { max_concurrent: 2 },
      keys: [{ key: "${ALICE_KEY}", expires: end }],
    });
  });

  test("written as JSON", () => {
    const json = JSON.stringify({ tenants: [{ name: "a", api_key: "k-0123456789" }] });
    const text = edited(json, (edit) => addTenantKey(edit, "a", key));
    expect(parsed(text).tenants).toEqual([{ name: "a", api_key: "k-0123456789", keys: [key] }]);
  });

  test.each([
    ["a list behind an alias", "l: &l [{ key: k }]\ntenants: [{ name: a, keys: *l }]\n"],
    ["a tenant behind an alias", "t: &t { name: a, api_key: k }\ntenants: [*t]\n"],
    ["no such tenant", "tenants: [{ name: b, api_key: k }]\n"],
  ])("%s is not touched", (_name, text) => {
    expect(() => edited(text, (edit) => addTenantKey(edit, "a", key))).toThrow("edit them by hand");
  });
});
