// Content of one item -> blocks: strings, texts, images; other parts stay as they are, for this API only.
// It must never fetch an image's URL, nor let any scheme but data: and http(s): through.

import type { ImageBlock, ImageSource, OpaqueBlock, TextBlock } from "../../canon/request.ts";
import { invalid, optionalText, recordAt, shown, textAt, unsupported, wordAt, wrongKind } from "../fields.ts";
import { inPocket, name, type Wire } from "./pocket.ts";

export type Content = TextBlock | ImageBlock | OpaqueBlock;

/** A string, or a list of parts. An empty text is no block: other formats refuse empty ones. */
export function decodeContent(content: unknown, param: string): Content[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongKind(param, "a string or an array of content parts", content);
  const blocks: Content[] = [];
  for (const [i, each] of content.entries()) {
    const block = decodePart(recordAt(each, `${param}[${i}]`), `${param}[${i}]`);
    if (block.type !== "text" || block.text !== "") blocks.push(block);
  }
  return blocks;
}

/** The same where the format allows text only. */
export function decodeTexts(content: unknown, param: string): TextBlock[] {
  return decodeContent(content, param).map((block) => {
    if (block.type === "text") return block;
    throw unsupported(param, `${param} may hold text only.`);
  });
}

function decodePart(part: Wire, param: string): Content {
  const type = wordAt(part.type, `${param}.type`);
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
      return { type: "text", text: textAt(part.text, `${param}.text`) };
    case "refusal":
      return { type: "text", text: textAt(part.refusal, `${param}.refusal`) };
    case "input_image":
      // An image that lies at the vendor cannot go anywhere else.
      if (typeof part.image_url !== "string" && typeof part.file_id === "string") break;
      return decodeImage(part, param);
  }
  return { type: "opaque", dialect: name, value: part };
}

function decodeImage(part: Wire, param: string): ImageBlock {
  const at = `${param}.image_url`;
  const source = decodeSource(wordAt(part.image_url, at), at);
  const detail = optionalText(part.detail, `${param}.detail`);
  return { type: "image", source, ...inPocket(detail === null ? {} : { detail }) };
}

const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;

function decodeSource(url: string, param: string): ImageSource {
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
  return { kind: "base64", mediaType, data };
}
