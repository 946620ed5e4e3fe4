import { SettingError } from "../settings/field";

/**
 * A command line as ExecStart= takes it (systemd.service(5)): the program's absolute path, then its arguments. Without
 * systemd's prefixes: + and ! would lift its hardening, - would hide that it failed.
 * @throws SettingError with a command line that does the same, where there is one
 */
export function parseCommandLine(text: string): string {
  if (text.endsWith("\\")) {
    const whole = text.replace(/[\s\\]+$/, "");
    throw new SettingError("a backslash at its end would swallow the next line of its unit", whole);
  }
  if (/^\/[^\s"'\\]*[^\s"'\\/](\s|$)/.test(text)) return ownProgram(text);
  const [, prefix = "", command = ""] = /^\s*([-@:+!|]*)\s*(.*)$/s.exec(text) ?? [];
  if (prefix !== "" && command.startsWith("/"))
    throw new SettingError("a prefix such as + or - is not for a workload", command);
  const isName = /^[A-Za-z0-9._+-]*[A-Za-z0-9][A-Za-z0-9._+-]*(\s|$)/.test(command);
  throw new SettingError(
    "it does not begin with an absolute path",
    command.startsWith("/") ? command : isName ? `/usr/bin/env ${command}` : undefined,
  );
}

/** The limits would hold the client of a container engine, and not the container. */
function ownProgram(command: string): string {
  const client = /^\S*\/(docker|podman|nerdctl|docker-compose|podman-compose)(\s|$)/.exec(command)?.[1];
  if (client === undefined) return command;
  throw new SettingError(
    `${client} leaves the program to its engine, out of the unit's cgroup, and the limits would hold ${client} alone. Make the workload a container: runtime: container, and its image`,
  );
}
