import { parseIpAddress } from "../settings/ip-address";
import type { SettingIssue } from "../settings/issues";
import { isMap, valueAt } from "../settings/values";

/** A host as the configuration has it, shared settings included. */
export interface RawHost {
  readonly name: string;
  readonly raw: unknown;
}

/** What is wrong between one host of a stack and the others. It skips what is wrong by itself. */
export function crossCheckHosts(host: RawHost, hosts: readonly RawHost[]): SettingIssue[] {
  const others = hosts.filter(({ name }) => name !== host.name);
  return [...takenName(host, others), ...sameMachine(host, others), ...sharedFormerNames(host, others)];
}

/** A name is one host's for ever: Pulumi would take what the other had under it for this one's. */
function takenName({ name }: RawHost, others: readonly RawHost[]): SettingIssue[] {
  return others
    .filter(({ raw }) => formerNames(raw).includes(name))
    .map((other) => ({
      path: [],
      value: name,
      message: `host ${other.name} had this name (formerly), and is known by it: settings of that host belong under hosts.${other.name}, and another host needs another name`,
      allowed: "a name that no host had",
      fix: null,
    }));
}

/** Told of the later of two by name, and not where one has the other's former name: that is told already. */
function sameMachine({ name, raw }: RawHost, others: readonly RawHost[]): SettingIssue[] {
  const place = placeOf(raw);
  const [other] = others.filter(
    (one) =>
      one.name < name &&
      placeOf(one.raw) === place &&
      !formerNames(raw).includes(one.name) &&
      !formerNames(one.raw).includes(name),
  );
  if (place === undefined || other === undefined) return [];
  const message = `host ${other.name} has the same address and port, and a machine is one host's. If it was renamed, remove the old name and list it: hosts.NEW.formerly`;
  const allowed = "an address, or a port at it, that no other host has";
  return [{ path: ["address"], value: valueAt(raw, ["address"]), message, allowed, fix: "ADDRESS" }];
}

function sharedFormerNames({ name, raw }: RawHost, others: readonly RawHost[]): SettingIssue[] {
  return formerNames(raw).flatMap((former, index) => {
    const [other] = others.filter((one) => one.name < name && formerNames(one.raw).includes(former));
    if (other === undefined) return [];
    const message = `host ${other.name} had that name too, and a name is one host's`;
    return [{ path: ["formerly", index], value: former, message, fix: null }];
  });
}

/**
 * Names of one machine are compared as they are written: what they resolve to is not known here. An address behind a
 * bastion is the bastion's own affair.
 */
function placeOf(raw: unknown): string | undefined {
  const address = valueAt(raw, ["address"]);
  if (!isMap(raw) || typeof address !== "string") return undefined;
  const { port, proxyJump } = raw;
  const at = `${parseIpAddress(address)?.text ?? address.toLowerCase()} ${typeof port === "string" || typeof port === "number" ? port : 22}`;
  return proxyJump === undefined ? at : `${at} behind ${placeOf(proxyJump) ?? ""}`;
}

function formerNames(raw: unknown): string[] {
  const given = valueAt(raw, ["formerly"]);
  return Array.isArray(given) ? given.filter((name) => typeof name === "string") : [];
}
