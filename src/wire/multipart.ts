// One pass over the bytes of a multipart/form-data body (RFC 7578): the fields and the position of each value. It must never
// guess: it reports doubtful input as broken, and the caller answers 400.

/** `start`..`end` are byte offsets of the value (end exclusive), `from`..`to` those of the whole part with its delimiter line. */
export type FormField = {
  readonly name: string;
  readonly isFile: boolean;
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
};

export type Form = {
  readonly fields: readonly FormField[];
  /** The content type as received: it names the boundary, which does not change. */
  readonly contentType: string;
  readonly boundary: string;
};

export class BrokenForm extends Error {
  override readonly name = "BrokenForm";
}

const maxFields = 200;
const longestHead = 8_192;
const headEnd = Buffer.from("\r\n\r\n");

/** The boundary between parts; null: the content type has no valid one. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return null;
  const found = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  return boundary !== undefined && /^[\w'()+,./:=? -]*[\w'()+,./:=?-]$/.test(boundary) ? boundary : null;
}

/** Throws BrokenForm with a reason that completes the sentence "The body is not usable form data: …". */
export function scanForm(bytes: Buffer, boundary: string): readonly FormField[] {
  const delimiter = Buffer.from(`--${boundary}`);
  const next = Buffer.from(`\r\n--${boundary}`);
  const fields: FormField[] = [];
  let from = bytes.subarray(0, delimiter.length).equals(delimiter) ? 0 : bytes.indexOf(next) + 2;
  if (from === 1) throw new BrokenForm("the boundary of the content type does not occur in the body");
  for (;;) {
    let at = from + delimiter.length;
    if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return fields;
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++;
    if (bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a) throw new BrokenForm("a boundary has no end");
    const headStart = at;
    const head = bytes.subarray(headStart, headStart + longestHead).indexOf(headEnd);
    if (head < 0) throw new BrokenForm("a part has no headers, or too long ones");
    const start = headStart + head + headEnd.length;
    // The value may be empty: then its end is the line break that closes the headers.
    const end = bytes.indexOf(next, start - 2);
    if (end < 0) throw new BrokenForm("the last part is not terminated");
    if (fields.length >= maxFields) throw new BrokenForm(`it has more than ${maxFields} parts`);
    const lines = bytes.toString("utf8", headStart, headStart + head);
    fields.push({ ...disposition(lines), start, end: Math.max(start, end), from, to: end + 2 });
    from = end + 2;
  }
}

function disposition(lines: string): { readonly name: string; readonly isFile: boolean } {
  const [line, second] = lines.split("\r\n").filter((each) => /^content-disposition\s*:/i.test(each));
  if (line === undefined || second !== undefined || !/:\s*form-data\s*;/i.test(line))
    throw new BrokenForm("a part does not say which field it is");
  const name = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(line);
  if (name === null) throw new BrokenForm("a part has no name");
  const written = name[1]?.replaceAll(/\\(.)/g, "$1") ?? name[2] ?? "";
  return { name: written, isFile: /;\s*filename\*?=/i.test(line) };
}
