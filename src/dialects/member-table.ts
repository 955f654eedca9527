// One table per dialect: what each member of a request is, how it is checked, and what it becomes in another format. The decoder,
// the encoder, the passthrough check, the adaptation notes, the API description and the manual read it. A new vendor member is
// one row; it must never need a line elsewhere to be checked, carried, noted and described.

import type { z } from "zod";
import { Failure } from "../canon/failure.ts";
import type { JsonMember } from "../wire/json.ts";
import { noteDropped, noteUnknown } from "./adaptation-notes.ts";
import { parseLoosely } from "./decoding.ts";
import type { Note } from "./dialect.ts";
import type { MemberCheck, MemberRefusal, MemberRow, MemberRows, ZodFunctions } from "./member-row.ts";
import { invalid, isAbsent, unsupported, wrongKind } from "./read-fields.ts";

type Members = Readonly<Record<string, unknown>>;

type ValueOf<Row> = Row extends { readonly check: MemberCheck<infer T> } ? T : never;

export type MemberTableOptions = {
  /** Keys that the decoder adds to extras besides the body's own members. */
  readonly addedByDecoder?: readonly string[];
  readonly upstreamRefused?: (name: string) => Failure;
  /** Prefix of member names where the table describes an object inside the body: `generationConfig.` */
  readonly within?: string;
};

export class MemberTable<Rows extends MemberRows = MemberRows> {
  private readonly byName: ReadonlyMap<string, MemberRow>;
  private readonly addedByDecoder: ReadonlySet<string>;
  private readonly upstreamRefused: (name: string) => Failure;
  private readonly within: string;
  private readonly noted: readonly string[];
  private readonly usual: ReadonlyMap<string, unknown>;
  private readonly accounted: ReadonlySet<string>;
  private readonly refusals: readonly (readonly [string, MemberRefusal])[];

  constructor(
    readonly rows: Rows,
    options: MemberTableOptions = {},
  ) {
    const entries = Object.entries<MemberRow>(rows);
    const namesOf = (isMeant: (row: MemberRow) => boolean): string[] =>
      entries.filter(([, row]) => isMeant(row)).map(([name]) => name);
    this.byName = new Map(entries);
    this.addedByDecoder = new Set(options.addedByDecoder);
    this.upstreamRefused = options.upstreamRefused ?? upstreamRefused;
    this.within = options.within ?? "";
    this.noted = namesOf((row) => row.elsewhere === "noted");
    this.usual = new Map(
      entries.flatMap(([name, { usual }]) => (usual === undefined ? [] : [[name, usual] as const])),
    );
    this.accounted = new Set([...namesOf((row) => row.elsewhere !== "named"), ...this.addedByDecoder]);
    this.refusals = entries.flatMap(([name, { elsewhere }]) =>
      typeof elsewhere === "object" ? [[name, elsewhere] as const] : [],
    );
  }

  row(name: string): MemberRow | undefined {
    return this.byName.get(name);
  }

  /** The member's checked value, from which the decoder builds the canonical form. */
  read<Name extends keyof Rows & string>(body: Members, name: Name): ValueOf<Rows[Name]> {
    return this.rows[name]?.check?.read(body[name], this.within + name) as ValueOf<Rows[Name]>;
  }

  /** Refuses members that would choose the upstream, in a body whose spelling differs from the rows. Throws Failure. */
  refuseUpstream(body: Members): void {
    for (const name of Object.keys(body))
      if (this.byName.get(name)?.home === "upstream") throw this.upstreamRefused(name);
  }

  /** Checks every member of a parsed body and returns what travels in extras, as the client wrote it; null means absent. */
  decodeExtras(body: Members): Record<string, unknown> {
    const extras: Record<string, unknown> = {};
    for (const name of Object.keys(body)) {
      const row = this.byName.get(name);
      if (row?.home === "upstream") throw this.upstreamRefused(name);
      const value = body[name];
      if (isAbsent(value) || name === "__proto__") continue;
      if (row === undefined) {
        extras[name] = value;
        continue;
      }
      if (row.home === "obsolete") throw obsoleteRefused(name, row);
      row.check?.read(value, this.within + name);
      if (row.home === "extras") extras[name] = value;
    }
    return extras;
  }

