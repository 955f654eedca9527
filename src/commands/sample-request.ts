// A small request in any format around a given text, for questions about routing. It is never sent to a provider.

export const sampleEndpoints = ["chat", "messages", "responses", "gemini"] as const;
export type SampleEndpoint = (typeof sampleEndpoints)[number];

export type Sample = {
  readonly text: string;
  readonly model: string;
  readonly hasTools: boolean;
  readonly hasImages: boolean;
};

/** One transparent pixel. */
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const mediaType = "image/png";
const dataUrl = `data:${mediaType};base64,${pixel}`;

const name = "get_weather";
const description = "The weather of a city.";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** The parsed JSON body as a client of that endpoint would send it. */
export function sampleRequest(endpoint: SampleEndpoint, sample: Sample): Readonly<Record<string, unknown>> {
  const { text, model, hasTools, hasImages } = sample;
  switch (endpoint) {
    case "chat":
      return {
        model,
        messages: [
          {
            role: "user",
            content: hasImages
              ? [
                  { type: "text", text },
                  { type: "image_url", image_url: { url: dataUrl } },
                ]
              : text,
          },
        ],
        ...(hasTools
          ? { tools: [{ type: "function", function: { name, description, parameters: schema } }] }
          : {}),
      };
    case "messages":
      return {
        model,
        max_tokens: 1024,
        messages: [
          {
            role: "user",
            content: hasImages
              ? [
                  { type: "text", text },
                  { type: "image", source: { type: "base64", media_type: mediaType, data: pixel } },
                ]
              : text,
          },
        ],
        ...(hasTools ? { tools: [{ name, description, input_schema: schema }] } : {}),
      };
    case "responses":
      return {
        model,
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text },
              ...(hasImages ? [{ type: "input_image", image_url: dataUrl, detail: "auto" }] : []),
            ],
          },
        ],
        ...(hasTools
          ? { tools: [{ type: "function", name, description, parameters: schema, strict: false }] }
          : {}),
      };
    case "gemini":
      return {
        // At the endpoint itself, the path contains the name.
        model,
        contents: [
          {
            role: "user",
            parts: [{ text }, ...(hasImages ? [{ inlineData: { mimeType: mediaType, data: pixel } }] : [])],
          },
        ],
        ...(hasTools
          ? { tools: [{ functionDeclarations: [{ name, description, parameters: schema }] }] }
          : {}),
      };
  }
}
