// A machine of a test's own: folders below a temporary one, and stand-ins of systemctl, launchctl and the like that note their calls.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine } from "../../src/supervisor/machine.ts";

export type TestMachine = Machine & {
  readonly bin: string;
  /** A program on the machine's PATH: its calls are noted, then `script` runs. */
  program(name: string, script?: string): void;
  calls(): readonly string[];
  remove(): void;
};

export function testMachine(
  options: Partial<Pick<Machine, "platform" | "uid" | "environment">> = {},
): TestMachine {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-service-"));
  const bin = join(folder, "bin");
  const calls = join(folder, "calls");
  const home = join(folder, "home", "anna");
  for (const each of [bin, home]) mkdirSync(each, { recursive: true });
  return {
    platform: options.platform ?? "linux",
    uid: options.uid ?? 1000,
    root: folder,
    homeDirectory: home,
    environment: { HOME: home, PATH: `${bin}:/usr/bin:/bin`, ...options.environment },
    bin,
    program(name, script = "") {
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> "${calls}"\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    },
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Answers as systemd 252 does; `active` is a file that exists while the service runs. */
export const systemctlScript = (active: string): string => `
case "$*" in
  *--version*) echo "systemd 252 (252.38-1~deb12u1)" ;;
  *--property=Version*) echo "Version=252" ;;
  *" restart "*|*start\\ clawgate*|*"start clawgate"*) : > "${active}" ;;
  *stop*|*disable*) rm -f "${active}" ;;
  *show*) if [ -e "${active}" ]; then printf 'ActiveState=active\\nSubState=running\\nMainPID=4711\\nUnitFileState=enabled\\nStatusText=listening on http://127.0.0.1:1\\nResult=success\\nNRestarts=2\\nActiveEnterTimestamp=Mon 2026-11-30\\n'
    else printf 'ActiveState=failed\\nSubState=failed\\nMainPID=0\\nResult=exit-code\\nExecMainStatus=78\\n'; fi ;;
esac`;
