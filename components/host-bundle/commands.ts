import { quoteShell } from "../render/shell";

/**
 * The texts that a host runs. They stay in Pulumi's state, and a state written today must be able to run them
 * in two years: what they say holds for ever, and they are the same for every user. See docs/bundle.md, "The commands".
 */
export interface BundleCommands {
  readonly apply: string;
  readonly remove: string;
  readonly confirm: string;
}

/** By its path, for a plain user's PATH lacks its folder. It becomes root by itself. */
export const MANAGER = "/usr/local/sbin/ai-resource-manager";

const STORE = "/var/lib/ai-resource-manager";

/** @param owner whose the bundle is (identity.ts); without it, whoever removes it may */
export function bundleCommands(bundle: string, owner?: string): BundleCommands {
  return {
    apply: bundle === "manager" ? BOOTSTRAP : `${MANAGER} apply ${bundle}`,
    remove: removal(bundle, owner),
    confirm: `${MANAGER} confirm ${bundle}`,
  };
}

/**
 * Where the manager and what it stored are gone, so is the bundle. Where its file alone is gone, the bundle is in force
 * and nobody can take it back. In sh, whatever the login shell is; and only root can look into the store.
 */
function removal(bundle: string, owner: string | undefined): string {
  const gone = `ai-resource-manager: ${MANAGER} is gone, and bundle ${bundle} is still in force: nothing was removed. Bring the manager back with pulumi up, then remove the bundle again`;
  const script = [
    `if test -x ${MANAGER}; then exec ${MANAGER} remove ${bundle}${owner === undefined ? "" : ' --owner "$1"'}; fi`,
    `test -d ${STORE} || exit 0`,
    'r=; test "$(id -u)" = 0 || r="sudo -n"',
    "$r true || exit 1",
    `for d in bundles removing; do if $r test -e ${STORE}/$d/${bundle}; then echo "${gone}" >&2; exit 1; fi; done`,
  ].join("; ");
  return `sh -c ${quoteShell(script)} sh${owner === undefined ? "" : ` ${quoteShell(owner)}`}`;
}

/**
 * Takes the manager out of its own bundle and runs it. It must work on a machine with nothing but sh and sed:
 * in the bundle a file's content is indented by six spaces and ends before the next line indented by four.
 */
const INSTALL = [
  "set -eu",
  "umask 077",
  "d=$(mktemp -d /run/ai-resource-manager.XXXXXXXX)",
  'trap "rm -rf $d" EXIT',
  'trap "exit 129" HUP INT PIPE TERM',
  'cat >"$d/bundle"',
  'if [ "$(tail -n 1 "$d/bundle")" != "end: true" ]; then echo "ai-resource-manager: the bundle is truncated; nothing was changed" >&2; exit 2; fi',
  `sed -n "\\\\|^  ${MANAGER}:\\$|,/^    mode:/{/^\\$/p;s/^      //p;}" "$d/bundle" >"$d/manager"`,
  'bash "$d/manager" apply manager <"$d/bundle"',
].join("; ");

/** The first command on a host, so it is the one that finds out whether sudo lets us. */
const ELEVATE = [
  'if [ "$(id -u)" = 0 ]; then exec sh -c "$1"',
  'elif sudo -n true </dev/null; then exec sudo -n sh -c "$1"',
  'else echo "ai-resource-manager: $(id -un) may not use sudo without a password; nothing was changed. ' +
    "Allow it as root on the host: echo '$(id -un) ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/$(id -un)\" >&2",
  "exit 2",
  "fi",
].join("; ");

const BOOTSTRAP = `sh -c ${quoteShell(ELEVATE)} sh ${quoteShell(INSTALL)}`;
