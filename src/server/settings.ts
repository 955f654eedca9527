// The `server` section of the config: the address to listen on, trusted proxies, and the limits of one request. It must never read
// the environment: config/ applies variables and flags on top of it.

import { z } from "zod";

/** ClawGate-py passed this word on to uvicorn, so uvicorn's words are accepted as well. */
const logLevel = z
  .enum(["trace", "debug", "info", "warn", "warning", "error", "critical"])
  .transform((word): LogLevel => {
    if (word === "trace") return "debug";
    if (word === "warning") return "warn";
    return word === "critical" ? "error" : word;
  });

export const defaultPort = 8090;

/** Programs whose place ClawGate can take, and the port on which their clients expect them. */
export const compatPorts = { "cc-gateway": 3456, "claude-proxy": 4523, cliproxyapi: 3456 } as const;

const compatNames = ["cc-gateway", "claude-proxy", "cliproxyapi"] as const;

export type Compat = (typeof compatNames)[number];

export const isCompat = (word: unknown): word is Compat => compatNames.some((each) => each === word);

export type LogLevel = "debug" | "info" | "warn" | "error";

const hostName = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$|^\[?[0-9A-Fa-f:.]+\]?$/, "a host name or address without scheme, port or path");

const origin = z
  .string()
  .regex(/^[a-z][a-z0-9+.-]*:\/\/[^/\s*]+$/i, "an origin such as https://app.example.com, without a path");

function isAddress(text: string): boolean {
  return z.union([z.ipv4(), z.ipv6()]).safeParse(text).success;
}

const addressOrRange = z
  .string()
  .regex(/^[0-9A-Fa-f:.]+(\/\d{1,3})?$/, "an IP address or a range such as 10.0.0.0/8");

export const serverSettings = z
  .strictObject({
    host: hostName
      .default("127.0.0.1")
      .describe("Address to listen on. Any address but loopback requires a key in `auth.keys`."),
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .default(defaultPort)
      .describe("TCP port. 0 picks any free one."),
    compat: z
      .enum(compatNames)
      .optional()
      .describe(
        "Takes the place of another program: its default port (cc-gateway 3456, claude-proxy 4523, cliproxyapi 3456) and the shape of its /health. `port` here, PORT and --port win. Absent: our own.",
      ),
    log_level: logLevel
      .prefault("info")
      .describe(
        "How much is logged: debug, info, warn or error. A successful request is logged at info on a terminal and at debug elsewhere; a failed one is always logged; debug logs every decision.",
      ),
    body_limit_mb: z
      .number()
      .min(0.001)
      .max(1024)
      .default(32)
      .describe("Largest request body, in megabytes; above it the answer is 413."),
    body_memory_mb: z
      .number()
      .min(0.002)
      .max(1_048_576)
      .optional()
      .describe(
        "Megabytes of memory that all request bodies may take together until their answers begin; a large one waits up to 5 s for memory, then the answer is 503. At least twice `body_limit_mb`; absent: an eighth of the memory, at most 512. A caller gets what the others leave free.",
      ),
    min_upload_kb_s: z
      .number()
      .min(0)
      .max(1_048_576)
      .default(4)
      .describe("Slowest upload, in kilobytes a second; a slower body is answered with 408. 0 = any speed."),
    upload_grace_s: z
      .number()
      .min(0.1)
      .max(3600)
      .default(10)
      .describe("Seconds over which the speed of an upload is judged: a body may pause for that long."),
    drain_s: z
      .number()
      .min(0)
      .max(3600)
      .default(30)
      .describe("Seconds that running requests get to finish when the gateway stops."),
    request_timeout_s: z
      .number()
      .min(1)
      .max(86_400)
      .default(900)
      .describe("Seconds for a whole request, all attempts included."),
    allowed_hosts: z
      .array(hostName)
      .default([])
      .describe(
        "Additional names allowed in the Host header, besides localhost, addresses and the bind host.",
      ),
    allowed_origins: z
      .array(origin)
      .default([])
      .describe("Web origins that may call from a browser; they get CORS headers."),
    trusted_proxies: z
      .array(addressOrRange)
      .default([])
      .describe("Addresses or ranges of reverse proxies whose forwarding headers are trusted."),
    docker_host_ip: z
      .string()
      .refine((text) => text === "auto" || isAddress(text), "must be `auto` or an IP address")
      .default("auto")
      .describe("Address of this machine as containers see it: `auto` or an IP address."),
  })
  .refine((server) => (server.body_memory_mb ?? Infinity) >= 2 * server.body_limit_mb, {
    path: ["body_memory_mb"],
    message: "must be at least twice server.body_limit_mb: a body is held in pieces and then joined",
  })
  .prefault({});

export type ServerSettings = z.infer<typeof serverSettings>;
