// The pages of the dashboard. To add one: a component in pages/ that takes `PageProps` and reads with `useApi`, and its row here; the
// shell shows it in the navigation and gives it every address below its own. Styles: a file in styles/, named in styles/main.css.

import type { JSX } from "preact";
import type { IconName } from "./components/icon.tsx";
import type { PageProps } from "./page-props.ts";
import { OverviewPage } from "./pages/overview.tsx";

export type Page = {
  /** Its first segment below /dashboard; "" is the first page. */
  readonly name: string;
  readonly title: string;
  readonly icon: IconName;
  /** Pages of a group stand together in the navigation; null: it is not in the navigation. */
  readonly group: "Traffic" | "Gateway" | null;
  readonly component: (props: PageProps) => JSX.Element;
};

export const pages: readonly Page[] = [
  { name: "", title: "Overview", icon: "overview", group: "Traffic", component: OverviewPage },
];
