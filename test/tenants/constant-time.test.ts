// Keys are compared as hashes and in constant time. Times say nothing on a shared machine, so the code is looked at instead.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { codeOnly } from "../support/source-text.ts";

const source = join(import.meta.dir, "..", "..", "src");
const sourcesIn = (folder: string): string[] =>
  readdirSync(join(source, folder), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
const code = (path: string): string => codeOnly(readFileSync(join(source, path), "utf8"));

test("whoever knows the keys compares their hashes with timingSafeEqual, clients' and the operator's", () => {
  const directory = code("tenants/key-directory.ts");
  expect(directory.match(/timingSafeEqual\(/g)?.length).toBeGreaterThanOrEqual(2);
});

test("no source on the way of a request compares a key, a token or a secret as text", () => {
  const compared =
    /\b(?:presented|token|secret|apiKey|adminKey|admin_key|stateToken)\w*\s*[!=]==?\s*(?!null|undefined|void|\s*$|-)\w|[!=]==?\s*(?:\w+\.)*(?:presented|adminKey|admin_key|stateToken|token|secret)\b/;
  const found = ["pipeline", "server", "tenants"].flatMap((folder) =>
    sourcesIn(folder).flatMap((name) =>
      code(`${folder}/${name}`)
        .split("\n")
        .flatMap((line) => (compared.test(line) ? [`${folder}/${name}: ${line.trim()}`] : [])),
    ),
  );
  expect(found).toEqual([]);
});
