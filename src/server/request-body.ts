// Checks the headers of a body before it is read: JSON (or form data where an endpoint accepts it), not compressed, not too
// large, without trailers.

import { Failure } from "../canon/failure.ts";

/** Throws Failure unsupported-media-type or too-large. `isWanted` false: a command, whose body may be missing. */
export function checkRequestBody(
  headers: Headers,
  isWanted: boolean,
  limitBytes: number,
  mayBeForm = false,
): void {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity")
    throw new Failure("unsupported-media-type", "Compressed request bodies are not accepted.", {
      code: "unsupported_content_encoding",
    });
  const length = headers.get("content-length");
  // Bun takes what follows the last chunk for the next request and answers that with a bare 400 (Bun 1.4.5); a client that
  // announces trailers gets the reason instead.
  if (length === null && headers.has("trailer"))
    throw new Failure("unsupported", "Trailer fields after a chunked body are not accepted.", {
      param: "trailer",
      code: "unsupported_trailer",
    });
  const type = headers.get("content-type");
  const isEmpty = (length === null || length === "0") && !headers.has("transfer-encoding");
  const isBare = !isWanted && isEmpty && type === null;
  if (!isBare && (type === null || !(isJson(type) || (mayBeForm && isForm(type)))))
    throw new Failure(
      "unsupported-media-type",
      mayBeForm
        ? "The body must be form data or JSON, sent as Content-Type: multipart/form-data or application/json."
        : "The body must be JSON, sent as Content-Type: application/json.",
    );
  if (length !== null && Number(length) > limitBytes)
    throw new Failure("too-large", `The body is larger than the limit of ${limitBytes} bytes.`);
}

function isJson(contentType: string): boolean {
  if (contentType === "application/json") return true;
  const semicolon = contentType.indexOf(";");
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return type === "application/json" || /^application\/[a-z0-9!#$&^_.-]{1,100}\+json$/.test(type);
}

const isForm = (contentType: string): boolean => /^multipart\/form-data\s*;/i.test(contentType);
