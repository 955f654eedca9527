// A package server for npm, pnpm, Yarn and Bun on loopback: it has the packages that a test gives it, and nothing else.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "./program-run.ts";

export type NpmServer = {
  readonly url: string;
  /** Names of the packages whose content was fetched. */
  readonly fetched: ReadonlySet<string>;
  stop(): Promise<void>;
};

type Packed = { readonly manifest: Record<string, unknown>; readonly bytes: Uint8Array };

/** `npm pack`, so that the content is what would be published. */
async function packed(folder: string, work: string, env: Record<string, string>): Promise<Packed> {
  const into = join(work, `packed-${folder.split("/").at(-1)}`);
  mkdirSync(into, { recursive: true });
  // With a cache of its own: what was packed would not be fetched.
  const cache = ["--cache", join(work, "packing-cache")];
  const argv = ["npm", "pack", ...cache, "--silent", "--ignore-scripts", "--pack-destination", into];
  const said = await runProgram(argv, { cwd: folder, env, timeoutMs: 120_000 });
  const [name] = readdirSync(into);
  if (said.code !== 0 || name === undefined) throw new Error(`npm pack in ${folder}: ${said.stderr}`);
  return {
    manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>,
    bytes: readFileSync(join(into, name)),
  };
}

export async function serveNpmPackages(
  folders: readonly string[],
  work: string,
  env: Record<string, string>,
): Promise<NpmServer> {
  const packages = new Map<string, Packed>();
  for (const folder of folders) {
    const each = await packed(folder, work, env);
    packages.set(String(each.manifest["name"]), each);
  }
  const fetched = new Set<string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request): Response {
      const { origin, pathname } = new URL(request.url);
      const path = decodeURIComponent(pathname).slice(1);
      const name = path.replace(/\.tgz$/, "");
      const found = packages.get(name);
      if (found === undefined) return Response.json({ error: "not_found" }, { status: 404 });
      const { manifest, bytes } = found;
      if (path.endsWith(".tgz")) {
        fetched.add(name);
        return new Response(bytes as BodyInit);
      }
      const version = String(manifest["version"]);
      const digest = (algorithm: string) => createHash(algorithm).update(bytes);
      const dist = {
        tarball: `${origin}/${name}.tgz`,
        shasum: digest("sha1").digest("hex"),
        integrity: `sha512-${digest("sha512").digest("base64")}`,
      };
      return Response.json({
        name,
        "dist-tags": { latest: version },
        versions: { [version]: { ...manifest, dist } },
        time: { [version]: "2026-01-01T00:00:00.000Z" },
      });
    },
  });
  return { url: server.url.origin, fetched, stop: () => server.stop(true) };
}
