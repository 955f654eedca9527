// Edits the keys of one tenant in config.yaml: adds one, removes one, lets one expire. Everything else in the file stays. It must
// never look at a key's value.

import { type Document, isMap, isScalar, isSeq, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { type ConfigEdit, EditProblem } from "./edit.ts";

/** Where a key of a tenant stands: in `api_key`, or in the list `keys`. */
export type KeyPlace = "api_key" | number;

export type NewKey = {
  /** `sha256:<hex>`. */
  readonly key: string;
  readonly created: string;
  readonly expires?: string | undefined;
};

/** Throws EditProblem. */
export function addTenantKey(edit: ConfigEdit, tenant: string, key: NewKey): void {
  changeTenant(edit, tenant, (item, document) => {
    const list = keyList(item, document);
    const { expires, ...rest } = key;
    const node = document.createNode(expires === undefined ? rest : { ...rest, expires }) as YAMLMap;
    quote(node.get("key", true));
    list.add(node);
  });
}

/** Throws EditProblem. */
export function removeTenantKey(edit: ConfigEdit, tenant: string, place: KeyPlace): void {
  changeTenant(edit, tenant, (item, document) => {
    if (place === "api_key") item.delete("api_key");
    else keyList(item, document).delete(place);
    const keys: unknown = item.get("keys", true);
    if (isSeq(keys) && keys.items.length === 0) item.delete("keys");
  });
}

/** `api_key` cannot expire, so it moves into the list, as it is written. Throws EditProblem. */
export function expireTenantKey(edit: ConfigEdit, tenant: string, place: KeyPlace, expires: string): void {
  changeTenant(edit, tenant, (item, document) => {
    if (place === "api_key") {
      const own: unknown = item.get("api_key", true);
      item.delete("api_key");
      const entry = document.createNode({ expires }) as YAMLMap;
      entry.items.unshift(document.createPair("key", own) as (typeof entry.items)[number]);
      keyList(item, document).add(entry);
      return;
    }
    const entry = keyList(item, document).items[place];
    if (!isMap(entry)) throw unknownShape();
    const old: unknown = entry.get("expires", true);
    if (!isScalar(old)) entry.set("expires", expires);
    else {
      old.value = expires;
      delete (old as Scalar & { source?: string }).source;
    }
  });
}

function changeTenant(
  edit: ConfigEdit,
  tenant: string,
  apply: (item: YAMLMap, document: Document) => void,
): void {
  if (!edit.changeTenant(tenant, apply)) throw unknownShape();
}

/** The list of further keys; a new one if there is none. */
function keyList(item: YAMLMap, document: Document): YAMLSeq {
  const found: unknown = item.get("keys", true);
  if (isSeq(found)) return found;
  if (found !== undefined && !(isScalar(found) && found.value === null)) throw unknownShape();
  const list = document.createNode([]) as YAMLSeq;
  item.set("keys", list);
  return list;
}

/** A less careful parser may read hexadecimal digits as a number. */
function quote(node: unknown): void {
  if (isScalar(node)) node.type = "QUOTE_DOUBLE";
}

const unknownShape = (): EditProblem =>
  new EditProblem("the tenant's keys are not written as a plain list in this file: edit them by hand");
