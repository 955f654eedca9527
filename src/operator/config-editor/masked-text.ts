// The text of a config file with a placeholder for each secret, and the way back: a placeholder that stayed where it was becomes the
// secret again, with every byte of it. A placeholder anywhere else is a problem: it must never get into the file.

import { createHmac } from "node:crypto";
import { type NameInPlace, type TextComment, type TextScalar, walkText } from "../../config/scalar-walk.ts";
import { type HoldsSecret, isReference, isSecretAt, isSecretComment } from "./secret-places.ts";

export type Masking = {
  readonly holdsSecret: HoldsSecret;
  /** Random and the same as long as pages may send placeholders back: equal secrets have equal ones, and nobody can try out values. */
  readonly tagKey: string;
};

type Masked = {
  readonly place: string;
  /** A scalar's value; the whole of a comment. */
  readonly placeholder: string;
  readonly source: string;
  readonly value: unknown;
};

export type MaskedText = {
  readonly text: string;
  readonly masked: readonly Masked[];
  /** Values that hold our sign without being a placeholder, with their places. */
  readonly literals: readonly string[];
};

/** Of a text that nobody can mask. */
export const nothingMasked: MaskedText = { text: "", masked: [], literals: [] };

export type RestoredText =
  | {
      readonly text: string;
      /** It could not be followed, so placeholders are still in it: it may be read for its problems, and never written. */
      readonly isUnread?: true;
    }
  | {
      readonly problems: readonly {
        readonly path: string;
        readonly line: number;
        readonly message: string;
      }[];
    };

const comments = "#";
const maskStart = "***";
const shortestShown = 16;

/** `***` with the last characters of a long secret, or a hash's first ones, and a tag that belongs to the value. */
function placeholderOf(value: unknown, tagKey: string): string {
  const text = String(value);
  const tag = createHmac("sha256", tagKey).update(text).digest("hex").slice(0, 6);
  const hash = /^(?:sha256:)?([0-9a-f]{8})[0-9a-f]{56}$/i.exec(text)?.[1];
  const end = text.slice(-4);
  const shown =
    hash === undefined
      ? text.length >= shortestShown && /^[\w-]{4}$/.test(end)
        ? end
        : ""
      : `sha256:${hash}`;
  return `${maskStart}${shown}#${tag}`;
}

const placeholderShape = /^\*{3}[\w:-]*#[0-9a-f]{6}$/;

type Replacement = { readonly from: number; readonly to: number; readonly text: string };

function replaced(text: string, replacements: readonly Replacement[]): string {
  let result = "";
  let at = 0;
  for (const each of replacements.toSorted((one, other) => one.from - other.from)) {
    if (each.from < at) continue;
    result += text.slice(at, each.from) + each.text;
    at = each.to;
  }
  return result + text.slice(at);
}

/** The end of a block scalar's last line belongs to the text around it. */
const sourceOf = (text: string, { from, to }: TextScalar): string =>
  text.slice(from, to).replace(/\r?\n$/, "");

/** Null: not YAML, so nobody can tell what is a secret. */
export function maskText(text: string, { holdsSecret, tagKey }: Masking): MaskedText | null {
  const walk = walkText(text, shownNames({ holdsSecret, tagKey }));
  if (walk === null) return null;
  const scalars = walk.scalars.filter(({ path, aliasPaths, value, isKey }) =>
    placeholderShape.test(String(value))
      ? false
      : isKey
        ? holdsSecret(String(value))
        : [path, ...aliasPaths].some((each) => isSecretAt(each, value, holdsSecret)),
  );
  const hiddenAt = (at: number): boolean => scalars.some(({ from, to }) => at >= from && at < to);
  const hiddenComments = walk.comments.filter(
    ({ text: comment, from }) => !hiddenAt(from) && isSecretComment(comment, holdsSecret),
  );
  const masked: Masked[] = [];
  const replacements: Replacement[] = [];
  for (const scalar of scalars) {
    const source = sourceOf(text, scalar);
    const placeholder = placeholderOf(scalar.value, tagKey);
    masked.push({ place: scalar.place, placeholder, source, value: scalar.value });
    replacements.push({
      from: scalar.from,
      to: scalar.from + source.length,
      text: JSON.stringify(placeholder),
    });
  }
  for (const { text: comment, from } of hiddenComments) {
    const placeholder = `# (hidden: it may hold a secret) ${placeholderOf(comment, tagKey)}`;
    masked.push({ place: comments, placeholder, source: comment, value: comment });
    replacements.push({ from, to: from + comment.length, text: placeholder });
  }
  return { text: replaced(text, replacements), masked, literals: literalsOf(walk.scalars) };
}

