import type { ListenAddress } from "../monitor/listen";
import { MONITOR_FOLDERS } from "../monitor/render";
import { quoteShell } from "../render/shell";
import { bracketed, sshCommand, type SshTarget, tunnelCommand } from "../ssh/target";

/** Where a browser finds the monitor's page at the end of its tunnel. */
const PAGE_PORT = 9900;
const SUGGESTED_LISTEN = "127.0.0.1:9465";

/** How the monitor of a host may be asked. */
export interface PageAccess {
  /** Its TCP address; undefined: only its socket, which is its own user's and root's. */
  readonly listen: ListenAddress | undefined;
  /** Path of that setting. */
  readonly setting: string;
}

/**
 * Commands that show what is in force on a host, for the operator's own machine.
 * @param prometheus where the host's Prometheus answers; undefined: it has none of this project's
 */
export function nextSteps(target: SshTarget, page: PageAccess, prometheus?: ListenAddress): string[] {
  const ssh = sshCommand(target);
  const sudo = target.user === "root" ? "" : "sudo -n ";
  return [
    `what the kernel enforces: ${ssh} ${sudo}ai-resource-manager verify --table`,
    `what happened at boot: ${ssh} ${sudo}journalctl -u ai-resource-manager`,
    `what has changed on the host: ${ssh} ${sudo}ai-resource-manager verify`,
    `the monitor's page: ${pageStep(target, page)}`,
    ...(prometheus === undefined ? [] : [`Prometheus: ${prometheusStep(target, prometheus)}`]),
  ];
}

/** At the same port here: the links in its alerts lead there. */
function prometheusStep(target: SshTarget, { address, port }: ListenAddress): string {
  return `${tunnelCommand(target, port, `${bracketed(address)}:${port}`)}, then open http://127.0.0.1:${port}/`;
}

/** sshd opens what it forwards to as the user who has logged in, whom sudo makes no difference to. */
function pageStep(target: SshTarget, { listen, setting }: PageAccess): string {
  const open = `then open http://127.0.0.1:${PAGE_PORT}/`;
  if (listen !== undefined)
    return `${tunnelCommand(target, PAGE_PORT, `${bracketed(listen.address)}:${listen.port}`)}, ${open}`;
  if (target.user === "root")
    return `${tunnelCommand(target, PAGE_PORT, `${MONITOR_FOLDERS.run}/monitor.sock`)}, ${open}`;
  return `only root may open the monitor's socket: pulumi config set --path ${quoteShell(setting)} ${SUGGESTED_LISTEN}, then pulumi up says how to reach it`;
}
