// The source of the address to listen on, in words.

import type { LoadedConfig } from "./load.ts";

/** `port from PORT, host is the default`. */
export function addressOrigin({ origins }: Pick<LoadedConfig, "origins">): string {
  const of = (name: string): string => {
    const origin = origins.get(`server.${name}`);
    return origin === undefined ? `${name} is the default` : `${name} from ${origin.text}`;
  };
  return `${of("port")}, ${of("host")}`;
}
