// The script of the API page: Scalar's own bundle for browsers. The build compresses it into the program (scripts/build.ts), where it
// is a quarter of its size; when the sources run, it is read where npm put it.

import { join } from "node:path";
import { gunzip } from "node:zlib";
import { promisify } from "node:util";

const packedName = /^scalar\.js(?:-[^/]*)?\.gz$/;
const sourcePath = "../../node_modules/@scalar/api-reference/dist/browser/standalone.js";

const headers = {
  "content-type": "text/javascript; charset=utf-8",
  "cache-control": "public, max-age=86400",
  "x-content-type-options": "nosniff",
  vary: "accept-encoding",
};

/** Compressed, as it lies in the program, for those who take it so. */
export async function scalarScript({ headers: asked }: Request): Promise<Response> {
  const packed = Bun.embeddedFiles.find((file) => packedName.test((file as File).name));
  if (packed === undefined) return new Response(Bun.file(join(import.meta.dir, sourcePath)), { headers });
  if (takesGzip(asked.get("accept-encoding") ?? ""))
    return new Response(packed, { headers: { ...headers, "content-encoding": "gzip" } });
  const plain = await promisify(gunzip)(await packed.bytes());
  return new Response(plain, { headers });
}

/** `gzip;q=0` is a refusal. */
const takesGzip = (accepted: string): boolean =>
  accepted.split(",").some((each) => /^\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(each));
