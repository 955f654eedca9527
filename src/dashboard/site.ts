// The dashboard as the server sends it: one page for every path, and the assets that it names by their hash. It holds no data.

import { bundleDashboard } from "./bundle.ts" with { type: "macro" };

export type Asset = { readonly type: string; readonly text: string };
export type Site = {
  readonly page: string;
  /** By their names below /dashboard/assets/: another text has another name. */
  readonly assets: ReadonlyMap<string, Asset>;
};

const { script, style } = bundleDashboard();

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#4f46e5"/><path d="M9 23C8 15 11 9 15 8c-1 4-1 8 0 12M16 24c-.500-7 2-12 6-13-1.500 3.500-1.800 6.500-1 9.500" fill="none" stroke="#fff" stroke-width="2.600" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

const named = (text: string, ending: string): string => `${Bun.hash(text).toString(36)}.${ending}`;

export function dashboardSite(): Site {
  const names = {
    script: named(script, "js"),
    style: named(style, "css"),
    icon: named(icon, "svg"),
  };
  const at = (name: string): string => `/dashboard/assets/${name}`;
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>ClawGate</title>
<link rel="icon" href="${at(names.icon)}">
<link rel="stylesheet" href="${at(names.style)}">
<script type="module" src="${at(names.script)}"></script>
</head>
<body>
<div id="app"></div>
<noscript><p>The dashboard needs JavaScript. The same figures: <code>clawgate stats</code>, <code>clawgate top</code>.</p></noscript>
</body>
</html>
`;
  return {
    page,
    assets: new Map([
      [names.script, { type: "text/javascript; charset=utf-8", text: script }],
      [names.style, { type: "text/css; charset=utf-8", text: style }],
      [names.icon, { type: "image/svg+xml", text: icon }],
    ]),
  };
}
