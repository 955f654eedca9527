// Turns the content of one client message into blocks: strings, text parts, images; files and speech stay as they are, for this
// format only. It must never fetch an image's URL, nor let any scheme but data: and http(s): through.

import type { Failure } from "../../canon/failure.ts";
import type { ImageBlock, OpaqueBlock, TextBlock } from "../../canon/request.ts";
import { optionalText, recordAt, shown, textAt, unsupported, wordAt, wrongKind } from "../read-fields.ts";
import { decodeImageUrl } from "../image-url.ts";
import { name as dialect } from "./extras.ts";

type Role = "system" | "user" | "assistant" | "tool";
type Content = TextBlock | ImageBlock | OpaqueBlock;

/** A string, or a list of parts. An empty text makes no block: other formats refuse empty ones. */
export function decodeContent(content: unknown, param: string, role: Role): Content[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongKind(param, "a string or an array of content parts", content);
  const blocks: Content[] = [];
  for (let i = 0; i < content.length; i++) {
    const block = decodePart(content[i], `${param}[${i}]`, role);
    if (block.type !== "text" || block.text !== "") blocks.push(block);
  }
  return blocks;
}

/** The same where the format allows text only. */
export function decodeTexts(content: unknown, param: string): TextBlock[] {
  return decodeContent(content, param, "system").filter((block) => block.type === "text");
}

function decodePart(value: unknown, param: string, role: Role): Content {
  const part = recordAt(value, param);
  const type = wordAt(part.type, `${param}.type`);
  switch (type) {
    case "text":
    // Parts of Responses: some clients mix them in.
    case "input_text":
    case "output_text":
      return { type: "text", text: textAt(part.text, `${param}.text`) };
    case "refusal":
      if (role === "assistant") return { type: "text", text: textAt(part.refusal, `${param}.refusal`) };
      break;
    case "image_url":
    case "input_image":
      if (role === "system") break;
      return decodeImage(part.image_url, `${param}.image_url`);
    case "file":
    case "input_audio":
      recordAt(part[type], `${param}.${type}`);
  }
  if (role === "system") throw notText(type, param);
  // Files, speech and newer kinds of parts: only vendors of this format can judge them.
  return { type: "opaque", dialect, value: part };
}

const notText = (type: string, param: string): Failure =>
  unsupported(
    `${param}.type`,
    `${param} is a content part of type ${shown(type)}; a message of role system holds text.`,
  );

function decodeImage(value: unknown, param: string): ImageBlock {
  // Some clients write the URL itself where the specification has an object.
  if (typeof value === "string") return { type: "image", source: decodeImageUrl(value, param) };
  const image = recordAt(value, param);
  const source = decodeImageUrl(wordAt(image.url, `${param}.url`), `${param}.url`);
  const detail = optionalText(image.detail, `${param}.detail`);
  return detail === null
    ? { type: "image", source }
    : { type: "image", source, extras: { [dialect]: { detail } } };
}
