import { quoteShell } from "../render/shell";

/**
 * The texts that a host runs. They stay in Pulumi's state, and a state written today must be able to run them
 * in two years: they are never changed. See docs/bundle.md, "The three commands".
 */
export interface BundleCommands {
  readonly apply: string;
  readonly remove: string;
}

export function bundleCommands(bundle: string, user: string): BundleCommands {
  return {
    apply: bundle === "manager" ? bootstrap(user) : asRoot(user, `ai-resource-manager apply ${bundle}`),
    remove: asRootShell(
      user,
      `! command -v ai-resource-manager >/dev/null || ai-resource-manager remove ${bundle}`,
    ),
  };
}

/**
 * Takes the manager out of its own bundle and runs it. It must work on a machine with nothing but sh and sed:
 * in the bundle a file's content is indented by six spaces and ends before the next line indented by four.
 */
const BOOTSTRAP = [
  "set -eu",
  "umask 077",
  "d=$(mktemp -d /run/ai-resource-manager.XXXXXXXX)",
  'trap "rm -rf $d" EXIT',
  'trap "exit 129" HUP INT PIPE TERM',
  'cat >"$d/bundle"',
  'if [ "$(tail -n 1 "$d/bundle")" != "end: true" ]; then echo "ai-resource-manager: the bundle is truncated; nothing was changed" >&2; exit 2; fi',
  'sed -n "\\\\|^  /usr/local/sbin/ai-resource-manager:\\$|,/^    mode:/{/^\\$/p;s/^      //p;}" "$d/bundle" >"$d/manager"',
  'bash "$d/manager" apply manager <"$d/bundle"',
].join("; ");

/** The first command on a host, so it is the one that finds out whether sudo lets us. */
function bootstrap(user: string): string {
  const command = asRoot(user, `sh -c ${quoteShell(BOOTSTRAP)}`);
  return user === "root" ? command : `if sudo -n true </dev/null; then ${command}; else ${NO_SUDO}; fi`;
}

const NO_SUDO =
  'echo "ai-resource-manager: $(id -un) may not use sudo without a password; nothing was changed.' +
  " Allow it as root on the host: echo '$(id -un) ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/$(id -un)\" >&2; exit 2";

function asRoot(user: string, command: string): string {
  return user === "root" ? command : `sudo -n ${command}`;
}

/** sudo runs programs, not shell text, and a plain user's PATH has no /usr/local/sbin: the whole text goes to its shell. */
function asRootShell(user: string, text: string): string {
  return user === "root" ? text : `sudo -n sh -c ${quoteShell(text)}`;
}
