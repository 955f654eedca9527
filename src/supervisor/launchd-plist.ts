// The text of launchd's property list: a pure function of the plan. It must never contain a key.

import { planComment, serveWords, type ServicePlan } from "./service-plan.ts";

export const launchdLabel = "dev.clawgate.gateway";

export type LaunchdFacts = {
  /** Absolute; launchd creates the files, not the folder. */
  readonly logFolder: string;
  readonly workingFolder: string;
};

type PlistValue = string | number | boolean | readonly string[] | { readonly [name: string]: PlistValue };

export function launchdPlist(plan: ServicePlan, { logFolder, workingFolder }: LaunchdFacts): string {
  const values: PlistValue = {
    Label: launchdLabel,
    ...(plan.user === null ? {} : { UserName: plan.user }),
    ProgramArguments: [...plan.program, ...serveWords, ...plan.args],
    EnvironmentVariables: plan.environment,
    WorkingDirectory: workingFolder,
    RunAtLoad: true,
    // A wrong config ends it with 78, and launchd tries again every ThrottleInterval: it knows no exit code that ends the trying.
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    // Beyond server.drain_s; then launchd kills.
    ExitTimeOut: 90,
    StandardOutPath: `${logFolder}/clawgate.log`,
    StandardErrorPath: `${logFolder}/clawgate.log`,
    SoftResourceLimits: { NumberOfFiles: 65_536 },
    HardResourceLimits: { NumberOfFiles: 65_536 },
    Umask: 0o077,
    // The lowest class is throttled on disk and network.
    ProcessType: "Interactive",
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    "<!-- Written by `clawgate service install`, and again by an update that changes it. -->",
    `<!-- ${planComment(plan)} -->`,
    '<plist version="1.0">',
    xml(values, ""),
    "</plist>",
    "",
  ].join("\n");
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function xml(value: PlistValue, indent: string): string {
  if (typeof value === "string") return `${indent}<string>${escaped(value)}</string>`;
  if (typeof value === "number") return `${indent}<integer>${value}</integer>`;
  if (typeof value === "boolean") return `${indent}<${value}/>`;
  const deeper = `${indent}  `;
  if (Array.isArray(value))
    return [`${indent}<array>`, ...value.map((each) => xml(each, deeper)), `${indent}</array>`].join("\n");
  const rows = Object.entries(value).flatMap(([name, each]) => [
    `${deeper}<key>${escaped(name)}</key>`,
    xml(each, deeper),
  ]);
  return [`${indent}<dict>`, ...rows, `${indent}</dict>`].join("\n");
}
