// A service as the commands and the update see it, whichever manager has it.

import type { Scope } from "./machine.ts";
import type { ServicePlan } from "./service-plan.ts";
import type { Step } from "./steps.ts";

export type ServiceState = {
  /** The manager's own word: active, activating, failed, inactive, running, ... */
  readonly word: string;
  readonly isActive: boolean;
  /** Starts with the machine or with the session; null: unknown. */
  readonly isEnabled: boolean | null;
  readonly pid: number | null;
  /** The manager's own text. */
  readonly since: string | null;
  /** What the service says of itself, or why it ended. */
  readonly detail: string | null;
  readonly restarts: number | null;
};

export type Service = {
  readonly manager: "systemd" | "launchd";
  readonly scope: Scope;
  readonly unitPath: string;
  /** Null: the unit was not written by us, and is never replaced without `--force`. */
  readonly plan: ServicePlan | null;
  readonly unit: {
    /** Whether the file is what this version would write. */
    readonly isCurrent: boolean;
    readonly text: string;
  };
  /** Writes the unit as this version would, keeps the old one as .bak, tells the manager. Restarts nothing. Throws ServiceProblem. */
  rewrite(): Promise<void>;
  /** Each throws ServiceProblem; `start` and `restart` return when the service is ready, as far as the manager knows that. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** A process that the manager itself starts: with the unit as it is now. */
  restart(): Promise<void>;
  /** Why a process that the running one starts would not do, a clause; null: it does, and no request is lost. */
  onlyNewStart(): Promise<string | null>;
  state(): Promise<ServiceState>;
  logArgv(lines: number, follow: boolean): readonly string[];
  readonly uninstallSteps: readonly Step[];
};

export type Manager = {
  readonly manager: Service["manager"];
  unitPath(scope: Scope): string;
  unitText(plan: ServicePlan): Promise<string>;
  /** Null: it can be asked; else why not, a sentence without its full stop. */
  unreachable(scope: Scope): Promise<string | null>;
  installSteps(plan: ServicePlan): Promise<readonly Step[]>;
  /** What the owner should know of this scope: a sentence each. */
  notes(scope: Scope): Promise<readonly string[]>;
  /** Null: no unit lies there. */
  service(scope: Scope): Promise<Service | null>;
};
