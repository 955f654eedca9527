// Content of one client message -> blocks: strings, text parts, images.
// It must never fetch an image's URL, nor let any scheme but data: and http(s): through.

import type { ImageBlock, ImageSource, TextBlock } from "../../canon/request.ts";
import { invalid, optionalText, recordAt, shown, textAt, unsupported, wordAt, wrongKind } from "../fields.ts";

type Role = "system" | "user" | "assistant" | "tool";
type Content = TextBlock | ImageBlock;

/** A string, or a list of parts. An empty text is no block: other formats refuse empty ones. */
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
export function decodeTexts(content: unknown, param: string, role: "system" | "assistant"): TextBlock[] {
  return decodeContent(content, param, role).filter((block) => block.type === "text");
}

function decodePart(value: unknown, param: string, role: Role): Content {
  const part = recordAt(value, param);
  const type = wordAt(part.type, `${param}.type`);
  switch (type) {
    case "text":
    case "input_text":
      return { type: "text", text: textAt(part.text, `${param}.text`) };
    case "refusal":
      if (role === "assistant") return { type: "text", text: textAt(part.refusal, `${param}.refusal`) };
      break;
    case "image_url":
      if (role === "user" || role === "tool") return decodeImage(part.image_url, `${param}.image_url`);
      break;
  }
  throw unsupported(
    `${param}.type`,
    `${param} is a content part of type ${shown(type)}, which is not supported in a message of role ${role}. Supported: ${supportedParts[role]}.`,
  );
}

const supportedParts: Readonly<Record<Role, string>> = {
  system: "text",
  user: "text, image_url",
  assistant: "text, refusal",
  tool: "text, image_url",
};

function decodeImage(value: unknown, param: string): ImageBlock {
  // Some clients write the URL itself where the specification has an object.
  if (typeof value === "string") return { type: "image", source: decodeSource(value, param) };
  const image = recordAt(value, param);
  const source = decodeSource(wordAt(image.url, `${param}.url`), `${param}.url`);
  const detail = optionalText(image.detail, `${param}.detail`);
  return detail === null
    ? { type: "image", source }
    : { type: "image", source, extras: { "openai-chat": { detail } } };
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
