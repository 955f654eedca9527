// What stands behind the dashboard while it is tried: a config with tenants, rules and a provider that is down, and mixed requests with
// hostile names among them.

export const adminKey = "admin-key-0123456789abcdef";
export const tenantKey = "k3y-of-search-0123456789abcdef";
export const hostile = `<img src=x onerror="window.__hostile=1">`;

/** With comments: an edit must keep them. */
export function configText(upstream: string): string {
  return `# The config behind the dashboard.
server:
  log_level: info # lines for the live page
auth:
  admin_key: ${adminKey}
providers:
  alpha:
    base_url: "${upstream}"
    api_key: vendor-key-0123456789
    model: fake-large
    models: [fake-small]
    pricing: { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 }
  beta:
    backend: anthropic
    base_url: "${upstream}"
    api_key: vendor-key-0123456789
    model: fake-large
    pricing: { input: 1, output: 5 }
  down:
    base_url: "http://127.0.0.1:9" # nothing listens there
    api_key: vendor-key-0123456789
    model: fake-large
    pricing: { input: 1, output: 5 }
fallback_chain: [alpha, beta]
aliases: { quick: alpha/fake-small } # a name of our own
static_rules:
  rules:
    - name: heartbeat
      match: { system_prompt_contains: [heartbeat] }
      route_to: beta
    - name: never-asked
      match: { model_requested: ["no-such-*"] }
      route_to: beta
heuristic_rules:
  rules:
    - name: math
      match: { message_keywords: { any_of: [prove, theorem], min_matches: 2 } }
      route_to: beta
tenants:
  - name: team-search
    api_key: ${tenantKey}
    limits: { requests_per_minute: 600, max_concurrent: 20, budget: { usd_per_day: 500, usd_per_month: 5000 } }
  - name: team-web
    api_key: web-key-0123456789abcdef
`;
}

type Sent = {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
};

const message = (content: string) => [{ role: "user", content }];

/** One of each kind; index makes them differ. */
function requestOf(index: number): Sent {
  const session = { "x-session-id": `session-${index % 7}` };
  const text = `Question ${index} [[usage:${200 + index},${index % 3 === 0 ? 150 : 0},0,${20 + (index % 9)}]]`;
  switch (index % 8) {
    case 0:
      return {
        path: "/v1/chat/completions",
        body: { model: "auto", messages: message(text) },
        headers: session,
      };
    case 1:
      return {
        path: "/v1/messages",
        body: { model: "alpha", max_tokens: 64, stream: true, messages: message(text) },
        headers: session,
      };
    case 2:
      return {
        path: "/v1/chat/completions",
        body: { model: "quick", stream: true, messages: message(text) },
      };
    case 3:
      return {
        path: "/v1/chat/completions",
        body: { model: "auto", messages: message(`prove the theorem. ${text}`) },
      };
    case 4:
      return {
        path: "/v1/chat/completions",
        body: { model: "alpha", messages: message(`${text} [[mode:500]]`) },
      };
    case 5:
      return {
        path: "/v1/chat/completions",
        body: { model: "auto", messages: message(text) },
        headers: { "user-agent": `${hostile}/1.0`, "x-clawgate-tags": `nightly,${hostile}` },
      };
    case 6:
      return { path: "/v1/chat/completions", body: { model: hostile, messages: message(text) } };
    default:
      return { path: "/v1/chat/completions", body: { model: "down", messages: message(text) } };
  }
}

async function send(url: string, { path, body, headers }: Sent): Promise<number> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${tenantKey}`, ...headers },
    body: JSON.stringify(body),
  });
  await answer.text();
  return answer.status;
}

const requests = 160;

export async function sendTraffic(url: string): Promise<string> {
  const counts = new Map<number, number>();
  for (let at = 0; at < requests; at += 8) {
    const group = Array.from({ length: 8 }, (_, index) => send(url, requestOf(at + index)));
    for (const status of await Promise.all(group)) counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  if ((counts.get(200) ?? 0) < requests / 2)
    throw new Error(`too few answers: ${JSON.stringify([...counts])}`);
  return [...counts].map(([status, count]) => `${count} x ${status}`).join(", ");
}

/** A stream that lasts until it is cancelled; settles with how it ended. */
export async function streamSlowly(url: string): Promise<string> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${tenantKey}` },
    body: JSON.stringify({ model: "alpha", stream: true, messages: message("[[long:2000]] [[pace:100]]") }),
  });
  return answer.text().catch((error: unknown) => String(error));
}
