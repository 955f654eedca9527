// A strict parser of Prometheus's two text formats (0.0.4, and OpenMetrics 1.0 where it differs). It throws on whatever a scraper
// would refuse or misread, so that a test needs no other program.

export type ParsedSample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

export type ParsedFamily = {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: ParsedSample[];
};

export type ParsedMetrics = {
  readonly families: ReadonlyMap<string, ParsedFamily>;
  /** Every sample of that name whose labels include all of these. */
  samples(name: string, labels?: Readonly<Record<string, string>>): readonly ParsedSample[];
  /** Their sum. */
  total(name: string, labels?: Readonly<Record<string, string>>): number;
};

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const number = /^[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)$|^NaN$/i;

export function parseMetrics(text: string, format: "prometheus" | "openmetrics"): ParsedMetrics {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const lines = text.slice(0, -1).split("\n");
  if (format === "openmetrics" && lines.pop() !== "# EOF") throw new Error("the last line is not # EOF");
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let current: ParsedFamily | null = null;
  let help: { readonly name: string; readonly text: string } | null = null;
  for (const line of lines) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line.startsWith("# HELP ")) {
      const [, name = "", words = ""] = /^# HELP (\S+) (.+)$/.exec(line) ?? fail("not a HELP line");
      if (/["\\]/.test(words)) fail("a HELP that the formats escape in different ways");
      help = { name, text: words };
    } else if (line.startsWith("# TYPE ")) {
      const [, name = "", type = ""] =
        /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? fail("not a TYPE line");
      if (metricName.exec(name)?.[0] !== name) fail("not a name");
      if (help?.name !== name) fail("no HELP before it");
      if (families.has(name)) fail("duplicate family");
      if (format === "openmetrics" && name.endsWith("_total")) fail("a family's name ends in _total");
      current = { name, type, help: help?.text ?? "", samples: [] };
      families.set(name, current);
    } else if (line.startsWith("#")) fail("an unknown comment");
    else {
      const sample = parseSample(line);
      if (current === null || !suffixes(current, format).some((each) => each === sample.name))
        return fail("a sample outside its family");
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
      if (seen.has(key)) fail("duplicate series");
      seen.add(key);
      if (current.type !== "gauge" && !(sample.value >= 0)) fail("a counter below 0");
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) if (family.type === "histogram") checkHistogram(family);
  const samples: ParsedMetrics["samples"] = (name, labels = {}) =>
    [...families.values()]
      .flatMap((family) => family.samples)
      .filter(
        (each) =>
          each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
      );
  return {
    families,
    samples,
    total: (name, labels) => samples(name, labels).reduce((sum, { value }) => sum + value, 0),
  };
}

function suffixes({ name, type }: ParsedFamily, format: string): readonly string[] {
  if (type === "histogram") return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  return [type === "counter" && format === "openmetrics" ? `${name}_total` : name];
}

function parseSample(line: string): ParsedSample {
  const fail = (why: string): never => {
    throw new Error(`${why}: ${line}`);
  };
  const name = metricName.exec(line)?.[0] ?? fail("no name");
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const label = labelName.exec(rest)?.[0] ?? fail("no label's name");
      const [whole, value = ""] =
        /^="((?:[^"\\]|\\[\\"n])*)"/.exec(rest.slice(label.length)) ?? fail("no value");
      if (label in labels) fail("a label twice");
      // oxlint-disable-next-line no-control-regex
      if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) fail("a control character");
      labels[label] = value.replace(/\\([\\"n])/g, (_all, sign: string) => (sign === "n" ? "\n" : sign));
      rest = rest.slice(label.length + whole.length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else if (!rest.startsWith("}")) fail("no end of the labels");
    }
    rest = rest.slice(1);
  }
  if (!rest.startsWith(" ") || !number.test(rest.slice(1))) fail("no value, or more than one");
  return { name, labels, value: Number(rest.slice(1).replace(/Inf$/, "Infinity")) };
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${name} ${key}`);
    };
    const buckets = group.filter((each) => each.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number((labels["le"] ?? "").replace("+Inf", "Infinity")));
    if (bounds.some((bound, at) => Number.isNaN(bound) || (at > 0 && bound <= (bounds[at - 1] ?? bound))))
      fail("bounds do not ascend");
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) fail("no bucket for all");
    if (buckets.some(({ value }, at) => at > 0 && value < (buckets[at - 1]?.value ?? 0)))
      fail("buckets are not cumulative");
    const one = (suffix: string): ParsedSample => {
      const found = group.filter((each) => each.name === name + suffix);
      return found.length === 1 && found[0] !== undefined ? found[0] : fail(`not one ${suffix}`);
    };
    if (one("_count").value !== buckets.at(-1)?.value) fail("count and the bucket for all differ");
    one("_sum");
  }
}
