// The pages of the dashboard. To add one: a component in pages/ that takes `PageProps` and reads with `useApi`, and its row here; the
// shell shows it in the navigation and gives it every address below its own. Styles: a file in styles/, named in styles/main.css.

import type { JSX } from "preact";
import { AlertsPage } from "./pages/alerts.tsx";
import { ClaudeCodePage } from "./pages/claude-code.tsx";
import { ConfigPage } from "./pages/config.tsx";
import { ProvidersPage } from "./pages/providers.tsx";
import { RoutingPage } from "./pages/routing.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { TenantsPage } from "./pages/tenants.tsx";
import type { IconName } from "./components/icon.tsx";
import type { PageProps } from "./page-props.ts";
import { LivePage } from "./pages/live.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { RequestsPage } from "./pages/requests.tsx";
import { SessionsPage } from "./pages/sessions.tsx";

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
  { name: "providers", title: "Providers", icon: "providers", group: "Gateway", component: ProvidersPage },
  { name: "routing", title: "Routing", icon: "routing", group: "Gateway", component: RoutingPage },
  { name: "tenants", title: "Tenants", icon: "tenants", group: "Gateway", component: TenantsPage },
  {
    name: "claude-code",
    title: "Claude Code",
    icon: "terminal",
    group: "Gateway",
    component: ClaudeCodePage,
  },
  { name: "alerts", title: "Alerts", icon: "alert", group: "Gateway", component: AlertsPage },
  { name: "config", title: "Config", icon: "config", group: "Gateway", component: ConfigPage },
  { name: "sign-in", title: "Sign in", icon: "config", group: null, component: SignInPage },
  { name: "", title: "Overview", icon: "overview", group: "Traffic", component: OverviewPage },
  { name: "live", title: "Live", icon: "live", group: "Traffic", component: LivePage },
  { name: "requests", title: "Requests", icon: "requests", group: "Traffic", component: RequestsPage },
  { name: "sessions", title: "Sessions", icon: "sessions", group: "Traffic", component: SessionsPage },
];
