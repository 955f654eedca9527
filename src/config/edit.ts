// Edits config.yaml on a user's behalf: only the section concerned is rewritten, every byte outside it stays the same.
// It must never expand a variable, and never write a text that does not parse back to the intended value.

import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { errorCode, readTextIfExists, replaceFile } from "../system/files.ts";
import { readDocument } from "./document.ts";

export type NewTenant = {
  readonly name: string;
  readonly api_key: string;
  readonly working_dir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Any other key of a tenant, as it is to be written. */
  readonly [key: string]: unknown;
};

export type WrittenTenant = {
  readonly name: string;
  /** As in the file: plain, `sha256:<hex>` or with variables; null if there is none. */
  readonly apiKey: string | null;
  readonly workingDir: string | null;
  /** The container of its OpenClaw; null if none is named. */
  readonly container: string | null;
};

export type ConfigEdit = {
  /** Throws EditProblem if the name is in use. Values are written so that no `${…}` in them is expanded. */
  addTenant(tenant: NewTenant): void;
  /** Also where it is named as one whose texts are kept (`request_log.tenants`). False if there is no such tenant. */
  removeTenant(name: string): boolean;
  /** False if there is no such tenant. */
  setTenantKey(name: string, key: string): boolean;
  /** Calls `apply` with the tenant's map. False if there is no such tenant, or it is not written as a map. */
  changeTenant(name: string, apply: (item: YAMLMap, document: Document) => void): boolean;
  /** `server.host`. */
  setHost(host: string): void;
  tenants(): readonly WrittenTenant[];
  text(): string;
};

/** The message is for the person at the terminal and contains no value of the file. */
export class EditProblem extends Error {
  override readonly name = "EditProblem";
}

const plainStyle = { lineWidth: 0, verifyAliasOrder: false } as const;

/** Throws EditProblem if the text is not a config that can be edited. */
export function editConfig(original: string): ConfigEdit {
  let text = original;
  refuseBroken(text);

  /** Keeps a change only if the whole text still parses. */
  const keep = (edited: string): void => {
    refuseBroken(edited);
    text = edited;
  };
  const change = (apply: (list: YAMLSeq, document: Document) => void): void => keep(withTenants(text, apply));

  return {
    addTenant({ name, api_key, working_dir, env, ...others }) {
      const alike = tenantsIn(text).find((each) => each.name.toLowerCase() === name.toLowerCase());
      if (alike !== undefined) throw new EditProblem(`tenant "${alike.name}" already exists`);
      const values = {
        name,
        api_key,
        ...(working_dir === undefined ? {} : { working_dir }),
        ...(env === undefined || Object.keys(env).length === 0 ? {} : { env }),
        ...others,
      };
      change((list, document) => {
        const node = document.createNode(withoutReferences(values)) as YAMLMap;
        const key = node.get("api_key", true);
        // A less careful parser may read hexadecimal digits as a number.
        if (isScalar(key)) key.type = "QUOTE_DOUBLE";
        list.add(node);
      });
    },
    removeTenant(name) {
      if (!tenantsIn(text).some((each) => each.name === name)) return false;
      change((list) => {
        const at = list.items.findIndex((item) => nameOf(item) === name);
        if (at >= 0) list.delete(at);
      });
      if (isLogged(text, name)) keep(withoutLogged(text, name));
      return true;
    },
    setTenantKey(name, key) {
      if (!tenantsIn(text).some((each) => each.name === name)) return false;
      change((list, document) => {
        const item = list.items.find((each) => nameOf(each) === name);
        if (!isMap(item)) return;
        const old: unknown = item.get("api_key", true);
        if (isScalar(old)) {
          old.value = withoutReferences(key);
          old.type = "QUOTE_DOUBLE";
          delete (old as Scalar & { source?: string }).source;
        } else item.set("api_key", document.createNode(withoutReferences(key)));
      });
      return true;
    },
    changeTenant(name, apply) {
      let isDone = false;
      if (!tenantsIn(text).some((each) => each.name === name)) return false;
      change((list, document) => {
        const item = list.items.find((each) => nameOf(each) === name);
        if (!isMap(item)) return;
        apply(item, document);
        isDone = true;
      });
      return isDone;
    },
    setHost: (host) => keep(withHost(text, host)),
    tenants: () => tenantsIn(text),
    text: () => text,
  };
}

function refuseBroken(text: string): void {
  const read = readDocument(text);
  if ("problem" in read) {
    const { line, message } = read.problem;
    throw new EditProblem(`${line === null ? "" : `line ${line}: `}${message}`);
  }
  const value = read.document.value;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new EditProblem("the config must be a map of sections such as `providers:`");
  const tenants = "tenants" in value ? value.tenants : null;
  if (tenants !== null && tenants !== undefined && !Array.isArray(tenants))
    throw new EditProblem("`tenants` must be a list");
}

