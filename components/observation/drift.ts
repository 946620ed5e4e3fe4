import type { SentBundle } from "../host-bundle/sent";
import type { Observation } from "./observe";
import type { BundleStatus, Finding } from "./status";

/** So many findings of one bundle are told in full. */
const MOST_FINDINGS = 5;

/** What is compared of a bundle that would be sent; without a digest it is taken to be the version that is there. */
export interface ComparedBundle extends Pick<SentBundle, "name"> {
  readonly digest: string | undefined;
}

/**
 * In which way a host differs from a bundle; undefined where it does not, or where nobody knows. The text changes with
 * every apply and every boot of the host: a second drift like one that was repaired, or of a machine that was put back
 * to a snapshot, is another text than the one in Pulumi's state. It holds no time of day, which would break `up --plan`.
 */
export function driftOf(observation: Observation | undefined, bundle: ComparedBundle): string | undefined {
  if (observation === undefined || observation.kind === "unknown") return undefined;
  if (observation.kind === "absent") return `not on the host (${boot(observation.boot)})`;
  const { status } = observation;
  const found = status.bundles.find(({ name }) => name === bundle.name);
  if (found === undefined) return `not on the host (${boot(status.boot)})`;
  const since = `(since apply ${found.generation}, ${boot(status.boot)})`;
  const differences = [
    ...(found.findings.length > 0 ? [listed(found.findings)] : []),
    ...versionDrift(found, bundle, found.findings.length > 0 ? undefined : "the host holds another version"),
  ];
  return differences.length === 0 ? undefined : `${differences.join("; ")} ${since}`;
}

/**
 * What a bundle's last change has come to.
 * @param another what to say of another version; undefined to leave it at what else was found
 */
export function versionDrift(
  { digest, unconfirmed, reverted }: BundleStatus,
  declared: ComparedBundle,
  another: string | undefined,
): string[] {
  const waiting = unconfirmed ? ["its last change waits for confirmation"] : [];
  if (declared.digest === undefined || digest === declared.digest) return waiting;
  if (reverted === undefined) return another === undefined ? waiting : [...waiting, another];
  return [...waiting, oneLine(`nobody confirmed its last change, which went back at ${reverted}`)];
}

/** `ollama.service MemoryMax: declared 8 GiB, kernel 4 GiB (reason)`. */
export function formatFinding({ unit, property, declared, file, kernel, reason }: Finding): string {
  const onFile = file === "" || file === declared || file === kernel ? "" : `, on file ${file}`;
  const inKernel = kernel === "" ? "" : `, kernel ${kernel}`;
  return oneLine(`${unit} ${property}: declared ${declared}${onFile}${inKernel} (${reason})`);
}

function listed(findings: readonly Finding[]): string {
  const told = findings.slice(0, MOST_FINDINGS).map(formatFinding);
  const more = findings.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

const boot = (id: string): string => `boot ${oneLine(id).slice(0, 8)}`;

/** It becomes a shell's comment, which a new line would end. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, " ");
}
