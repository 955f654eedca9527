// What the runtime inside every program is made of, and under which licences; from the LICENSE.md of Bun's own repository. To be looked
// at whenever Bun's version changes.

export const runtimeNotice = `Bun is Copyright (c) Oven, under the MIT licence: https://github.com/oven-sh/bun

Bun is statically linked with JavaScriptCore and WebKit, parts of which are under the GNU Library General Public License, version 2,
and with TinyCC, under the GNU Lesser General Public License, version 2.1. Both texts are at the end of this file. The WebKit sources
that Bun is built from are at https://github.com/oven-sh/webkit. ClawGate is free software, and so is Bun: to use a changed library,
change it, build Bun with it as Bun's LICENSE.md says (clone WebKit into vendor/WebKit at the commit that Bun's sources name, then
\`bun run build:local\`), and build ClawGate with that Bun: \`bun build --compile\` takes it by --compile-executable-path, and
scripts/build.ts of ClawGate's sources shows all other options.`;

export type LinkedLibrary = { readonly name: string; readonly license: string; readonly spdx: string };

const library = (name: string, spdx: string, license = spdx): LinkedLibrary => ({ name, license, spdx });

export const linkedLibraries: readonly LinkedLibrary[] = [
  library("JavaScriptCore", "LGPL-2.0-or-later", "LGPL-2.0-or-later and BSD-2-Clause"),
  library("BoringSSL", "OpenSSL", "OpenSSL, ISC and others, see its LICENSE"),
  library("Brotli", "MIT"),
  library("libarchive", "BSD-2-Clause", "BSD-2-Clause and others, see its COPYING"),
  library("lol-html", "BSD-3-Clause"),
  library("ls-hpack", "MIT"),
  library("ls-qpack", "MIT"),
  library("lsquic", "MIT", "MIT, in part BSD-3-Clause"),
  library("mimalloc", "MIT"),
  library("picohttpparser", "MIT", "MIT or the Perl licence; used under MIT"),
  library("zstd", "BSD-3-Clause", "BSD-3-Clause or GPL-2.0; used under BSD-3-Clause"),
  library("simdutf", "Apache-2.0"),
  library("TinyCC", "LGPL-2.1-or-later"),
  library("uSockets", "Apache-2.0"),
  library("uWebSockets", "Apache-2.0"),
  library("zlib-ng", "Zlib"),
  library("c-ares", "MIT"),
  library("ICU", "ICU"),
  library("libbase64", "BSD-2-Clause"),
  library("libuv", "MIT", "MIT (on Windows)"),
  library("libdeflate", "MIT"),
  library("libjpeg-turbo", "BSD-3-Clause", "BSD-3-Clause, IJG and Zlib"),
  library("libspng", "BSD-2-Clause"),
  library("libwebp", "BSD-3-Clause"),
  library("highway", "Apache-2.0"),
  library("uucode", "MIT"),
  library("SQLite", "blessing", "public domain"),
  library("LLVM libc++abi", "Apache-2.0 WITH LLVM-exception"),
  library("Tigerbeetle (parts of its I/O)", "Apache-2.0"),
  library(
    "polyfills of Node's modules (acorn, assert, browserify-zlib, buffer, events, util and others)",
    "MIT",
  ),
];
