/** Reads a datagram as strictly as Datadog's agent does, and refuses what that would take in another meaning, or drop. */
export interface DatadogEvent {
  readonly kind: "event";
  readonly title: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}
export interface DatadogCheck {
  readonly kind: "check";
  readonly name: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** Agents read so much by default (`dogstatsd_buffer_size`). */
const MOST_BYTES = 8192;

const EVENT_FIELDS = /^(d:[0-9]+|h:[^\s]+|k:.{1,100}|p:(normal|low)|t:(error|warning|info|success)|#.+)$/su;
const CHECK_FIELDS = /^(d:[0-9]+|h:[^\s]+|#.+|m:.*)$/su;

export function parseDatagram(datagram: Buffer): (DatadogEvent | DatadogCheck)[] {
  if (datagram.length > MOST_BYTES) throw new Error(`${datagram.length} bytes are more than an agent reads`);
  if (!Buffer.from(datagram.toString("utf8")).equals(datagram)) throw new Error("that is no UTF-8");
  return datagram
    .toString("utf8")
    .split("\n")
    .map((line) => (line.startsWith("_e{") ? eventOf(Buffer.from(line)) : checkOf(line)));
}

/** The lengths are of bytes: what lies between them may hold anything but a line break. */
function eventOf(line: Buffer): DatadogEvent {
  const [header = "", titleBytes, textBytes] =
    /^_e\{([0-9]+),([0-9]+)\}:/.exec(line.toString("latin1")) ?? [];
  const rest = line.subarray(header.length);
  const titleEnd = Number(titleBytes);
  const textEnd = titleEnd + 1 + Number(textBytes);
  if (header === "" || titleEnd === 0 || rest.length < textEnd)
    throw new Error(`no event: ${line.toString()}`);
  if (rest[titleEnd] !== 0x7c || (rest.length > textEnd && rest[textEnd] !== 0x7c))
    throw new Error(`the lengths of ${line.toString()} are wrong`);
  const text = (from: number, to?: number) =>
    rest.subarray(from, to).toString("utf8").replaceAll("\\n", "\n");
  const fields =
    rest.length > textEnd
      ? rest
          .subarray(textEnd + 1)
          .toString("utf8")
          .split("|")
      : [];
  return {
    kind: "event",
    title: text(0, titleEnd),
    text: text(titleEnd + 1, textEnd),
    fields: fieldsOf(fields, EVENT_FIELDS),
  };
}

function checkOf(line: string): DatadogCheck {
  const [kind, name = "", status = "", ...fields] = line.split("|");
  if (kind !== "_sc" || !/^[a-z0-9_.]+$/.test(name) || !/^[0-3]$/.test(status))
    throw new Error(`no service check: ${line}`);
  const messageAt = fields.findIndex((field) => field.startsWith("m:"));
  if (messageAt !== -1 && messageAt !== fields.length - 1)
    throw new Error(`the message is not last: ${line}`);
  return { kind: "check", name, status: Number(status), fields: fieldsOf(fields, CHECK_FIELDS) };
}

function fieldsOf(given: readonly string[], known: RegExp): Record<string, string> {
  return Object.fromEntries(
    given.map((field) => {
      if (!known.test(field)) throw new Error(`an agent does not know the field ${field}`);
      return field.startsWith("#") ? ["#", field.slice(1)] : [field.slice(0, 1), field.slice(2)];
    }),
  );
}
