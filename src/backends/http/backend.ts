// A vendor behind HTTP: a request becomes its format's body, and its answer becomes events. `open` returns the bytes as they
// are. Every failure leaves here as a Failure; no upstream text reaches a client unredacted.

import { startsAnswer, type StreamEvent } from "../../canon/event.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { ArgumentRepair } from "../../dialects/repair-arguments.ts";
import { markThinking } from "../../dialects/thinking-signatures.ts";
import { Citations } from "../../dialects/citations.ts";
import type { BackendHalf, TargetFacts } from "../../dialects/dialect.ts";
import { portionBytes } from "../../wire/loop-pacer.ts";
import { sseDecoder } from "../../wire/sse.ts";
import type { Backend, Call } from "../backend.ts";
import { type EncodedRequest, encodedRequest } from "./encoded-request.ts";
import { applyQuirks, type QuirkName } from "./quirks.ts";
import { redactedFailure } from "./redacted-failure.ts";
import { readJsonReply } from "./reply-bytes.ts";
import { ReplyPace } from "./reply-pace.ts";
import { Sender, type SenderOptions } from "./sender.ts";
import { vendorNameOf } from "./vendors.ts";

export type HttpBackendOptions = SenderOptions & {
  readonly provider: string;
  /** False: it cannot be asked anything without a caller. Absent: it can. */
  readonly isChecked?: boolean;
  readonly quirks: readonly QuirkName[];
  readonly targetFacts: (model: string) => TargetFacts;
};

export function createHttpBackend(options: HttpBackendOptions): Backend {
  const { dialect, quirks, targetFacts } = options;
  const sender = new Sender(options);
  const translation = new HttpTranslation(options, sender);
  return {
    provider: options.provider,
    dialect: dialect.name,
    address: sender.address,
    targetFacts,
    generate: (request, call) => translation.generate(request, call),
    encode: (request, call) => translation.encode(request, call),
    open: (path, body, call) => sender.open(path, body, call),
    adaptBody: (body, note, facts) => applyQuirks(quirks, body, note, facts?.takes),
    ...(options.isChecked === false ? {} : { check: (signal: AbortSignal) => sender.check(signal) }),
    connectionLost: () => sender.connectionLost(),
  };
}

class HttpTranslation {
  private readonly vendor: ReturnType<typeof vendorNameOf>;

  constructor(
    private readonly options: HttpBackendOptions,
    private readonly sender: Sender,
  ) {
    this.vendor = vendorNameOf(options.baseUrl);
  }

  encode(request: ChatRequest, call: Parameters<typeof encodedRequest>[2]): EncodedRequest {
    const { dialect, quirks, targetFacts } = this.options;
    return encodedRequest({ dialect, vendor: this.vendor, quirks, targetFacts }, request, call);
  }

  async *generate(
    request: Parameters<Backend["generate"]>[0],
    call: Call,
  ): AsyncGenerator<readonly StreamEvent[], void, void> {
    const { dialect } = this.options;
    const decoder = dialect.backend.streamDecoder();
    const calls = new ArgumentRepair();
    const citations = request.extras[dialect.name] === undefined ? new Citations(dialect.name) : null;
    try {
      const { body, maker, fitted } = this.encode(request, call);
      const decoded = (events: readonly StreamEvent[]): readonly StreamEvent[] => {
        const told = this.masked(calls.repair(events));
        // A client of the vendor's own format controls its members itself.
        const tidy = citations === null ? told : markThinking(citations.addTo(told), maker);
        return fitted === null ? tidy : fitted.back(tidy);
      };
      const answer = await this.sender.open(
        dialect.backend.path({ model: call.model, stream: true }),
        Buffer.from(JSON.stringify(body)),
        call,
      );
      const type = answer.headers.get("content-type") ?? "";
      if (type.includes("text/html")) throw foreignAnswer();
      if (type.includes("application/json")) {
        yield decoded(dialect.backend.decodeReply(await readJsonReply(answer)));
        return;
      }
      const frames = sseDecoder();
      const replyPace = new ReplyPace();
      if (answer.body !== null)
        for await (const chunk of answer.body) {
          for (let at = 0; at < chunk.length; at += portionBytes) {
            const portion = chunk.length <= portionBytes ? chunk : chunk.subarray(at, at + portionBytes);
            const turn = replyPace.take(portion.length);
            if (turn !== null) {
              await turn;
              if (call.signal.aborted) throw failureFrom(call.signal.reason);
            }
            const events = decodeAll(decoder, frames.push(portion));
            replyPace.hasBegun ||= events.some(startsAnswer);
            // An empty batch shows activity: comments and partial frames keep a silently thinking model alive.
            yield decoded(events);
          }
        }
      yield decoded([...decodeAll(decoder, frames.end()), ...decoder.end()]);
    } catch (thrown) {
      const failure = call.signal.aborted ? failureFrom(call.signal.reason) : this.sender.failureOf(thrown);
      yield [{ type: "failure", failure }];
    }
  }

  private masked(events: readonly StreamEvent[]): readonly StreamEvent[] {
    const last = events.at(-1);
    if (last?.type !== "failure") return events;
    return [
      ...events.slice(0, -1),
      { type: "failure", failure: redactedFailure(this.options.redact, last.failure) },
    ];
  }
}

function decodeAll(
  decoder: ReturnType<BackendHalf["streamDecoder"]>,
  frames: Parameters<typeof decoder.step>[0][],
): StreamEvent[] {
  const events: StreamEvent[] = [];
  for (const frame of frames) for (const event of decoder.step(frame)) events.push(event);
  return events;
}

export function foreignAnswer(): Failure {
  return new Failure("bad-output", "The upstream answered with something that is not its API's format.");
}
