// The formats of clients' config files by name.

import { envFormat } from "./env-format.ts";
import { jsonFormat } from "./json-format.ts";
import type { TextFormat } from "./text-format.ts";
import { tomlFormat } from "./toml-format.ts";
import { yamlFormat } from "./yaml-format.ts";

export const formats = {
  json: jsonFormat,
  toml: tomlFormat,
  yaml: yamlFormat,
  env: envFormat,
} as const satisfies Readonly<Record<string, TextFormat>>;

export type FormatName = keyof typeof formats;
export const formatNames = Object.keys(formats) as readonly FormatName[];
