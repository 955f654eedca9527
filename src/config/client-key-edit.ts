// Edits the keys of single programs in config.yaml (`auth.clients`). Everything else in the file stays.

import { type Document, isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from "yaml";
import { type ConfigEdit, EditProblem, nameOf } from "./edit.ts";

/** An earlier one of that name is replaced. Throws EditProblem. */
export function setClientKey(edit: ConfigEdit, name: string, key: string): void {
  edit.changeSection("auth", (document) => {
    const list = listIn(document);
    list.flow = false;
    list.items = list.items.filter((item) => nameOf(item) !== name);
    const node = document.createNode({ name, key }) as YAMLMap;
    const written = node.get("key", true);
    // A less careful parser may read hexadecimal digits as a number.
    if (isScalar(written)) written.type = "QUOTE_DOUBLE";
    list.add(node);
  });
}

/** False: there is no such program. Throws EditProblem. */
export function removeClientKey(edit: ConfigEdit, name: string): boolean {
  let isFound = false;
  edit.changeSection("auth", (document) => {
    const list = listIn(document);
    isFound = list.items.some((item) => nameOf(item) === name);
    list.items = list.items.filter((item) => nameOf(item) !== name);
    if (list.items.length === 0) list.flow = true;
  });
  return isFound;
}

function listIn(document: Document): YAMLSeq {
  const auth: unknown = document.get("auth", true);
  if (isScalar(auth) && auth.value === null) document.set("auth", document.createNode({}));
  else if (!isMap(auth)) throw new EditProblem("`auth` is not a map of keys: edit it by hand");
  const found: unknown = document.getIn(["auth", "clients"], true);
  if (isSeq(found)) return found;
  if (found !== undefined && !(isScalar(found) && found.value === null))
    throw new EditProblem("`auth.clients` is not a list: edit it by hand");
  const list = document.createNode([]) as YAMLSeq;
  document.setIn(["auth", "clients"], list);
  return list;
}
