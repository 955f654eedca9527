// An image in OpenAI's formats: one URL that either contains the image or points to it. It must never fetch anything.

import type { ImageSource } from "../canon/request.ts";
import { invalid, shown } from "./read-fields.ts";
import { mediaTypeOf } from "./media-type.ts";

const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;

/** Throws Failure `invalid-request` that names `param`. */
export function decodeImageUrl(url: string, param: string): ImageSource {
  if (/^https?:\/\//i.test(url)) {
    if (!URL.canParse(url)) throw invalid(param, `${param} is not a valid URL.`);
    return { kind: "url", url };
  }
  if (!/^data:/i.test(url))
    throw invalid(
      param,
      `${param} must be a data: URL with a base64 image, or an http(s) URL; ${shown(url)} is neither.`,
    );
  const comma = url.indexOf(",");
  const head = comma < 0 ? "" : url.slice(5, comma).toLowerCase();
  if (!head.endsWith(";base64")) throw invalid(param, `${param} must hold its image as base64.`);
  const mediaType = head.slice(0, head.indexOf(";"));
  if (!/^image\/[a-z0-9.+-]+$/.test(mediaType))
    throw invalid(param, `${param} must name an image type such as image/png, not ${shown(mediaType)}.`);
  let data = url.slice(comma + 1);
  if (/\s/.test(data)) data = data.replace(/\s+/g, "");
  if (!base64Pattern.test(data)) throw invalid(param, `${param} does not hold valid base64.`);
  return { kind: "base64", mediaType: mediaTypeOf(mediaType, data), data };
}