  /** The extras that go under their own names to a model of the same format. */
  passedOn(extras: Members): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    for (const name of Object.keys(extras))
      if (!this.addedByDecoder.has(name) && this.byName.get(name)?.isRewritten !== true)
        members[name] = extras[name];
    return members;
  }

  /** Throws Failure for a member of a body that passes through. It checks only the first byte, except for numbers. */
  checkScanned(row: MemberRow, member: JsonMember, bytes: Buffer): void {
    const { home, check, passthrough } = row;
    if (home === "upstream") throw this.upstreamRefused(member.key);
    if (check === undefined || passthrough === "unchecked") return;
    const { key, kind } = member;
    if (kind === "null" && (row.isRequired !== true || row.nullPassesThrough === true)) return;
    if (!check.kinds.includes(kind)) {
      check.read(scannedValue(member, bytes), key);
      // A check that takes null for absence lets it pass.
      if (kind === "null") throw wrongKind(key, check.wanted, null);
    } else if (kind === "number" && passthrough !== "kind-only")
      check.read(scannedNumber(bytes, member.start, member.end), key);
  }

  /** The first value that no other format can carry. */
  refusalOf(extras: Members | undefined): Failure | null {
    if (extras === undefined) return null;
    for (const [name, refusal] of this.refusals) {
      const value = extras[name];
      const param = this.within + name;
      if (!isAbsent(value) && refusal.refuses(value)) return unsupported(param, refusal.sentence(param));
    }
    return null;
  }

  /** Members that steer the answer and are left out for another format. */
  noteDropped(extras: Members, note: Note, unsupportedMember?: (name: string) => void): void {
    const { usual, noted } = this;
    const lost =
      usual.size === 0
        ? noted
        : noted.filter((name) => extras[name] === undefined || extras[name] !== usual.get(name));
    noteDropped(extras, lost, note, unsupportedMember);
  }

  /** Members without a row. */
  noteUnknown(extras: Members, note: Note, unsupportedMember?: (name: string) => void): void {
    noteUnknown(extras, this.accounted, note, unsupportedMember);
  }

  /** The body for the API description. `shapes`: the content of members that a check does not describe. */
  requestSchema(zod: ZodFunctions, shapes: Readonly<Record<string, z.ZodType>>): z.ZodObject {
    const members: Record<string, z.ZodType> = {};
    for (const [name, row] of this.byName) {
      if (row.home === "upstream") continue;
      const described = memberSchema(zod, row, shapes[name]);
      members[name] = row.docs === undefined ? described : described.describe(row.docs);
    }
    return zod.looseObject(members);
  }
}

/** Rows of members by which clients of other gateways choose the upstream. */
export function upstreamRows<Name extends string>(
  ...names: readonly Name[]
): Readonly<Record<Name, MemberRow>> {
  const row: MemberRow = { home: "upstream", elsewhere: "silent" };
  return Object.fromEntries(names.map((name) => [name, row])) as Record<Name, MemberRow>;
}

function upstreamRefused(name: string): Failure {
  return invalid(
    name,
    `${name} is not accepted in a request: the gateway's configuration decides where requests go.`,
  );
}

function obsoleteRefused(name: string, { instead }: MemberRow): Failure {
  return unsupported(name, `${name} is obsolete and not supported here; use ${instead ?? "another member"}.`);
}

function memberSchema(zod: ZodFunctions, row: MemberRow, shape: z.ZodType | undefined): z.ZodType {
  if (row.home === "obsolete") return zod.null().optional();
  const known = shape ?? row.check?.schema?.(zod);
  if (known === undefined) return zod.unknown().optional();
  return row.isRequired === true ? known : known.nullish();
}

/** The member's value, for an error that shows it. Throws Failure for broken JSON that the scan does not detect. */
function scannedValue(member: JsonMember, bytes: Buffer): unknown {
  const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
  if (value === undefined) throw new Failure("invalid-request", "The body is not valid JSON.");
  return value;
}

/** Reads short plain numbers digit by digit: converting them to a string would cost more than all other checks. */
function scannedNumber(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  let scale = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0x2e) scale = 1;
    else if (byte >= 0x30 && byte <= 0x39 && end - start <= 15) {
      value = value * 10 + byte - 0x30;
      scale *= 10;
    } else return Number(bytes.toString("latin1", start, end));
  }
  return scale === 0 ? value : value / scale;
}
