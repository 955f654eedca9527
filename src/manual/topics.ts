// The pages of the manual, in reading order. A new page is a file in this folder and a row here.
// They are imported as files: a run that shows no page never reads one.

import claudeCode from "./claude-code.md" with { type: "file" };
import claudeCodeGateway from "./claude-code-gateway.md" with { type: "file" };
import clients from "./clients.md" with { type: "file" };
import commands from "./commands.md" with { type: "file" };
import configuration from "./configuration.md" with { type: "file" };
import containers from "./containers.md" with { type: "file" };
import formats from "./formats.md" with { type: "file" };
import install from "./install.md" with { type: "file" };
import models from "./models.md" with { type: "file" };
import movingOver from "./moving-over.md" with { type: "file" };
import openclaw from "./openclaw.md" with { type: "file" };
import operating from "./operating.md" with { type: "file" };
import providers from "./providers.md" with { type: "file" };
import restarts from "./restarts.md" with { type: "file" };
import routing from "./routing.md" with { type: "file" };
import security from "./security.md" with { type: "file" };
import services from "./services.md" with { type: "file" };
import speed from "./speed.md" with { type: "file" };
import start from "./start.md" with { type: "file" };
import tenants from "./tenants.md" with { type: "file" };
import terms from "./terms.md" with { type: "file" };

export type Topic = {
  /** The argument of `clawgate help`, and the page's address: `/docs/<name>`. */
  readonly name: string;
  /** The page's heading. */
  readonly title: string;
  readonly summary: string;
  /** The path of the page's markdown. */
  readonly path: string;
};

export type TopicGroup = { readonly title: string; readonly topics: readonly Topic[] };

const topic = (name: string, path: string, title: string, summary: string): Topic => ({
  name,
  title,
  summary,
  path,
});

export const topicGroups: readonly TopicGroup[] = [
  {
    title: "Begin",
    topics: [
      topic("start", start, "Getting started", "install, start, send a request, write a config"),
      topic("install", install, "Installing and updating", "install, verify, update, go back, uninstall"),
      topic("clients", clients, "Clients", "settings of each client, endpoints, request headers"),
      topic("moving-over", movingOver, "Moving over", "coming from four other programs"),
    ],
  },
  {
    title: "Use",
    topics: [
      topic("models", models, "Models", "which names a client may ask for"),
      topic("providers", providers, "Providers", "vendors, local servers, keys"),
      topic("routing", routing, "Routing", "rules, classifier, fallback, strategies, hedging"),
      topic("formats", formats, "Formats", "what passes unchanged, what is adapted, what is refused"),
      topic(
        "claude-code",
        claudeCode,
        "Claude Code as a provider",
        "your own program as a provider: tools, skills, jail",
      ),
      topic(
        "claude-code-gateway",
        claudeCodeGateway,
        "The gateway contract of Claude Code",
        "what Claude Code asks of a gateway, line by line; quotas; your own sign-in",
      ),
      topic("openclaw", openclaw, "OpenClaw", "set-up, skills and keys of OpenClaw instances"),
      topic("tenants", tenants, "Tenants, limits and budgets", "several users with keys, limits and budgets"),
    ],
  },
  {
    title: "Run",
    topics: [
      topic("services", services, "Services", "systemd, launchd: install, state, what the service gets"),
      topic(
        "operating",
        operating,
        "Operating and troubleshooting",
        "status, logs, records, what to do when",
      ),
      topic("containers", containers, "Containers", "Docker, compose with OpenClaw, Kubernetes"),
      topic("restarts", restarts, "Restarts", "a new process takes over, and no request is lost"),
      topic("security", security, "Security", "who may call what, and where keys are kept"),
      topic("terms", terms, "Terms of use", "what vendors say and allow"),
      topic("speed", speed, "Speed", "what the gateway costs, and how it was measured"),
    ],
  },
  {
    title: "Look up",
    topics: [
      topic("configuration", configuration, "Configuration", "every key and variable"),
      topic("commands", commands, "Commands", "every command and option, exit codes"),
    ],
  },
];

export const topics: readonly Topic[] = topicGroups.flatMap((group) => group.topics);

/** Pages refer to each other by file, so that name is accepted as well. */
export function topicNamed(name: string): Topic | null {
  const wanted = name.replace(/\.md$/, "");
  return topics.find((each) => each.name === wanted) ?? null;
}
