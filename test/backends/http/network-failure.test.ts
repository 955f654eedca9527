// What fetch throws, as a Failure for the pipeline: real connections on loopback that break in every way.

import { describe, expect, test } from "bun:test";
import { networkFailure, addressOf } from "../../../src/backends/http/network-failure.ts";
import { consequences, Failure, failureFrom } from "../../../src/canon/failure.ts";
import { FrameTooLarge } from "../../../src/wire/sse.ts";

/** Fetches from a server that says these bytes and hangs up. */
async function failureOf(bytes: string): Promise<Failure | "an answer"> {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.write(bytes);
        socket.end();
      },
    },
  });
  try {
    const answer = await fetch(`http://127.0.0.1:${listener.port}/v1/x`, {
      method: "POST",
      body: "{}",
      redirect: "manual",
    });
    await answer.bytes();
    return "an answer";
  } catch (thrown) {
    return networkFailure(thrown);
  } finally {
    listener.stop(true);
  }
}

describe("connections that break", () => {
  test.each([
    ["closed without a word", "", "unreachable"],
    ["no HTTP at all", "hello, this is not HTTP\r\n\r\n", "unreachable"],
    ["a broken status line", "HTTP/1.1 xyz\r\n\r\n", "unreachable"],
    ["a body shorter than promised", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "unreachable"],
    ["a broken chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "unreachable"],
    [
      "a gzip that is none",
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
      "bad-output",
    ],
  ] as const)("%s", async (_, bytes, kind) => {
    const failure = await failureOf(bytes);
    expect(failure).toBeInstanceOf(Failure);
    if (failure === "an answer") return;
    expect(failure.kind).toBe(kind);
    expect(failure.message).not.toContain("127.0.0.1");
  });

  test("a header of 1 MB and a thousand 100s are no trouble", async () => {
    expect(
      await failureOf(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(1_000_000)}\r\ncontent-length: 2\r\n\r\n{}`),
    ).toBe("an answer");
    expect(
      await failureOf(
        `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`,
      ),
    ).toBe("an answer");
  });

  test.each(["http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://nobody.invalid/"])(
    "nobody at %s",
    async (url) => {
      const thrown: unknown = await fetch(url).catch((error: unknown) => error);
      const failure = networkFailure(thrown);
      expect(failure.kind).toBe("unreachable");
      expect(failure.maybeBilled).toBe(false);
      expect(failure.message).not.toMatch(/127\.0\.0\.1|nobody/);
      expect(failure.cause).toBe(thrown);
    },
  );

  test("TLS asked of a plain port", async () => {
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("HTTP/1.1 200 OK\r\n\r\n") },
    });
    const thrown: unknown = await fetch(`https://127.0.0.1:${listener.port}/`).catch(
      (error: unknown) => error,
    );
    listener.stop(true);
    expect(networkFailure(thrown).kind).toBe("unreachable");
  });
});

describe("other things thrown", () => {
  test("a Failure stays what it is", () => {
    const failure = new Failure("overloaded", "busy");
    expect(networkFailure(failure)).toBe(failure);
  });

  test("a frame beyond the limit is bad output", () => {
    expect(networkFailure(new FrameTooLarge("big")).kind).toBe("bad-output");
  });

  test("our own bug is not a provider's fault", () => {
    for (const bug of [
      new TypeError("undefined is not a function"),
      new RangeError("deep"),
      new Error("odd"),
      "text",
      undefined,
    ])
      expect(networkFailure(bug).kind).toBe("internal");
  });

  test("a reset may have been billed, a refusal was not", () => {
    const coded = (code: string): Failure => networkFailure(Object.assign(new Error("x"), { code }));
    expect(coded("ECONNRESET").maybeBilled).toBe(true);
    expect(coded("ConnectionRefused").maybeBilled).toBe(false);
    expect(coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE_CERT").message).toContain("certificate");
  });
});

test.each([
  [407, "HTTP 407, ERR_PROXY_TUNNEL): it needs a user name and password"],
  [502, "HTTP 502, ERR_PROXY_TUNNEL)"],
])("a proxy that opens no tunnel (%d) was sent nothing of the request", async (status, words) => {
  const proxy = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`) },
  });
  const thrown: unknown = await fetch("https://api.example.com/", {
    proxy: `http://127.0.0.1:${proxy.port}`,
  }).catch((error: unknown) => error);
  proxy.stop(true);
  const failure = networkFailure(thrown, () => false, "api.example.com:443");
  expect(failure).toMatchObject({ kind: "unreachable", maybeBilled: false });
  expect(failure.operatorMessage).toContain(words);
  expect(failure.message).toBe("The proxy to the upstream refused the connection.");
});