/** A name that is masked itself is a placeholder in the places as well: an edited text knows it only like that. */
function shownNames({ holdsSecret, tagKey }: Masking): NameInPlace {
  const shown = new Map<string, string>();
  return (name) => {
    const known = shown.get(name);
    if (known !== undefined) return known;
    const text =
      holdsSecret(name) && !placeholderShape.test(name) && !isReference(name)
        ? placeholderOf(name, tagKey)
        : name;
    shown.set(name, text);
    return text;
  };
}

/** `original`: the masked text on which `edited` is based. */
export function restoreText(edited: string, original: MaskedText, masking: Masking): RestoredText {
  const walk = walkText(edited);
  // Mostly it is not YAML, and the loader says where.
  if (walk === null) return { text: edited, isUnread: true };
  const restoring = new Restoring(original, shownNames(masking));
  for (const scalar of walk.scalars) restoring.scalar(edited, scalar);
  for (const comment of walk.comments) restoring.comment(comment);
  if (restoring.problems.length > 0) return { problems: restoring.problems };
  const text = replaced(edited, restoring.replacements);
  const lost = text === edited ? [] : restoring.lostIn(text);
  return lost.length > 0 ? { problems: lost } : { text };
}

function literalsOf(scalars: readonly TextScalar[]): readonly string[] {
  return scalars.flatMap(({ place, value }) =>
    typeof value === "string" && value.includes(maskStart) ? [JSON.stringify([place, value])] : [],
  );
}

type Problem = { readonly path: string; readonly line: number; readonly message: string };

class Restoring {
  readonly problems: Problem[] = [];
  readonly replacements: Replacement[] = [];
  private readonly masked: readonly Masked[];
  private readonly literals: ReadonlySet<string>;
  private readonly uses = new Map<Masked, TextScalar | TextComment>();

  constructor(
    { masked, literals }: MaskedText,
    private readonly nameInPlace: NameInPlace,
  ) {
    this.masked = masked;
    this.literals = new Set(literals);
  }

  scalar(text: string, scalar: TextScalar): void {
    const { value, place, line, from } = scalar;
    if (typeof value !== "string" || !value.includes(maskStart)) return;
    const alike = this.masked.filter((each) => each.placeholder === value);
    const here = alike.filter((each) => each.place === place);
    const free = here.find((each) => !this.uses.has(each));
    if (free !== undefined) {
      this.uses.set(free, scalar);
      this.replacements.push({ from, to: from + sourceOf(text, scalar).length, text: free.source });
      return;
    }
    if (alike.length === 0 && this.literals.has(JSON.stringify([place, value]))) return;
    this.complain(
      place,
      line,
      here.length > 0 ? "twice" : alike.length > 0 ? "moved" : "changed",
      alike[0]?.place,
    );
  }

  comment(comment: TextComment): void {
    const { text, from, line } = comment;
    if (!text.includes(maskStart)) return;
    const own = this.masked.find(
      (each) => each.place === comments && each.placeholder === text && !this.uses.has(each),
    );
    if (own !== undefined) {
      this.uses.set(own, comment);
      this.replacements.push({ from, to: from + text.length, text: own.source });
    } else if (this.masked.some(({ placeholder }) => text.includes(placeholder)))
      this.complain("", line, "comment");
  }

  /** What would not read as it did, such as a block of text under another indentation. */
  lostIn(text: string): readonly Problem[] {
    const now = walkText(text, this.nameInPlace)?.scalars ?? [];
    const values = Map.groupBy(now, ({ place }) => place);
    return [...this.uses].flatMap(([{ place, value }, { line }]) =>
      place === comments || (values.get(place) ?? []).some((each) => each.value === value)
        ? []
        : [{ path: place, line, message: messages.lost }],
    );
  }

  private complain(path: string, line: number, what: keyof typeof messages, home?: string): void {
    const where = home === undefined || home === comments ? "" : ` (it belongs to ${home})`;
    this.problems.push({ path: path.replace(/\{\}$/, ""), line, message: `${messages[what]}${where}` });
  }
}

const messages = {
  changed: "a masked secret was changed: write the whole secret, or leave its placeholder as it was",
  moved: "a masked secret is kept only at its own place: write the secret itself here",
  twice: "a masked secret stands here twice: write the secret itself in the second place",
  comment: "a masked secret cannot become a comment: write the secret itself, or remove the line",
  lost: "the secret could not be put back as it was: write the secret itself here",
} as const;
