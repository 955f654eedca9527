// Requests whose body is form data (images and recordings): reads what the pipeline must know and builds the body for a
// target. It must never look into a file.

import { isUtf8 } from "node:buffer";
import { Failure } from "../../canon/failure.ts";
import { BrokenForm, boundaryOf, type Form, type FormField, scanForm } from "../../wire/multipart.ts";
import { scanObject } from "../../wire/json.ts";
import { checkedModel, type Envelope, sessionHeader } from "./envelope.ts";
import { isChoosingField } from "../tenants/model-choices.ts";

const maxFieldLength = 4_096;
const noMembers = scanObject(Buffer.from("{}"), 1);

/** Null: the body is not a form. Throws Failure. */
export function readFormEnvelope(headers: Headers, bytes: Buffer): Envelope | null {
  const contentType = headers.get("content-type") ?? "";
  if (!/^multipart\//i.test(contentType)) return null;
  const boundary = boundaryOf(contentType);
  if (boundary === null)
    throw new Failure("invalid-request", "The Content-Type of form data needs a usable boundary.");
  const form: Form = { fields: fieldsOf(bytes, boundary), contentType, boundary };
  const model = checkedModel(valueOf(form, bytes, "model"));
  if (model === null || model === "")
    throw new Failure("invalid-request", "model is required: a form field with the name of a model.", {
      param: "model",
    });
  return {
    bytes,
    scan: noMembers,
    model,
    stream: valueOf(form, bytes, "stream") === "true",
    session: sessionHeader(headers),
    form,
  };
}

function fieldsOf(bytes: Buffer, boundary: string): readonly FormField[] {
  try {
    return scanForm(bytes, boundary);
  } catch (thrown) {
    if (!(thrown instanceof BrokenForm)) throw thrown;
    throw new Failure("invalid-request", `The body is not usable form data: ${thrown.message}.`);
  }
}

/** The text of a field; null when there is no such field. Throws Failure. */
export function valueOf({ fields }: Form, bytes: Buffer, name: string): string | null {
  const [field, second] = fields.filter((each) => each.name === name);
  if (field === undefined) return null;
  if (second !== undefined)
    throw new Failure("invalid-request", `Duplicate member \`${name}\`.`, { param: name });
  const value = bytes.subarray(field.start, field.end);
  if (field.isFile || value.length > maxFieldLength || !isUtf8(value))
    throw new Failure("invalid-request", `${name} must be a short text.`, { param: name });
  return value.toString("utf8");
}

/** The same form with the target's model. */
export function formFor({ bytes, model: asked, form }: Envelope, model: string): Uint8Array {
  const field = form?.fields.find(({ name }) => name === "model");
  if (field === undefined || asked === model) return bytes;
  return Buffer.concat([bytes.subarray(0, field.start), Buffer.from(model), bytes.subarray(field.end)]);
}

/** The form without the fields by which a client could choose other models at the upstream, or another price. */
export function withoutChoosingFields(
  envelope: Envelope,
  form: Form,
  keepsPrice: boolean,
): { readonly envelope: Envelope; readonly dropped: readonly string[] } {
  const { bytes } = envelope;
  const lost = form.fields.filter(({ name, isFile, start, end }) => {
    const value = isFile ? null : bytes.toString("utf8", start, Math.min(end, start + maxFieldLength));
    return isChoosingField(name, value, keepsPrice);
  });
  if (lost.length === 0) return { envelope, dropped: [] };
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, to } of lost) {
    parts.push(bytes.subarray(at, from));
    at = to;
  }
  parts.push(bytes.subarray(at));
  const rest = Buffer.concat(parts);
  const fields = fieldsOf(rest, form.boundary);
  return {
    envelope: { ...envelope, bytes: rest, form: { ...form, fields } },
    dropped: lost.map(({ name }) => name),
  };
}