describe("what this machine lacks", () => {
  const thrown = (code: string): Error => Object.assign(new TypeError(`${code}: a word of Bun's`), { code });

  test.each([
    "EMFILE",
    "ENFILE",
    "ENOMEM",
    "ENOBUFS",
    "EAGAIN",
    "EADDRNOTAVAIL",
    "ENOSPC",
    "EDQUOT",
    "EROFS",
  ])("%s is our failure and nobody else's, wherever it turns up", (code) => {
    for (const failure of [networkFailure(thrown(code)), failureFrom(thrown(code))]) {
      expect(failure).toMatchObject({ kind: "at-capacity", status: 503 });
      expect(failure.retryAfterMs).toBeGreaterThan(0);
      expect(failure.message).not.toContain(code);
      expect(consequences[failure.kind].penalizes).toBe("nobody");
    }
  });

  test.each(["ECONNREFUSED", "ConnectionRefused", "ENOTFOUND", "EAI_AGAIN", "FailedToOpenSocket"])(
    "%s is the vendor's, but not while descriptors are short: then Bun says it of itself",
    (code) => {
      expect(networkFailure(thrown(code), () => false).kind).toBe("unreachable");
      expect(networkFailure(thrown(code), () => true).kind).toBe("at-capacity");
    },
  );

  test("a vendor that hangs up is one, however short descriptors are", () => {
    expect(networkFailure(thrown("ECONNRESET"), () => true).kind).toBe("unreachable");
  });

  test("no error makes another one of itself: a bug stays a bug", () => {
    expect(failureFrom(new Error("EMFILE")).kind).toBe("internal");
    expect(failureFrom({ code: "toString" }).kind).toBe("internal");
  });
});

describe("the operator's text", () => {
  const told = (code: string): Failure =>
    networkFailure(Object.assign(new Error("x"), { code }), () => false, "api.example:443");

  test.each([
    ["ENOTFOUND", "api.example:443: the name was not found"],
    ["EAI_AGAIN", "could not be looked up"],
    ["ECONNREFUSED", "refused"],
    ["ECONNRESET", "closed or reset"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "NODE_EXTRA_CA_CERTS"],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "NODE_EXTRA_CA_CERTS"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "NODE_EXTRA_CA_CERTS"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "NODE_EXTRA_CA_CERTS"],
    ["CERT_HAS_EXPIRED", "not valid today"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "another name"],
    ["EPROTO", "plain HTTP"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "plain HTTP"],
    ["SOMETHING_NEW", "SOMETHING_NEW"],
  ])("%s: %s", (code, words) => {
    const failure = told(code);
    expect(failure.why).toContain(words);
    expect(failure.why).toStartWith("api.example:443: ");
    expect(failure.message).not.toMatch(/api\.example|NODE_EXTRA/);
  });

  test("a handshake that failed was no request, so nothing is billed", () => {
    for (const code of [
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_DECRYPT_CERT_SIGNATURE",
      "EPROTO",
      "CERT_UNTRUSTED",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "INVALID_CA",
      "HOSTNAME_MISMATCH",
      "CRL_HAS_EXPIRED",
    ])
      expect(told(code).maybeBilled).toBe(false);
    expect(told("ECONNRESET").maybeBilled).toBe(true);
  });

  test("host and port, and the proxy in between", () => {
    expect(addressOf("https://api.example/v1", null)).toBe("api.example:443");
    expect(addressOf("http://[::1]:8080", null)).toBe("[::1]:8080");
    expect(addressOf("http://a.example", "http://user:secret@proxy:3128")).toBe(
      "a.example:80 through the proxy proxy:3128",
    );
  });
});