function tenantsIn(text: string): readonly WrittenTenant[] {
  const read = readDocument(text);
  if ("problem" in read) return [];
  const value = read.document.value as Record<string, unknown>;
  const list: readonly unknown[] = Array.isArray(value["tenants"]) ? value["tenants"] : [];
  return list.flatMap((entry) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { name, api_key, working_dir, container } = entry as Record<string, unknown>;
    if (typeof name !== "string" && typeof name !== "number") return [];
    return [
      {
        name: String(name),
        apiKey: typeof api_key === "string" ? api_key : null,
        workingDir: typeof working_dir === "string" ? working_dir : null,
        container: typeof container === "string" ? container : null,
      },
    ];
  });
}

function nameOf(item: unknown): string | null {
  if (!isMap(item)) return null;
  const name: unknown = item.get("name");
  return name === undefined || name === null ? null : String(name);
}

/** A text that would be read as a variable is escaped. */
function withoutReferences(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutReferences(each)]));
}

/** `apply` rewrites one section; a new one is added at the end. */
function withSection(text: string, name: string, apply: (document: Document) => void): string {
  const rendered = (document: Document): string => {
    apply(document);
    return document.toString(plainStyle);
  };
  const whole = parseDocument(text, { uniqueKeys: false });
  const root = whole.contents;
  const isBlock = isMap(root) && root.flow !== true;
  const pair = isMap(root) ? root.items.find(({ key }) => isScalar(key) && key.value === name) : undefined;
  if (root !== null && (!isBlock || hasEndMarker(text))) return rendered(whole);
  if (pair === undefined) {
    const fresh = rendered(parseDocument(`${name}:\n`));
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${gap}${text.trim() === "" ? "" : "\n"}${fresh}`;
  }
  const [from, to] = sectionOf(text, pair);
  const section = parseDocument(text.slice(from, to), { uniqueKeys: false });
  return text.slice(0, from) + rendered(section).replace(/\n*$/, "\n") + text.slice(to);
}

function hasEndMarker(text: string): boolean {
  return /^(?:\.\.\.|---)(?:\s|$)/m.test(text);
}

/** From the section's key to the end of the line on which its value ends. */
function sectionOf(text: string, { key, value }: Pair): readonly [number, number] {
  const from = rangeOf(key)?.[0] ?? 0;
  const end = rangeOf(value)?.[1] ?? rangeOf(key)?.[1] ?? text.length;
  // The value of a block list ends after its last line break.
  const last = text[end - 1] === "\n" && end > from ? end - 1 : end;
  const lineEnd = text.indexOf("\n", last);
  return [from, lineEnd < 0 ? text.length : lineEnd + 1];
}

function rangeOf(node: unknown): readonly number[] | null {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : null;
  return Array.isArray(range) ? (range as readonly number[]) : null;
}

function withTenants(text: string, apply: (list: YAMLSeq, document: Document) => void): string {
  return withSection(text, "tenants", (document) => {
    const current: unknown = document.get("tenants", true);
    let list: YAMLSeq;
    if (isSeq(current)) list = current;
    else {
      list = document.createNode([]) as YAMLSeq;
      // A comment after an empty `tenants:` belongs to its null.
      if (isScalar(current) && current.comment) list.commentBefore = current.comment;
      document.set("tenants", list);
    }
    if (list.items.length === 0) list.flow = false;
    apply(list, document);
    if (list.items.length === 0) list.flow = true;
  });
}

function isLogged(text: string, name: string): boolean {
  const log: unknown = parseDocument(text, { uniqueKeys: false }).getIn(["request_log", "tenants"]);
  return isSeq(log) && log.items.some((item) => isNamed(item, name));
}

function withoutLogged(text: string, name: string): string {
  return withSection(text, "request_log", (document) => {
    const list: unknown = document.getIn(["request_log", "tenants"], true);
    if (!isSeq(list)) return;
    list.items = list.items.filter((item) => !isNamed(item, name));
    if (list.items.length === 0) list.flow = true;
  });
}

const isNamed = (item: unknown, name: string): boolean => isScalar(item) && String(item.value) === name;

function withHost(text: string, host: string): string {
  return withSection(text, "server", (document) => {
    const server: unknown = document.get("server", true);
    if (!isMap(server)) document.set("server", document.createNode({ host }));
    else {
      const old: unknown = server.get("host", true);
      // Its comment stays with it.
      if (isScalar(old)) {
        old.value = host;
        delete (old as Scalar & { source?: string }).source;
      } else server.set("host", host);
    }
  });
}

/** A new config file: sections in order, each value as given. */
export function newConfig(comment: readonly string[], value: object): string {
  return `${comment.map((line) => `# ${line}`.trimEnd()).join("\n")}\n\n${stringify(value, { lineWidth: 0 })}`;
}

/**
 * Replaces the whole file or nothing; the old content is kept as `<path>.bak`. A new file has mode 0600: it holds keys.
 * Throws an Error with the system's reason.
 */
export async function writeConfig(path: string, text: string): Promise<void> {
  try {
    if ((await readTextIfExists(path)) === text) return;
    await replaceFile(path, text, { keepOld: true });
  } catch (error) {
    const why = errorCode(error) ?? (error instanceof Error ? error.message : String(error));
    throw new EditProblem(`${path} cannot be written (${why})`);
  }
}
