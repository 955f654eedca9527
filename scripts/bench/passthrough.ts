// The baseline: the minimum that a gateway on Bun must do. Bun.serve, fetch, bytes in and bytes out, compiled like the gateway.
// It must never read, count or keep anything.

const upstream = process.env["UPSTREAM"] ?? "";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 0),
  idleTimeout: 60,
  development: false,
  async fetch(request) {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path === "/health") return Response.json({ status: "ok" });
    const answer = await fetch(upstream + path, {
      method: request.method,
      headers: {
        "content-type": "application/json",
        authorization: request.headers.get("authorization") ?? "",
      },
      body: await request.arrayBuffer(),
      signal: request.signal,
      redirect: "manual",
    });
    return new Response(answer.body, {
      status: answer.status,
      headers: { "content-type": answer.headers.get("content-type") ?? "application/json" },
    });
  },
});

process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
