// Turns the content of one item into blocks: strings, texts, images; other parts stay as they are, for this API only.
// It must never fetch an image's URL, nor let any scheme but data: and http(s): through.

import type { ImageBlock, OpaqueBlock, TextBlock } from "../../canon/request.ts";
import { optionalText, recordAt, textAt, unsupported, wordAt, wrongKind } from "../read-fields.ts";
import { decodeImageUrl } from "../image-url.ts";
import { toExtras, name, type Wire } from "./extras.ts";

export type Content = TextBlock | ImageBlock | OpaqueBlock;

/** A string, or a list of parts. An empty text makes no block: other formats refuse empty ones. */
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
    case "text": {
      const { annotations } = part;
      const isCited = Array.isArray(annotations) && annotations.length > 0;
      return {
        type: "text",
        text: textAt(part.text, `${param}.text`),
        ...toExtras(isCited ? { annotations } : {}),
      };
    }
    case "refusal":
      return { type: "text", text: textAt(part.refusal, `${param}.refusal`) };
    case "input_image":
      // An image that is stored at the vendor cannot go anywhere else.
      if (typeof part.image_url !== "string" && typeof part.file_id === "string") break;
      return decodeImage(part, param);
  }
  return { type: "opaque", dialect: name, value: part };
}

function decodeImage(part: Wire, param: string): ImageBlock {
  const at = `${param}.image_url`;
  const source = decodeImageUrl(wordAt(part.image_url, at), at);
  const detail = optionalText(part.detail, `${param}.detail`);
  return { type: "image", source, ...toExtras(detail === null ? {} : { detail }) };
}
