import type { Bundle, BundlePackage, PackageAhead } from "./bundle";

type Entry = Readonly<Record<string, string | undefined>>;
type Section = Readonly<Record<string, Entry | string>>;

/**
 * The bundle as the strict YAML of docs/bundle.md.
 * @param owner whose it is (identity.ts); without it, nobody's
 * @throws RangeError for what that subset cannot express: a control character, a name that is no bundle name.
 */
export function renderBundle(bundle: Bundle, managerVersion: string, owner?: string): string {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(bundle.name)) throw new RangeError(`"${bundle.name}" is no bundle name`);
  const head = {
    bundle: "1",
    name: bundle.name,
    manager: managerVersion,
    owner,
    confirm: bundle.confirmSeconds?.toString(),
  };
  const lines = Object.entries(head).map(([name, value]) =>
    value === undefined ? "" : `${name}: ${scalar(value)}\n`,
  );
  return `${lines.join("")}${Object.entries(sectionsOf(bundle)).map(renderSection).join("")}end: true\n`;
}

/** The sections in the order of docs/bundle.md, every value a string. */
function sectionsOf(bundle: Bundle): Record<string, Section | undefined> {
  return {
    requires: map(bundle.requires, (requirement) => ({ ...requirement })),
    files: map(bundle.files, (file) => ({
      mode: file.mode,
      owner: file.owner,
      content: file.content,
      expand: flag(file.expand),
    })),
    folders: map(bundle.folders, (folder) => ({ ...folder, data: flag(folder.data) })),
    json: map(bundle.json, ({ content, reloads, restartWith, setting }) => ({
      content: `${JSON.stringify(content, null, 2)}\n`,
      reloads: reloads?.join(" "),
      restartWith: restartWith && JSON.stringify(restartWith),
      setting,
    })),
    packages: bundle.packages && Object.fromEntries(bundle.packages.map(packageEntry)),
    ahead: bundle.ahead && Object.fromEntries(bundle.ahead.map(aheadEntry)),
    replaces: bundle.replaces,
    backups: bundle.backups,
    units: map(bundle.units, (unit) => ({
      enabled: flag(unit.enabled),
      active: flag(unit.active),
      restartOn: unit.restartOn?.join(" "),
      cmdline: unit.cmdline,
      container: unit.container,
    })),
    ready: map(bundle.ready, ({ start, http, command, timeoutSeconds, container, revision, setting }) => ({
      start: flag(start),
      http,
      command,
      timeout: String(timeoutSeconds),
      container,
      revision,
      setting,
    })),
    hardening: map(bundle.hardening, ({ setting, readable, writable }) => ({
      setting,
      readable: String(readable),
      writable: String(writable),
    })),
    containers: map(bundle.containers, ({ graceSeconds, setting }) => ({
      grace: String(graceSeconds),
      setting,
    })),
    networks: map(bundle.networks, (network) => ({ ...network })),
    sysctls: bundle.sysctls,
    swapFiles: map(bundle.swapFiles, ({ sizeBytes, priority, setting }) => ({
      size: String(sizeBytes),
      priority: String(priority),
      setting,
    })),
    zram: map(bundle.zram, ({ sizeBytes, memoryLimitBytes, priority, algorithm, setting }) => ({
      size: String(sizeBytes),
      memoryLimit: String(memoryLimitBytes),
      priority: String(priority),
      algorithm,
      setting,
    })),
    ioSchedulers: bundle.ioSchedulers,
    readAhead: map(bundle.readAhead, ({ kib, setting }) => ({ kib: String(kib), setting })),
    docker: map(bundle.docker, (docker) => ({
      ...docker,
      liveRestore: String(docker.liveRestore),
      flags: docker.flags.join(" "),
      logOptions: docker.logOptions.join(" "),
      packages: docker.packages.join(" "),
    })),
    limits: bundle.limits,
  };
}

function packageEntry(wanted: string | BundlePackage): [string, Entry | string] {
  if (typeof wanted === "string") return [wanted, "present"];
  const { name, unless, program, optional } = wanted;
  return [name, { unless, program, optional: flag(optional) }];
}

function aheadEntry({ name, units, files, optional, ...rest }: PackageAhead): [string, Entry | string] {
  const entry: Entry = {
    ...rest,
    units: units?.join(" "),
    files: files?.join(" "),
    optional: flag(optional),
  };
  return [name, Object.values(entry).every((value) => value === undefined) ? "present" : entry];
}

/** The fields that are literal blocks. */
const BLOCKS = ["files/content", "json/content"];

function renderSection([name, section]: [string, Section | undefined]): string {
  const entries = Object.entries(section ?? {}).sort(byKey);
  if (entries.length === 0) return "";
  return `${name}:\n${entries.map(([key, entry]) => renderEntry(name, key, entry)).join("")}`;
}

function renderEntry(section: string, name: string, entry: Entry | string): string {
  if (typeof entry === "string") return `  ${key(name)}: ${scalar(entry)}\n`;
  const fields = Object.entries(entry).sort(byKey);
  const lines = fields.map(([field, value]) => {
    if (value === undefined) return "";
    return `    ${key(field)}: ${BLOCKS.includes(`${section}/${field}`) ? block(value) : scalar(value)}\n`;
  });
  return `  ${key(name)}:\n${lines.join("")}`;
}

/** A literal block whose indentation is stated, so that content may begin with spaces or empty lines. */
function block(content: string): string {
  if (content === "") return '""';
  if (!content.endsWith("\n")) throw new RangeError("the content of a file must end in a newline");
  refuse(content, UNPRINTABLE, "content");
  const lines = content.slice(0, -1).split("\n");
  return `|2+\n${lines.map((line) => (line === "" ? "" : `      ${line}`)).join("\n")}`;
}

function key(text: string): string {
  // YAML readers look for a key's colon within 1024 characters only.
  if (text === "" || text.length > 512)
    throw new RangeError(`${JSON.stringify(text.slice(0, 40))} is no key`);
  return /^[A-Za-z/][A-Za-z0-9/._@*+-]*$/.test(text) && !YAML_WORD.test(text) ? text : scalar(text);
}

/** Words that YAML 1.1 and 1.2 read as null or a truth value. */
const YAML_WORD = /^(null|true|false|yes|no|on|off|y|n)$/i;

function scalar(text: string): string {
  refuse(text, /[\t\n]/, "a value");
  refuse(text, UNPRINTABLE, "a value");
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function refuse(text: string, pattern: RegExp, what: string): void {
  const found = pattern.exec(text)?.[0];
  if (found === undefined) return;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw new RangeError(`${what} holds U+${code}, which a bundle cannot carry`);
}

/**
 * What YAML readers refuse or treat as a line break: controls other than tab and newline, U+0085, U+2028,
 * U+2029, the byte order mark, halves of surrogate pairs, and the two non-characters.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/u;

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function flag(value: boolean | undefined): string | undefined {
  return value === true ? "true" : undefined;
}

function map<T>(
  entries: Readonly<Record<string, T>> | undefined,
  entry: (value: T) => Entry,
): Section | undefined {
  return entries && Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, entry(value)]));
}
